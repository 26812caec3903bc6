using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>Rows of prompts, as a UNet reads them.</summary>
public static class PromptRows
{
    /// <summary>The prompt's chunks one behind the other: [1, chunks · rows, width].</summary>
    public static Tensor Of(StableDiffusionModel model, PromptTokens prompt, Emphasis emphasis = Emphasis.Scale)
    {
        Tensor[] chunks = [.. prompt.Chunks.Select(chunk => Weighted(Hidden(model, [.. chunk.Select(token => (long)token.Id)]), chunk, emphasis, model))];
        return chunks is [var only] ? only : Tensor.Cat(chunks, 1);
    }

    /// <summary>Two prompts' rows, the shorter with empty chunks behind it: guidance takes both in one batch.</summary>
    public static (Tensor Rows, Tensor Negative) AsLong(StableDiffusionModel model, Tensor rows, Tensor negative)
    {
        var most = Math.Max(rows.Size(1), negative.Size(1));
        Tensor Filled(Tensor one)
        {
            if (one.Size(1) == most) return one;
            var empty = model.TextRows([""]);
            return Tensor.Cat([one, .. Enumerable.Repeat(empty, (int)((most - one.Size(1)) / empty.Size(1)))], 1);
        }

        return (Filled(rows), Filled(negative));
    }

    private static Tensor Hidden(StableDiffusionModel model, long[] ids) => model.Hidden(Tensor.From(ids, 1, ids.Length));

    private static Tensor Weighted(Tensor rows, IReadOnlyList<PromptToken> chunk, Emphasis emphasis, StableDiffusionModel model)
    {
        if (emphasis == Emphasis.None || chunk.All(token => token.Weight == 1)) return rows;
        var weights = Tensor.From([.. chunk.Select(token => (float)token.Weight)], 1, chunk.Count, 1).To(rows.Device);
        if (emphasis == Emphasis.Empty)
        {
            var empty = model.TextRows([""]);
            return empty + (rows - empty) * weights;
        }

        var scaled = rows * weights;
        return scaled * (rows.Mean() / scaled.Mean());
    }
}
