using System.Security.Cryptography;
using System.Text;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>What came of a set: the pictures that were read, by index, and their rows.</summary>
public sealed record ExtractedFeatures(FeatureRows Rows, IReadOnlyList<int> Pictures, IReadOnlyList<string> Unreadable);

/// <summary>Features of sets and texts, through the cache, in batches of one size: a row does not depend on what else is asked for.</summary>
public sealed class FeatureExtraction(FeatureNetwork network, string? cache, (int Index, int Of)? shard = null) : IDisposable
{
    /// <summary>Pictures at once. Fewer are filled up with zeros: kernels sum in another order for another size of batch.</summary>
    public const int Batch = 16;

    private const int TrimEvery = 8; // batches; resident memory then stays where it is over any number of pictures (bench/fid.sh)

    private readonly FeatureStore pictures = new(cache, network.Key, network.Width, shard);
    private FeatureStore? texts;
    private int batches;

    public FeatureNetwork Network => network;

    /// <summary>The file that pictures' rows are in.</summary>
    public string Path => pictures.Path;

    /// <summary>A row for every picture of the source that can be read; of a shard, for every Of-th from Index (from 1).</summary>
    /// <param name="source">The set.</param>
    /// <param name="onUnreadable">Called with the one line that says what is wrong with a picture.</param>
    /// <param name="onProgress">Called with how many are done, and of how many.</param>
    /// <param name="stop">Checked between batches; what is done stays cached.</param>
    public ExtractedFeatures Of(PictureSource source, Action<string>? onUnreadable = null, Action<int, int>? onProgress = null, CancellationToken stop = default)
    {
        List<byte[]> hashes = [];
        List<int> good = [];
        List<string> bad = [];
        List<(byte[] Hash, Tensor Prepared, int Index)> batch = [];
        var waiting = new HashSet<string>();
        void Flush()
        {
            if (batch.Count == 0) return;
            using var scope = new TensorScope();
            using var still = new NoGrad();
            var all = Tensor.Cat([.. batch.Select(one => one.Prepared), .. Enumerable.Repeat(batch[0].Prepared.ZerosLike(), Batch - batch.Count)]);
            pictures.Add([.. batch.Select(one => one.Hash)], network.Features(all).Narrow(0, 0, batch.Count));
            foreach (var one in batch) one.Prepared.Dispose();
            batch.Clear();
            waiting.Clear();
            GC.Collect(0); // what was decoded: by itself the collector waits for as much of it as the processor's cache holds, 85 MB where that is large
            if (++batches % TrimEvery == 0) Runtime.ReturnFreeMemory();
        }

        for (var i = (shard?.Index ?? 1) - 1; i < source.Pictures.Count; i += shard?.Of ?? 1)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                var bytes = source.Read(i);
                var hash = SHA256.HashData(bytes);
                if (!waiting.Contains(Convert.ToHexString(hash)) && !pictures.Has(hash))
                {
                    batch.Add((hash, TensorScope.Unscoped(() => network.Prepare(bytes, source.Pictures[i].Name)), i));
                    waiting.Add(Convert.ToHexString(hash));
                }

                hashes.Add(hash);
                good.Add(i);
            }
            catch (PictureException wrong)
            {
                bad.Add(wrong.Message);
                onUnreadable?.Invoke(wrong.Message);
            }

            if (batch.Count == Batch) Flush();
            onProgress?.Invoke(i + 1, source.Pictures.Count);
        }

        Flush();
        return new(pictures.Rows(hashes), good, bad);
    }

    /// <summary>A row for every text.</summary>
    public FeatureRows Of(IReadOnlyList<string> lines, CancellationToken stop = default)
    {
        texts ??= new(cache, network.Key + " texts", network.Width);
        byte[][] hashes = [.. lines.Select(line => SHA256.HashData(Encoding.UTF8.GetBytes(line)))];
        foreach (var some in lines.Zip(hashes).DistinctBy(pair => pair.First).Where(pair => !texts.Has(pair.Second)).Chunk(Batch))
        {
            stop.ThrowIfCancellationRequested();
            using var scope = new TensorScope();
            using var still = new NoGrad();
            var all = network.Embed([.. some.Select(pair => pair.First), .. Enumerable.Repeat("", Batch - some.Length)]);
            texts.Add([.. some.Select(pair => pair.Second)], all.Narrow(0, 0, some.Length));
        }

        return texts.Rows(hashes);
    }

    /// <summary>Class scores of rows, computed block by block from the cached features.</summary>
    public FeatureRows Classes(FeatureRows features) => new Classified(network, features);

    public void Dispose()
    {
        pictures.Dispose();
        texts?.Dispose();
    }

    private sealed class Classified(FeatureNetwork network, FeatureRows features) : FeatureRows
    {
        public override int Count => features.Count;
        public override int Width => network.Classes;

        public override Tensor Read(ReadOnlySpan<int> rows)
        {
            using var still = new NoGrad();
            var chosen = rows.ToArray();
            return TensorScope.Of(() => network.Classify(features.Read(chosen)));
        }
    }
}
