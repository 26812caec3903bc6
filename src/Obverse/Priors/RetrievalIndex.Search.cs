using Obverse.Torch;

namespace Obverse;

// Exact up to Exact rows; above, or where Factory says so, through FAISS.
public sealed partial class RetrievalIndex
{
    /// <summary>Up to so many rows every one is looked at: 40 ms at 512 numbers, and nothing to build.</summary>
    public const long Exact = 200_000;

    private readonly Dictionary<string, VectorIndex?> built = [];

    /// <summary>How it is searched, in FAISS's words ("Flat", "HNSW32", "IVF1024,Flat"); null: exactly up to <see cref="Exact"/> rows, above as its cache was built, or <see cref="VectorCache.Default"/>.</summary>
    public string? Factory { get; set; }

    /// <summary>Is told what takes long, and that FAISS is not there.</summary>
    public Action<string>? Note { get; set; }

    /// <summary>Its file, where it has one: what FAISS builds is kept beside it.</summary>
    public string? Location { get; private init; }

    /// <summary>The captions nearest to an embedding [d] (or to each of [q, d]), best first: scores and rows, [k] (or [q, k]).</summary>
    /// <exception cref="ArgumentException">An empty index, more than its rows, or another length.</exception>
    public (Tensor Scores, Tensor Rows) NearestTexts(Tensor query, int k) => Search(query, texts, "texts", k);

    /// <summary>The pictures nearest to an embedding, in the same way.</summary>
    /// <exception cref="ArgumentException">An empty index, more than its rows, or another length.</exception>
    public (Tensor Scores, Tensor Rows) NearestImages(Tensor query, int k) => Search(query, images, "images", k);

    /// <summary>The pairs nearest to an embedding by the sum of both cosines: of equal captions, the one whose picture is nearer. Every row is looked at.</summary>
    /// <exception cref="ArgumentException">An empty index, more than its rows, or another length.</exception>
    public (Tensor Scores, Tensor Rows) NearestPairs(Tensor query, int k)
    {
        Fits(query);
        return Nearest.To(query, texts + images, k);
    }

    /// <summary>Builds now what FAISS would build at the first search; nothing where the search is exact.</summary>
    public void Prepare()
    {
        Fast(texts, "texts");
        Fast(images, "images");
    }

    private (Tensor Scores, Tensor Rows) Search(Tensor query, Tensor rows, string side, int k)
    {
        Fits(query);
        if (Count == 0) throw new ArgumentException($"the index is empty: it has no rows, k = {k} was asked");
        if (k < 1 || k > Count) throw new ArgumentException($"the index has {Count} rows, k = {k} was asked");
        if (Fast(rows, side) is not { } fast) return Nearest.To(query, rows, k);
        var (scores, found) = fast.Search(query.Reshape(-1, Dimension), k);
        // A search that is not exact may find fewer than k (-1): then every row is looked at.
        if (found.ToArray<long>().Contains(-1)) return Nearest.To(query, rows, k);
        return query.Dims == 1 ? (scores[0], found[0]) : (scores, found);
    }

    private VectorIndex? Fast(Tensor rows, string side)
    {
        if (Count == 0 || rows.Device != Device.Cpu || (Factory is null && Count <= Exact)) return null;
        lock (built)
        {
            var key = $"{side} {Factory}";
            if (!built.TryGetValue(key, out var fast)) built.Add(key, fast = TensorScope.Unscoped(() => Made(rows, side)));
            return fast;
        }
    }

    private VectorIndex? Made(Tensor rows, string side)
    {
        if (VectorIndex.Missing is { } why)
        {
            Note?.Invoke($"FAISS is not there ({why}): the search looks at every row, exactly and more slowly");
            return null;
        }

        return VectorCache.Open(Location is null ? null : VectorCache.Of(Location, side), Factory, rows, Note);
    }
}
