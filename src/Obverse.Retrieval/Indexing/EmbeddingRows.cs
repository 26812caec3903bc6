using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>Embeddings of files and texts, a row each, in batches: pictures as a CLIP wants them (shorter side resized, the middle cut out, as its library does).</summary>
public static class EmbeddingRows
{
    private const int BatchSize = 16;

    /// <summary>[files, d], in their order. <paramref name="onUnreadable"/> gets a file that cannot be read, by its place; its row is left out.</summary>
    public static Tensor Embed(ClipEncoder encoder, IReadOnlyList<(string Name, Func<byte[]> Read)> files, Action<int, PictureException> onUnreadable, CancellationToken stop = default, bool normalized = true)
    {
        var preprocess = new ClipPreprocess { Size = encoder.Side, Family = encoder.Model.Config.Origin == ClipOrigin.HuggingFace ? ClipFamily.HuggingFace : ClipFamily.OpenAi };
        return TensorScope.Of(() =>
        {
            using var still = new NoGrad();
            List<Tensor> rows = [];
            foreach (var batch in Enumerable.Range(0, files.Count).Chunk(BatchSize))
            {
                stop.ThrowIfCancellationRequested();
                List<byte> pixels = [];
                var count = 0;
                foreach (var i in batch)
                {
                    try
                    {
                        pixels.AddRange(preprocess.Pixels(files[i].Read(), files[i].Name));
                        count++;
                    }
                    catch (PictureException problem)
                    {
                        onUnreadable(i, problem);
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
    public static Tensor Embed(ClipEncoder encoder, IReadOnlyList<string> texts, CancellationToken stop = default, bool normalized = true) => TensorScope.Of(() =>
    {
        using var still = new NoGrad();
        List<Tensor> rows = [];
        foreach (var batch in texts.Chunk(4 * BatchSize))
        {
            stop.ThrowIfCancellationRequested();
            rows.Add(TensorScope.Of(() => normalized ? encoder.Embed(batch) : encoder.Model.EncodeText(batch)));
        }

        return Tensor.Cat(rows);
    });
}
