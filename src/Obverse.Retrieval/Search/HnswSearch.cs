using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// The nearest of rows [n, d] by a graph of them: it leads to twice as many kinds of rows as rows are wanted, and those are put in order by their own numbers. So scores are those of <see cref="Nearest"/>, and equal
/// ones come by row; one of the nearest in some hundreds is missed (docs/index.md).
/// </summary>
/// <param name="rows">Of length 1; they stay the caller's.</param>
/// <param name="equal">Which of them are equal.</param>
/// <param name="graph">Of the first of each kind; belongs to the search.</param>
public sealed class HnswSearch(Tensor rows, EqualRows equal, HnswIndex graph) : IDisposable
{
    /// <summary>As <see cref="Nearest.To"/>.</summary>
    public (Tensor Scores, Tensor Rows) To(Tensor query, int k)
    {
        using var scope = new TensorScope();
        var queries = query.Reshape(-1, rows.Size(1));
        var among = graph.Search(queries, (int)Math.Min(2L * k, graph.Count));
        var (scores, found) = (among < 0).Any().Item() == 0 ? Best(queries, among, k) : Nearest.To(queries, rows, k); // where it finds fewer, every row is compared
        return query.Dims == 1 ? (scope.Keep(scores[0]), scope.Keep(found[0])) : (scope.Keep(scores), scope.Keep(found));
    }

    public void Dispose() => graph.Dispose();

    // Of kinds [q, m]: by their own numbers, each with its copies.
    private (Tensor Scores, Tensor Rows) Best(Tensor queries, Tensor among, int k)
    {
        var (count, m) = ((int)among.Size(0), (int)among.Size(1));
        var (scores, kinds) = Nearest.Among(queries, rows, among, m);
        var (each, first) = (scores.ToFloats(), kinds.Contiguous().ToArray<long>());
        var best = Enumerable.Range(0, count).SelectMany(query =>
        {
            var found = new List<(float Score, long Row)>();
            for (var i = query * m; i < (query + 1) * m && (found.Count < k || each[i] == each[i - 1]); i++) found.AddRange(equal.From(first[i]).Take(k).Select(row => (each[i], row)));
            return found.OrderByDescending(one => one.Score).ThenBy(one => one.Row).Take(k);
        }).ToArray();
        return (Tensor.From([.. best.Select(one => one.Score)], count, k), Tensor.From([.. best.Select(one => one.Row)], count, k));
    }
}
