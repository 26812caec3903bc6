using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// Aligns a text's embedding with pictures of its like: the orthogonal R that minimises |R E_T - E_I| over pairs of neighbours (CLIP^-1; spec implicit-inversion.md 2.5).
/// Fewer pairs than dimensions leave R open; of all minimisers it is the one nearest to the identity, in closed form, float64 on the processor.
/// </summary>
public static class Procrustes
{
    private const double Least = 1e-10; // singular values below this part of the largest count as zero (spec 2.5)

    /// <summary>R, [d, d], float64; it acts on columns: R e. <paramref name="raw"/>: U Vᵀ of the whole decomposition, arbitrary where the pairs say nothing.</summary>
    /// <param name="texts">[k, d], rows of length 1.</param>
    /// <param name="images">[k, d], their pictures' embeddings, rows of length 1.</param>
    /// <param name="raw">See above.</param>
    public static Tensor Rotation(Tensor texts, Tensor images, bool raw = false) => TensorScope.Of(() =>
    {
        if (texts.Dims != 2 || !texts.Shape.AsSpan().SequenceEqual(images.Shape)) throw new ArgumentException($"Procrustes: [{string.Join(", ", texts.Shape)}] texts and [{string.Join(", ", images.Shape)}] images were given; pairs of one length, [k, d], are wanted");
        var (from, to) = (Double(texts), Double(images));
        var (u, s, vh) = to.T().Matmul(from).Svd(full: true); // M = E_I E_Tᵀ of the paper's columns
        if (raw) return u.Matmul(vh);

        var sigma = s.ToArray<double>();
        var rank = sigma.Count(value => value > Least * sigma[0]);
        var d = sigma.Length;
        var r = u.Narrow(1, 0, rank).Matmul(vh.Narrow(0, 0, rank));
        if (rank == d) return r;
        var (u0, v0h) = (u.Narrow(1, rank, d - rank), vh.Narrow(0, rank, d - rank));
        var (p, _, qh) = u0.T().Matmul(v0h.T()).Svd(full: true); // polar(U0ᵀ V0) = P Qᵀ
        return r + u0.Matmul(p).Matmul(qh).Matmul(v0h);
    });

    /// <summary>The target e_t2i = R θ_T(y), of length 1, as the prompt's embedding is: [d], or [n, d].</summary>
    public static Tensor Align(Tensor prompt, Tensor texts, Tensor images, bool raw = false) =>
        TensorScope.Of(() => Double(prompt).Matmul(Rotation(texts, images, raw).T()).Normalized(epsilon: 0).To(prompt.Device, prompt.DType)); // rows: (R e)ᵀ = eᵀ Rᵀ

    private static Tensor Double(Tensor rows) => rows.Detach().To(Device.Cpu, DType.Float64);
}
