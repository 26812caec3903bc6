using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>A LoRA file and how much of it.</summary>
public sealed record SampleLora(StoredFile File, [property: Limit(-100, 100)] double Scale = 1);

/// <summary>What a sample's model is changed by before it draws: a tuned delta (`obverse tune`), then LoRA files.</summary>
public sealed record SampleTuning
{
    public StoredFile? Delta { get; init; }

    [Items(0, 64)]
    public ValueList<SampleLora> Loras { get; init; } = [];

    /// <summary>The files that it names.</summary>
    internal IEnumerable<StoredFile> Files => Loras.Select(lora => lora.File).Concat(Delta is { } delta ? [delta] : []);

    /// <summary>Everything that it names, for a cache.</summary>
    internal string Key => string.Join(' ', Loras.Select(lora => FormattableString.Invariant($"{lora.File.Sha256}:{lora.Scale}")).Prepend(Delta?.Sha256 ?? "-"));

    /// <summary>The delta, where its file is what it was; null: none. Of the caller.</summary>
    internal TunedDelta? Load() => Delta is null ? null : TunedDelta.Load(Delta.Unchanged("delta"));

    /// <summary>Writes over a model's weights.</summary>
    internal void ApplyTo(StableDiffusionModel model)
    {
        using (var delta = Load()) delta?.ApplyTo(model);
        foreach (var lora in Loras) LoraFile.ApplyTo(model, lora.File.Unchanged("LoRA"), lora.Scale);
    }
}

/// <summary>How a tuned model sees and converts pictures.</summary>
internal sealed class TunedConversion : IDisposable
{
    private readonly TunedDelta? delta;
    private readonly PicturePrompts? prompts;
    private readonly ClipEncoder encoder;

    public TunedConversion(SampleTuning? tuning, ClipEncoder encoder)
    {
        (this.encoder, delta) = (encoder, tuning?.Load());
        try { prompts = delta?.PromptsOn(encoder.Model); }
        catch
        {
            delta?.Dispose();
            throw;
        }
    }

    /// <summary>A layer in the place of the pseudo-inverse; null: none.</summary>
    public Tensor? Linear => delta?.Linear;

    /// <summary>The norm that it was tuned with; null: none was.</summary>
    public double? Length => delta?.Info is { Method: not "custom-diffusion" } info ? info.Length : null;

    /// <summary>A picture in 0 … 1 to its embedding, normalised.</summary>
    public Tensor Embed(Tensor picture)
    {
        if (prompts is null) return encoder.Embed(picture);
        var (clip, side) = (encoder.Model, encoder.Model.ImageSize);
        picture = picture.To(clip.Device);
        if (picture.Size(2) != side || picture.Size(3) != side) picture = picture.Resize(side, side, Interpolation.Bicubic, antialias: picture.Size(2) > side || picture.Size(3) > side);
        return prompts.Forward(clip.Normalize(picture)).Normalized();
    }

    public void Dispose()
    {
        prompts?.Dispose();
        delta?.Dispose();
    }
}
