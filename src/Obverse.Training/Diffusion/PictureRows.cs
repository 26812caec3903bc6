using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>The rows of a prompt that is a picture (SD-IPC, eq. 7), for the views whose embeddings a cache holds.</summary>
internal sealed class PictureRows : IDisposable
{
    private readonly FeatureCache embeddings;
    private readonly PromptConverter converter;
    private readonly Tensor anyText; // [1, rows, width]

    /// <param name="embeddings">Of the views, by <paramref name="clip"/>; belongs to this.</param>
    /// <param name="anyText">Rows of any text, [1, rows, width]: a picture's first row is every text's.</param>
    /// <param name="length">Of a converted picture's vector.</param>
    public PictureRows(FeatureCache embeddings, ClipModel clip, Tensor anyText, double length)
    {
        this.embeddings = embeddings;
        this.anyText = anyText.OwnedCopy();
        converter = new PromptConverter(clip.Weights.All["text_projection"]) { Length = length };
    }

    /// <summary>[views, rows, width].</summary>
    public Tensor Take(ReadOnlySpan<long> views) => PromptConverter.Variation(converter.Convert(embeddings.Take(views)), anyText);

    /// <summary>What the cache of embeddings holds of a picture.</summary>
    public static Func<Tensor, Tensor> Embedding(ClipModel clip) => new ClipEncoder(clip, "pictures").Embed;

    public void Dispose()
    {
        embeddings.Dispose();
        converter.Dispose();
        anyText.Dispose();
    }
}
