using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>Nearest neighbours by inner product, looked for in all rows: exact, and equal scores come by row. Rows of length 1 make it the cosine.</summary>
public static class Nearest
{
    private const long Block = 1 << 22, Queries = 1024; // scores at a time (16 MB): memory does not grow with the rows

    /// <summary>The <paramref name="k"/> best rows [n, d] for a query [d] (or queries [q, d]): scores and row numbers, best first, [k] (or [q, k]).</summary>
    /// <exception cref="ArgumentException">No rows, more neighbours than rows, or another length.</exception>
    public static (Tensor Scores, Tensor Rows) To(Tensor query, Tensor rows, int k)
    {
        var n = rows.Size(0);
        if (n == 0) throw new ArgumentException("nearest neighbours: there is nothing to look among, no rows");
        if (k < 1 || k > n) throw new ArgumentException($"nearest neighbours: {k} were asked for among {n} rows");
        if (query.Size(-1) != rows.Size(1)) throw new ArgumentException($"nearest neighbours: a query of {query.Size(-1)} numbers was given, the rows have {rows.Size(1)}");
        using var scope = new TensorScope();
        var queries = query.Reshape(-1, rows.Size(1));
        var parts = queries.Split(Queries).Select(part => InBlocks(part, rows, k)).ToArray();
        var (scores, found) = (Tensor.Cat([.. parts.Select(part => part.Scores)]), Tensor.Cat([.. parts.Select(part => part.Rows)]));
        return query.Dims == 1 ? (scope.Keep(scores[0]), scope.Keep(found[0])) : (scope.Keep(scores), scope.Keep(found));
    }

    /// <summary>The best of some rows only, for queries [q, d]: of <paramref name="among"/>, [q, m] row numbers in any order.</summary>
    public static (Tensor Scores, Tensor Rows) Among(Tensor queries, Tensor rows, Tensor among, int k)
    {
        using var scope = new TensorScope();
        var (found, scores) = (among.Sort(1).Values, new List<Tensor>());
        foreach (var i in Enumerable.Range(0, (int)found.Size(0))) scores.Add(TensorScope.Of(() => rows.IndexSelect(0, found.Select(0, i)).Matmul(queries.Select(0, i))));
        var (best, places) = Best(Tensor.Stack(scores), k);
        return (scope.Keep(best), scope.Keep(found.Gather(1, places)));
    }

    private static (Tensor Scores, Tensor Rows) InBlocks(Tensor queries, Tensor rows, int k)
    {
        var (n, block) = (rows.Size(0), Block / Math.Max(1, queries.Size(0)));
        var (scores, found) = Of(0);
        for (var at = block; at < n; at += block)
        {
            using var scope = new TensorScope();
            var (more, places) = Of(at);
            (scores, var order) = Tensor.Cat([scores, more], 1).Sort(1, descending: true); // stable, and what came before has the lower rows
            var count = Math.Min(k, scores.Size(1));
            (scores, found) = (scope.Keep(scores.Narrow(1, 0, count)), scope.Keep(Tensor.Cat([found, places], 1).Gather(1, order.Narrow(1, 0, count))));
        }

        return (scores, found);

        (Tensor Scores, Tensor Rows) Of(long at)
        {
            using var scope = new TensorScope();
            var some = rows.Narrow(0, at, Math.Min(block, n - at));
            var all = queries.Size(0) == 1 ? some.Matmul(queries[0]).Unsqueeze(0) : queries.Matmul(some.T()); // one query is no matrix: BLAS is twice as fast by vector
            var (scores, places) = Best(all, (int)Math.Min(k, some.Size(0)));
            return (scope.Keep(scores), scope.Keep(places + Tensor.Full([1], at, DType.Int64, places.Device)));
        }
    }

    // Of [q, n] scores: libtorch's TopK gives equal ones in any order, and any of those that are as good as the last.
    private static (Tensor Scores, Tensor Places) Best(Tensor scores, int k)
    {
        for (var (n, looked) = (scores.Size(1), k + 1L); ; looked *= 4)
        {
            var (values, places) = scores.TopK(Math.Min(looked, n), 1);
            if (looked < n && values.Select(1, k - 1).EqualTo(values.Select(1, -1)).Any().Item() != 0) continue; // there may be more of them
            places = places.Sort(1).Values;
            var (best, order) = scores.Gather(1, places).Sort(1, descending: true);
            return (best.Narrow(1, 0, k), places.Gather(1, order.Narrow(1, 0, k)));
        }
    }
}
