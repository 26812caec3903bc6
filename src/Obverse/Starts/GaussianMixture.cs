using Obverse.Files;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// A Gaussian for each class of small pictures: where CLIPAG's generator-free synthesis starts from (spec clipag.md 4.2). A file holds means [classes, 3 s s] and covariance factors
/// [classes, k, 3 s s], covariance = factorᵀ factor; 1e-4 is added to its diagonal when it is sampled.
/// </summary>
public sealed class GaussianMixture : IDisposable
{
    private const double Ridge = 1e-4;

    private readonly Tensor means, factors;
    private readonly Tensor?[] roots;

    private GaussianMixture(Tensor means, Tensor factors) => (this.means, this.factors, roots) = (means, factors, new Tensor?[means.Size(0)]);

    public int Classes => roots.Length;

    /// <summary>Side of the small pictures.</summary>
    public long Side => (long)Math.Sqrt(means.Size(1) / 3);

    /// <summary>[3 s s], of pixels in [-1, 1].</summary>
    public Tensor Mean(int number) => means.Select(0, number);

    /// <summary>[3 s s, 3 s s], with the ridge.</summary>
    public Tensor Covariance(int number) => factors.Select(0, number) is var factor ? factor.T().Matmul(factor) + Tensor.Eye(factor.Size(1)) * Ridge : throw new InvalidOperationException();

    /// <summary>Fitted to pictures [n, 3, h, w] in [0, 1] of classes 0, 1, …: resized to <paramref name="side"/> (bilinear, antialias), mean and covariance divided by n.</summary>
    public static GaussianMixture Of(Tensor pictures, IReadOnlyList<long> labels, int side)
    {
        using var scope = new TensorScope();
        var rows = (pictures * 2 - 1).Resize(side, side, Interpolation.Bilinear, antialias: true).Flatten(1);
        List<Tensor> means = [], factors = [];
        for (var label = 0; label <= labels.Max(); label++)
        {
            var own = rows.IndexSelect(0, Tensor.From(labels.Select((l, i) => (l, i)).Where(pair => pair.l == label).Select(pair => (long)pair.i).ToArray()));
            if (own.Size(0) == 0) throw new ArgumentException($"class {label} of {labels.Max() + 1} has no picture");
            var mean = own.Mean(0, keep: true);
            var (_, values, vectors) = ((own - mean) / Math.Sqrt(own.Size(0))).Svd(); // the same covariance; which picture stood in which row is gone
            means.Add(mean.Squeeze(0));
            factors.Add(values.Unsqueeze(1) * vectors);
        }

        var rank = factors.Max(factor => factor.Size(0));
        Tensor all = Tensor.Stack(means), padded = Tensor.Stack([.. factors.Select(factor => factor.Pad([0, 0, 0, rank - factor.Size(0)]))]);
        return new(all.OwnedCopy(), padded.OwnedCopy());
    }

    /// <exception cref="WeightsException">Not the file of a mixture.</exception>
    public static GaussianMixture Open(string path)
    {
        using var file = Safetensors.Open(path);
        if (!file.Contains("means") || !file.Contains("factors")) throw new WeightsException($"{path}: not a mixture of Gaussians: tensors 'means' and 'factors' were wanted");
        using var scope = new TensorScope();
        Tensor means = file["means"], factors = file["factors"];
        var side = means.Dims == 2 ? (long)Math.Sqrt(means.Size(1) / 3) : 0;
        if (side == 0 || 3 * side * side != means.Size(1) || factors.Dims != 3 || factors.Size(0) != means.Size(0) || factors.Size(2) != means.Size(1) || means.Size(1) > 12_288) throw new WeightsException($"{path}: means [{string.Join(", ", means.Shape)}] and factors [{string.Join(", ", factors.Shape)}]; [classes, 3 s s] and [classes, k, 3 s s] were wanted, s up to 64");
        return new(means.To(DType.Float32).OwnedCopy(), factors.To(DType.Float32).OwnedCopy());
    }

    /// <summary>Writes it in 16 bits.</summary>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var scope = new TensorScope();
        Safetensors.Save(path, [new("means", means.To(DType.Float16)), new("factors", factors.To(DType.Float16))], metadata);
    }

    /// <summary>Mean + L noise of a class each, L the lower Cholesky factor: [n, 3, s, s] in [0, 1].</summary>
    /// <param name="noise">N(0, 1), [n, 3 s s].</param>
    /// <param name="classes">n class numbers.</param>
    public Tensor Sample(Tensor noise, IReadOnlyList<int> classes) => TensorScope.Of(() =>
    {
        var rows = noise.Unbind().Select((row, i) => Mean(classes[i]) + Root(classes[i]).Matmul(row)).ToArray();
        return ((Tensor.Stack(rows) + 1) / 2).Clamp(0, 1).Reshape(rows.Length, 3, Side, Side);
    });

    public void Dispose()
    {
        means.Dispose();
        factors.Dispose();
        foreach (var root in roots) root?.Dispose();
    }

    private Tensor Root(int number)
    {
        using var still = new NoGrad();
        return roots[number] ??= Tensor.Owned(() => Covariance(number).Cholesky());
    }
}
