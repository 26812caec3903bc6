using System.Text.Json;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>How the representations of a bank are fitted. Those of equal settings start from the same weights and can be used again and joined; the model has no part in them.</summary>
/// <param name="Side">Pixels of the square that a picture is fitted at.</param>
/// <param name="Seed">Of the weights that all start from.</param>
public sealed record InrBankSettings(Inr Plan, InrFit Fit, int Side, ulong Seed)
{
    /// <summary>Chosen here (docs/bank.md); the specification's own are 256 wide, 3 hidden, omega 30, 1000 steps at 5e-4.</summary>
    public static InrBankSettings Default { get; } = new(Inr.Finer(hidden: 3, width: 64, omega: 10), new() { Steps = 100, Rate = 2e-3 }, Side: 96, Seed: 0);

    /// <summary>Refuses representations that were fitted otherwise, naming every setting that differs.</summary>
    public void MustEqual(InrBankSettings? other, string file)
    {
        if (Equals(other)) return;
        if (other is null) throw new ArgumentException($"{file}: does not say how its representations were fitted; write to another file");
        var (asked, there) = (Named(), other.Named());
        throw new ArgumentException($"{file}: was fitted with {string.Join(", ", there.Except(asked))}; asked for was {string.Join(", ", asked.Except(there))}");
    }

    /// <summary>The middle of a picture, as a CLIP sees it: [side, side, 3].</summary>
    /// <exception cref="PictureException">Not a picture.</exception>
    public byte[] Pixels(string path) => new ClipPreprocess { Size = Side }.Pixels(path);

    /// <summary>What <paramref name="count"/> pictures are fitted to, blurred: [n, side · side, 3] in -1 … 1. It belongs to the scope open outside.</summary>
    public Tensor Targets(byte[] pixels, int count) => TensorScope.Of(() => Fit.Targets(Tensor.From(pixels, count, Side, Side, 3).Permute(0, 3, 1, 2).To(DType.Float32).Contiguous() / 255));

    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>Null: not there, in a bank from elsewhere.</summary>
    public static InrBankSettings? Of(Safetensors file)
    {
        try
        {
            return file.Metadata.TryGetValue("settings", out var text) ? JsonSerializer.Deserialize<InrBankSettings>(text) : null;
        }
        catch (JsonException e)
        {
            throw new WeightsException($"{file.Path}: its settings are not JSON ({e.Message})", e);
        }
    }

    private string[] Named() => FormattableString.Invariant(
        $"width {Plan.Size};hidden {Plan.Hidden};activation {Plan.Activation};omega {Plan.Omega};first omega {Plan.FirstOmega};first bias {Plan.FirstBias};side {Side};steps {Fit.Steps};rate {Fit.Rate};gamma {Fit.Gamma};blur {(Fit.Blur is { } blur ? FormattableString.Invariant($"{blur}") : "by the side")};seed {Seed}").Split(';');
}
