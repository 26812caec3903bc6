using Obverse.Torch;

namespace Obverse;

/// <summary>Nearest neighbours by inner product, looked for in all rows: exact, and equal scores come by row. Rows of length 1 make it the cosine.</summary>
public static class Nearest
{
    /// <summary>The <paramref name="k"/> best rows [n, d] for a query [d] (or queries [q, d]): scores and row numbers, best first, [k] (or [q, k]).</summary>
    /// <exception cref="ArgumentException">No rows, more neighbours than rows, or another length.</exception>
    public static (Tensor Scores, Tensor Rows) To(Tensor query, Tensor rows, int k)
    {
        var n = rows.Size(0);
        if (n == 0) throw new ArgumentException("nearest neighbours: there is nothing to look among, no rows");
        if (k < 1 || k > n) throw new ArgumentException($"nearest neighbours: {k} were asked for among {n} rows");
        if (query.Size(-1) != rows.Size(1)) throw new ArgumentException($"nearest neighbours: a query of {query.Size(-1)} numbers was given, the rows have {rows.Size(1)}");
        var (scores, order) = query.Matmul(rows.T()).Sort(-1, descending: true); // a stable sort: of equal scores the lower row comes first
        return (scores.Narrow(-1, 0, k), order.Narrow(-1, 0, k));
    }
}
