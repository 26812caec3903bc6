using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>Mean [d] and covariance [d, d], divided by N - 1, of a set of features, in float64 (a mean may be float32); and how many rows they are of (0: not known).</summary>
public sealed record FeatureStatistics(Tensor Mean, Tensor Covariance, long Count = 0)
{
    public long Width => Mean.Elements;

    /// <summary>The file that pytorch-fid writes (<c>--save-stats</c>) and reads: <c>mu</c> and <c>sigma</c>, float64, in a zip of numpy arrays.</summary>
    public static FeatureStatistics Load(string path)
    {
        var arrays = Npz.Read(path);
        NumpyArray Named(string name) => arrays.TryGetValue(name, out var array) ? array : throw new InvalidDataException($"{path}: has no array '{name}'; there are {string.Join(", ", arrays.Keys.Order(StringComparer.Ordinal))}");
        var (mu, sigma) = (Named("mu"), Named("sigma"));
        if (mu.Shape is not [> 0] || sigma.Shape.Length != 2 || sigma.Shape[0] != mu.Shape[0] || sigma.Shape[1] != mu.Shape[0])
            throw new InvalidDataException($"{path}: mu [{string.Join(", ", mu.Shape)}] and sigma [{string.Join(", ", sigma.Shape)}] were given; [d] and [d, d] are wanted");
        if (mu.Values.Concat(sigma.Values).Any(value => !double.IsFinite(value))) throw new InvalidDataException($"{path}: holds NaN or infinite numbers");
        return new(Tensor.From(mu.Values), Tensor.From(sigma.Values, mu.Shape[0], mu.Shape[0]));
    }

    /// <summary>Whole or not at all, as numpy's savez_compressed lays it out.</summary>
    public void Save(string path)
    {
        using var scope = new TensorScope();
        Npz.Write(path, [("mu", Mean.To(DType.Float64)), ("sigma", Covariance.To(DType.Float64))]);
    }

    /// <summary>Of rows, in one pass.</summary>
    /// <param name="rows">At least two.</param>
    /// <param name="floatMean">The mean summed in float32, row by row, as numpy does with float32 features: torch-fidelity and clean-fid (their covariance is float64 all the same).</param>
    public static FeatureStatistics Of(FeatureRows rows, bool floatMean = false)
    {
        var sums = new FeatureSums(rows.Width, floatMean);
        rows.Blocks((block, _) => sums.Add(block));
        return sums.Finish();
    }
}

/// <summary>Sums from which mean and covariance come, so that no set needs to lie in memory. It is not to be used inside a scope that closes before it is finished.</summary>
public sealed class FeatureSums
{
    private readonly bool floatMean;
    private readonly Tensor products; // [d, d] of rows less the first block's mean: no digits are lost to a large mean
    private readonly Tensor sums; // [d]
    private readonly float[] floatSums;
    private Tensor? shift;

    public FeatureSums(int width, bool floatMean = false)
    {
        this.floatMean = floatMean;
        (products, sums) = TensorScope.Unscoped(() => (Tensor.Zeros([width, width], DType.Float64), Tensor.Zeros([width], DType.Float64)));
        floatSums = floatMean ? new float[width] : [];
    }

    public long Count { get; private set; }

    /// <summary>Rows of [n, d].</summary>
    public void Add(Tensor rows)
    {
        if (rows.Dims != 2 || rows.Size(1) != sums.Elements) throw new ArgumentException($"rows [{string.Join(", ", rows.Shape)}] were given; [n, {sums.Elements}] are wanted");
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var wide = rows.Detach().To(DType.Float64);
        shift ??= Tensor.Owned(() => wide.Mean(0));
        var centred = wide - shift;
        sums.CopyInPlace(sums + centred.Sum(0));
        products.CopyInPlace(products + centred.T().Matmul(centred));
        Count += rows.Size(0);
        if (!floatMean) return;
        if (rows.DType != DType.Float32) throw new ArgumentException($"a mean in float32 was asked for; the rows are {rows.DType}");
        var values = rows.ToFloats();
        for (var i = 0; i < values.Length; i++) floatSums[i % floatSums.Length] += values[i];
    }

    /// <summary>The statistics; the sums are gone.</summary>
    public FeatureStatistics Finish()
    {
        if (Count < 2) throw new ArgumentException($"{Count} rows were given; a covariance wants at least two");
        FeatureStatistics Made()
        {
            var mean = sums / (double)Count;
            var covariance = (products - mean.Unsqueeze(1).Matmul(mean.Unsqueeze(0)) * (double)Count) / (double)(Count - 1);
            return new(floatMean ? Tensor.From(Array.ConvertAll(floatSums, sum => sum / Count)) : shift! + mean, covariance, Count);
        }

        using var scope = new TensorScope();
        var made = Made();
        scope.Keep(made.Mean);
        scope.Keep(made.Covariance);
        products.Dispose();
        sums.Dispose();
        shift!.Dispose();
        return made;
    }
}
