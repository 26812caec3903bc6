using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>A row that a search found.</summary>
public sealed record FoundRow(long Row, float Cosine, IndexedPicture Picture);

// Every row is compared up to Exact rows; above, or where Kind says so, those that a graph leads to.
public sealed partial class RetrievalIndex
{
    /// <summary>Up to this many rows each is compared: 40 ms at 512 numbers, and nothing to build.</summary>
    public const long Exact = 200_000;

    private readonly Dictionary<string, HnswSearch?> graphs = [];

    /// <summary>How it is searched; null: exactly up to <see cref="Exact"/> rows, above by a graph.</summary>
    public SearchKind? Kind { get; set; }

    /// <summary>Called with a line on what takes long, and where graphs cannot be had.</summary>
    public Action<string>? OnNote { get; set; }

    /// <summary>Its file, where it has one: graphs are cached beside it.</summary>
    public string? Location { get; private init; }

    /// <summary>The captions nearest to an embedding [d] (or to each of [q, d]), best first: scores and rows, [k] (or [q, k]).</summary>
    /// <exception cref="ArgumentException">An empty index, more than its rows, or another length.</exception>
    public (Tensor Scores, Tensor Rows) NearestTexts(Tensor query, int k) => Search(query, texts, "texts", k);

    /// <summary>The pictures nearest to an embedding, in the same way.</summary>
    /// <exception cref="ArgumentException">An empty index, more than its rows, or another length.</exception>
    public (Tensor Scores, Tensor Rows) NearestImages(Tensor query, int k) => Search(query, images, "images", k);

    /// <summary>The pairs nearest to an embedding by the sum of both cosines: of equal captions, the one whose picture is nearer. Every row is compared.</summary>
    /// <exception cref="ArgumentException">An empty index, more than its rows, or another length.</exception>
    public (Tensor Scores, Tensor Rows) NearestPairs(Tensor query, int k)
    {
        Fits(query);
        return Nearest.To(query, texts + images, k);
    }

    /// <summary>The rows nearest to a query [d], of any length, by picture, or by caption, best first.</summary>
    /// <exception cref="ArgumentException">An empty index, more than its rows, or another length.</exception>
    public IReadOnlyList<FoundRow> Find(Tensor query, int k, bool byCaption = false)
    {
        using var scope = new TensorScope();
        if (Math.Abs((query * query).Sum().Sqrt().Item() - 1) > 1e-3) query = query.Normalized();
        var (scores, rows) = byCaption ? NearestTexts(query, k) : NearestImages(query, k);
        return [.. scores.ToFloats().Zip(rows.Contiguous().ToArray<long>(), (cosine, row) => new FoundRow(row, cosine, Pictures.Count > 0 ? Pictures[(int)row] : new("", $"row {row}", "")))];
    }

    /// <summary>Refuses more neighbours than there are rows.</summary>
    public void MustHave(int k)
    {
        if (Count == 0) throw new ArgumentException($"the index is empty: it has no rows, k = {k} was asked");
        if (k < 1 || k > Count) throw new ArgumentException($"the index has {Count} rows, k = {k} was asked");
    }

    /// <summary>Builds now the graphs that the first search would build; nothing where the search is exact.</summary>
    public void Prepare()
    {
        Graph(texts, "texts");
        Graph(images, "images");
    }

    private (Tensor Scores, Tensor Rows) Search(Tensor query, Tensor rows, string side, int k)
    {
        Fits(query);
        MustHave(k);
        return Graph(rows, side)?.To(query, k) ?? Nearest.To(query, rows, k);
    }

    private HnswSearch? Graph(Tensor rows, string side)
    {
        if (Count == 0 || rows.Device != Device.Cpu || Kind == SearchKind.Exact || (Kind is null && Count <= Exact)) return null;
        lock (graphs)
        {
            if (!graphs.TryGetValue(side, out var graph)) graphs.Add(side, graph = TensorScope.Unscoped(() => OpenGraph(rows, side)));
            return graph;
        }
    }

    private HnswSearch? OpenGraph(Tensor rows, string side)
    {
        if (HnswIndex.Missing is not { } why) return HnswCache.Open(Location is null ? null : HnswCache.Of(Location, side), rows, OnNote);
        if (graphs.Count == 0) OnNote?.Invoke($"USearch is not there ({why}): the search compares every row, exactly and more slowly");
        return null;
    }
}
