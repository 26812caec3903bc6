using Obverse.Torch;

namespace Obverse.Retrieval;

// Every row is looked at up to Exact rows; above, or where Kind says so, those that a graph leads to.
public sealed partial class RetrievalIndex
{
    /// <summary>Up to so many rows every one is looked at: 40 ms at 512 numbers, and nothing to build.</summary>
    public const long Exact = 200_000;

    private readonly Dictionary<string, HnswSearch?> graphs = [];

    /// <summary>How it is searched; null: exactly up to <see cref="Exact"/> rows, above by a graph.</summary>
    public SearchKind? Kind { get; set; }

    /// <summary>Is told what takes long, and that there is no graph to be had.</summary>
    public Action<string>? Note { get; set; }

    /// <summary>Its file, where it has one: graphs are kept beside it.</summary>
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

    /// <summary>Builds now the graphs that the first search would build; nothing where the search is exact.</summary>
    public void Prepare()
    {
        Graph(texts, "texts");
        Graph(images, "images");
    }

    private (Tensor Scores, Tensor Rows) Search(Tensor query, Tensor rows, string side, int k)
    {
        Fits(query);
        if (Count == 0) throw new ArgumentException($"the index is empty: it has no rows, k = {k} was asked");
        if (k < 1 || k > Count) throw new ArgumentException($"the index has {Count} rows, k = {k} was asked");
        return Graph(rows, side)?.To(query, k) ?? Nearest.To(query, rows, k);
    }

    private HnswSearch? Graph(Tensor rows, string side)
    {
        if (Count == 0 || rows.Device != Device.Cpu || Kind == SearchKind.Exact || (Kind is null && Count <= Exact)) return null;
        lock (graphs)
        {
            if (!graphs.TryGetValue(side, out var graph)) graphs.Add(side, graph = TensorScope.Unscoped(() => Made(rows, side)));
            return graph;
        }
    }

    private HnswSearch? Made(Tensor rows, string side)
    {
        if (HnswIndex.Missing is not { } why) return HnswCache.Open(Location is null ? null : HnswCache.Of(Location, side), rows, Note);
        if (graphs.Count == 0) Note?.Invoke($"USearch is not there ({why}): the search looks at every row, exactly and more slowly");
        return null;
    }
}
