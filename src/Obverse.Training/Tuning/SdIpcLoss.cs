using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>The loss of SD-IPC-FT and -CT (sd-ipc.md 6.4, eq. 9): a reference picture is converted to a prompt, beside which the UNet denoises a target picture; beside the caption too, so that it goes on reading texts.</summary>
internal sealed class SdIpcLoss : IDisposable
{
    private const ulong Draws = 520, Order = 521;
    private readonly StableDiffusionModel model;
    private readonly ClipModel clip;
    private readonly TuningData data;
    private readonly TuningOptions options;
    private readonly PicturePrompts? prompts;
    private readonly PromptConverter converter;
    private readonly Tensor start, captions; // [1, rows, width]; a row a class
    private readonly string[] classes;
    private readonly ShuffledSampler order;

    public SdIpcLoss(StableDiffusionModel model, ClipModel clip, TuningData data, PicturePrompts? prompts, PromptConverter converter, TuningOptions options)
    {
        (this.model, this.clip, this.data, this.prompts, this.converter, this.options) = (model, clip, data, prompts, converter, options);
        if (options.Target == TuningTarget.Other && data.OfClass.FirstOrDefault(c => c.Value.Length < 2) is { Key: { } name }) throw new ArgumentException($"{name}: one picture was given; A/B targets need two or more of a class (--target same tunes to the picture itself)");
        classes = [.. data.OfClass.Keys];
        order = new(data.Pictures.Count, options.Seed, Order);
        using (new NoGrad()) (start, captions) = (Tensor.Owned(() => model.TextRows([""])), Tensor.Owned(() => model.TextRows([.. classes.Select(Caption)])));
    }

    /// <summary>What a picture of a class is called in training.</summary>
    public static string Caption(string name) => $"a photo of a {name}";

    /// <summary>Of the step with this number.</summary>
    public (Tensor Loss, IReadOnlyDictionary<string, double> Parts) At(long step)
    {
        using var draws = Generator.For(options.Seed, Draws, (ulong)step);
        var n = options.Batch;
        var (targets, references, texts) = (new long[n], new long[n], new long[n]);
        var inOrder = order.Batch(step, n);
        for (var i = 0; i < n; i++)
        {
            var target = options.Method == TuningMethod.FineTuning ? inOrder[i] : (int)draws.Next(0, data.Pictures.Count);
            var among = data.OfClass[data.Pictures[target].Class];
            var reference = options.Target switch
            {
                TuningTarget.Same => target,
                TuningTarget.Any => among[(int)draws.Next(0, among.Length)],
                _ => among.Where(one => one != target).ElementAt((int)draws.Next(0, among.Length - 1)),
            };
            var mirrored = draws.Next() < options.Flip;
            targets[i] = TuningData.Row(target, mirrored);
            references[i] = TuningData.Row(reference, options.Target == TuningTarget.Same ? mirrored : draws.Next() < options.Flip);
            texts[i] = Array.IndexOf(classes, data.Pictures[target].Class);
        }

        long[] shape = [n, .. data.LatentShape];
        var latents = data.Latents(targets, draws.Normal(shape));
        var (noise, times) = (draws.Normal(shape), draws.Integers(0, model.Schedule.Steps, n).ToArray<long>());
        using var dropout = Generator.For(options.Seed, Draws, (ulong)step, 1);
        var pixels = data.Seen(references);
        var rows = PromptConverter.Variation(converter.Convert(prompts?.Forward(pixels, dropout) ?? Seen(pixels)), start);
        return Of(model.UNet, model.Schedule, latents, rows, captions.IndexSelect(0, Tensor.From(texts)), noise, times, MovesUNet ? options.TextWeight : 0);
    }

    /// <summary>Both parts with the same noise and times; the caption's is left out where its weight is 0.</summary>
    internal static (Tensor Loss, IReadOnlyDictionary<string, double> Parts) Of(UNet unet, NoiseSchedule schedule, Tensor latents, Tensor converted, Tensor captions, Tensor noise, long[] times, double textWeight)
    {
        var loss = DenoisingLoss.Of(unet, schedule, latents, converted, noise, times);
        Dictionary<string, double> parts = new() { ["convert"] = loss.Item() };
        if (textWeight == 0) return (loss, parts);
        var text = DenoisingLoss.Of(unet, schedule, latents, captions, noise, times);
        parts["text"] = text.Item();
        return (loss + text * textWeight, parts);
    }

    public void Dispose()
    {
        start.Dispose();
        captions.Dispose();
    }

    // A caption's loss reaches nothing that the other parts move.
    private bool MovesUNet => options.Parts is TuningParts.Both or TuningParts.KeyValues;

    private Tensor Seen(Tensor pixels)
    {
        using var still = new NoGrad();
        return clip.EncodeImage(pixels);
    }
}
