using Obverse.Evaluation;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Evaluation;

/// <summary>The Fréchet distance and its company against the libraries' values (fixture `metrics`), and by hand.</summary>
public class FrechetTests
{
    public static TheoryData<string> Cases => Fixtures.Files("", "frechet.json");

    [SkippableTheory, MemberData(nameof(Cases))]
    public void Every_case_is_within_tolerance(string path)
    {
        using var stored = new Case(path);
        var met = 0;
        foreach (var one in stored.Json.GetProperty("cases").EnumerateObject())
        {
            using var scope = new TensorScope();
            var wanted = one.Value.GetProperty("expected");
            string In(string name) => $"{one.Name}.in.{name}";
            var got = stored.Has(In("a")) ? FrechetDistance.Between(stored[In("a")], stored[In("b")]) : FrechetDistance.Between(stored[In("mu_a")], stored[In("sigma_a")], stored[In("mu_b")], stored[In("sigma_b")]);
            double Number(string name) => wanted.GetProperty(name).GetDouble();
            var reference = wanted.TryGetProperty("exact", out var exact) ? exact.GetDouble() : Number("pytorch_fid");
            Assert.True(Math.Abs(got - reference) <= 1e-6 * (1 + Number("trace_a") + Number("trace_b")), $"{one.Name}: {got} for {reference}");
            met++;
        }

        Assert.True(met > 0);
    }

    [Fact]
    public void A_shift_counts_squared_and_a_stretch_by_its_root()
    {
        using var scope = new TensorScope();
        var a = Tensor.From([0f, 1, 2, 3, 1, 0, 5, 2], 4, 2);
        Assert.Equal(0, FrechetDistance.Between(a, a), 1e-9);
        Assert.Equal(25, FrechetDistance.Between(a, a + Tensor.From([3f, 4f])), 1e-9);
        var centred = a - a.Mean(0);
        var trace = centred.Square().Sum().Item() / 3;
        Assert.Equal(trace, FrechetDistance.Between(centred, centred * 2), 1e-5); // (2 - 1)² of the spread
        Assert.Contains("[4, 2] and [4, 1]", Assert.Throws<ArgumentException>(() => FrechetDistance.Between(a, a[.., ..1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Means_and_covariances_say_the_same_as_the_rows()
    {
        using var scope = new TensorScope();
        using var random = Generator.For(3, 0);
        var (a, b) = (random.Normal([40, 6]).To(DType.Float64), (random.Normal([30, 6]) * 1.5 + 0.2).To(DType.Float64));
        static (Tensor, Tensor) Of(Tensor x) => (x.Mean(0), (x - x.Mean(0)).T().Matmul(x - x.Mean(0)) / (x.Size(0) - 1.0));
        var ((meanA, covA), (meanB, covB)) = (Of(a), Of(b));
        Assert.Equal(FrechetDistance.Between(a, b), FrechetDistance.Between(meanA, covA, meanB, covB), 1e-9);
    }

    [Fact]
    public void A_library_s_root_agrees_where_covariances_have_full_rank_and_is_tried_again_where_it_is_not_finite()
    {
        using var scope = new TensorScope();
        using var random = new Generator(6);
        var (a, b) = (FeatureStatistics.Of(FeatureRows.Of(random.Normal(60, 7))), FeatureStatistics.Of(FeatureRows.Of(random.Normal(50, 7) * 2 + 1)));
        foreach (var root in (FrechetRoot[])[FrechetRoot.Sqrtm, FrechetRoot.Eigenvalues]) Assert.Equal(FrechetDistance.Between(a, b), FrechetDistance.Between(a, b, root), 1e-9);
        Assert.Equal(FrechetRoot.Sqrtm, ((Fid)MetricKind.Find("fid").Create(new() { As = Convention.PytorchFid })).Root);
        Assert.Equal(FrechetRoot.Sqrtm, ((Fid)MetricKind.Find("fid").Create(new() { As = Convention.CleanFid })).Root);
        Assert.Equal(FrechetRoot.Eigenvalues, ((Fid)MetricKind.Find("fid").Create(new() { As = Convention.TorchFidelity })).Root);
        Assert.Equal(FrechetRoot.Exact, ((Fid)MetricKind.Find("fid").Create(new())).Root);

        List<double> offsets = [];
        Assert.Equal(5, FrechetDistance.Finite(offset =>
        {
            offsets.Add(offset);
            return offset == 0 ? double.NaN : 5;
        }));
        Assert.Equal([0, 1e-6], offsets);
        Assert.Contains("is not finite", Assert.Throws<ArgumentException>(() => FrechetDistance.Finite(_ => double.PositiveInfinity)).Message, StringComparison.Ordinal);
        var endless = new FeatureStatistics(a.Mean, a.Covariance * 1e300);
        Assert.Contains("is not finite", Assert.Throws<ArgumentException>(() => FrechetDistance.Between(endless, endless, FrechetRoot.Sqrtm)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_difference_that_never_varies_is_certain_and_one_that_does_is_not()
    {
        var sure = PairedBootstrap.Of([1, 2, 3, 4], [0, 1, 2, 3]);
        Assert.Equal((1, 1, 1), (sure.Mean, sure.Low, sure.High));
        var unsure = PairedBootstrap.Of([1, -1, 1, -1, 1, -1], [0, 0, 0, 0, 0, 0]);
        Assert.Equal(0, unsure.Mean);
        Assert.InRange(unsure.Low, -1, -0.5);
        Assert.InRange(unsure.High, 0.5, 1);
        Assert.Throws<ArgumentException>(() => PairedBootstrap.Of([1], [1, 2]));
    }
}
