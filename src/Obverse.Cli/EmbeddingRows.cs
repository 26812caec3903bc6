using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>Picture files as a CLIP wants them (shorter side resized, the middle cut out, as its library does), embedded a few at a time.</summary>
internal static class EmbeddingRows
{
    private const int AtOnce = 16;

    /// <summary>[files, d], in their order. <paramref name="unreadable"/> is told of a file that cannot be read, with its place; its row is left out.</summary>
    public static Tensor Embed(ClipEncoder encoder, IReadOnlyList<string> files, Action<int, PictureException> unreadable, CancellationToken stop, bool normalized = true) =>
        Embed(encoder, [.. files.Select(LabelledPicture.OfFile)], unreadable, stop, normalized);

    /// <inheritdoc cref="Embed(ClipEncoder, IReadOnlyList{string}, Action{int, PictureException}, CancellationToken, bool)"/>
    public static Tensor Embed(ClipEncoder encoder, IReadOnlyList<LabelledPicture> files, Action<int, PictureException> unreadable, CancellationToken stop, bool normalized = true)
    {
        var preprocess = new ClipPreprocess { Size = encoder.Side, Family = encoder.Model.Config.Origin == ClipOrigin.HuggingFace ? ClipFamily.HuggingFace : ClipFamily.OpenAi };
        return TensorScope.Of(() =>
        {
            using var still = new NoGrad();
            List<Tensor> rows = [];
            for (var at = 0; at < files.Count; at += AtOnce)
            {
                stop.ThrowIfCancellationRequested();
                List<byte> pixels = [];
                var count = 0;
                foreach (var i in Enumerable.Range(at, Math.Min(AtOnce, files.Count - at)))
                {
                    try
                    {
                        pixels.AddRange(preprocess.Pixels(files[i].Read(), files[i].Name));
                        count++;
                    }
                    catch (PictureException problem)
                    {
                        unreadable(i, problem);
                    }
                }

                if (count == 0) continue;
                rows.Add(TensorScope.Of(() =>
                {
                    var images = Tensor.From(pixels.ToArray(), count, encoder.Side, encoder.Side, 3).Permute(0, 3, 1, 2).To(DType.Float32).Contiguous() / 255;
                    var embeddings = encoder.Model.EncodeImage(encoder.Model.Normalize(images));
                    return normalized ? embeddings.Normalized() : embeddings;
                }));
            }

            return rows.Count == 0 ? Tensor.Zeros([0, encoder.Dimension]) : Tensor.Cat(rows);
        });
    }

    /// <summary>[texts, d].</summary>
    public static Tensor Embed(ClipEncoder encoder, IReadOnlyList<string> texts, CancellationToken stop, bool normalized = true) => TensorScope.Of(() =>
    {
        using var still = new NoGrad();
        List<Tensor> rows = [];
        foreach (var some in texts.Chunk(4 * AtOnce))
        {
            stop.ThrowIfCancellationRequested();
            rows.Add(TensorScope.Of(() => normalized ? encoder.Embed(some) : encoder.Model.EncodeText(some)));
        }

        return Tensor.Cat(rows);
    });
}
