using Obverse.Evaluation;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Evaluation;

/// <summary>Metrics by hand, closed forms, and what they refuse.</summary>
public class MetricTests
{
    private static FeatureRows Rows(int width, params float[] values) => FeatureRows.Of(Tensor.From(values, values.Length / width, width));

    [Fact]
    public void Frechet_distance_of_Gaussians_has_its_closed_form()
    {
        using var scope = new TensorScope();
        FeatureStatistics Diagonal(double mean, double variance, int width) => new(TensorScope.Unscoped(() => Tensor.Full([width], mean, DType.Float64)), TensorScope.Unscoped(() => Tensor.Eye(width, DType.Float64) * variance));
        Assert.Equal(0, Fid.Between(Diagonal(0, 1, 8), Diagonal(0, 1, 8)), 1e-12);
        Assert.Equal(8 * 9, Fid.Between(Diagonal(0, 1, 8), Diagonal(3, 1, 8)), 1e-9); // |m|²
        Assert.Equal(8 * (2 - 1) * (2 - 1), Fid.Between(Diagonal(0, 1, 8), Diagonal(0, 4, 8)), 1e-9); // sum of (√a - √b)²
        Assert.Equal(0, Fid.Between(Diagonal(0, 0, 4), Diagonal(0, 0, 4)), 1e-12); // no Cholesky
        Assert.Contains("8 and of 4 features", Assert.Throws<ArgumentException>(() => Fid.Between(Diagonal(0, 1, 8), Diagonal(0, 1, 4))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_pass_over_blocks_says_what_the_rows_say()
    {
        using var scope = new TensorScope();
        using var random = Generator.For(5, 0);
        var rows = random.Normal([37, 5]) * 0.01 + 100.0; // a large mean: products less it lose no digits
        var sums = new FeatureSums(5);
        foreach (var block in rows.Split(10)) sums.Add(block);
        var got = sums.Finish();
        var wide = rows.To(DType.Float64);
        var centred = wide - wide.Mean(0);
        Assert.Equal(0, (got.Mean - wide.Mean(0)).Abs().Max().Item(), 1e-12);
        Assert.Equal(0, (got.Covariance - centred.T().Matmul(centred) / 36.0).Abs().Max().Item(), 1e-16);
        Assert.Throws<ArgumentException>(() => new FeatureSums(5).Finish());
    }

    [Fact]
    public void Identical_sets_are_at_distance_zero()
    {
        using var scope = new TensorScope();
        using var random = Generator.For(6, 0);
        var rows = FeatureRows.Of(random.Normal([30, 6]));
        var same = new MetricData { Pictures = rows, Reference = rows };
        Assert.Equal(0, new Fid().Measure(same)[0].Value, 1e-9);
        Assert.Equal(0, new Cmmd().Measure(same)[0].Value, 1e-9);
        Assert.All(new PrecisionRecall().Measure(same), figure => Assert.Equal(1, figure.Value));
        Assert.Equal(1, new DensityCoverage().Measure(same)[1].Value);
    }

    [Fact]
    public void Density_and_coverage_by_hand()
    {
        using var scope = new TensorScope();
        var data = new MetricData { Reference = Rows(1, 0, 1, 2, 10), Pictures = Rows(1, 0.5f, 1.5f, 50) };
        var figures = new DensityCoverage { Neighbours = 1 }.Measure(data); // radii 1, 1, 1, 8
        Assert.Equal(4.0 / 3, figures[0].Value, 1e-12); // 0.5 lies in those of 0 and 1, 1.5 in those of 1 and 2, 50 in none; nothing but 8.5 from 10, which is beyond 8
        Assert.Equal(0.75, figures[1].Value);
        Assert.Contains("5 nearest others were asked for of 4 rows", Assert.Throws<ArgumentException>(() => new DensityCoverage().Measure(data)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Vendi_score_counts_different_pictures()
    {
        using var scope = new TensorScope();
        Assert.Equal(1, VendiScore.Of(Rows(2, 1, 0, 2, 0, 3, 0)), 1e-12);
        Assert.Equal(3, VendiScore.Of(Rows(3, 1, 0, 0, 0, 2, 0, 0, 0, 5)), 1e-12);
        Assert.Equal(2, VendiScore.Of(Rows(2, 1, 0, 0, 1, 1, 0, 0, 1)), 1e-12); // four rows of two kinds: the smaller matrix
    }

    [Fact]
    public void RefClipScore_is_the_harmonic_mean_with_the_best_reference()
    {
        using var scope = new TensorScope();
        var data = new MetricData { Pictures = Rows(2, 1, 0, 0, 1), Captions = Rows(2, 1, 0, 1, 0), References = (Rows(2, 0, 1, 3, 4, 1, 0), [0, 0, 1]) };
        var (score, text) = (2.5, 0.6);
        Assert.Equal([2 * score * text / (score + text), 0], new RefClipScore().Scores(data), (a, b) => Math.Abs(a - b) < 1e-9);
        Assert.Contains("picture 2 has no reference", Assert.Throws<ArgumentException>(() => new RefClipScore().Measure(data with { References = (Rows(2, 0, 1), [0]) })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Intervals_hold_the_value_and_a_metric_names_what_it_lacks()
    {
        using var scope = new TensorScope();
        using var random = Generator.For(7, 0);
        var data = new MetricData { Pictures = FeatureRows.Of(random.Normal([60, 4])), Reference = FeatureRows.Of(random.Normal([80, 4])), Captions = FeatureRows.Of(random.Normal([60, 4])) };
        foreach (var metric in (IMetric[])[new Fid(), new Cmmd(), new ClipSim(), new KernelDistance { Subsets = 3 }, new VendiScore()])
        {
            var measured = Resampling.Measure(metric, data, 60, 80)[0];
            Assert.NotNull(measured.Interval);
            Assert.InRange(measured.Value, measured.Interval.Value.Low, measured.Interval.Value.High);
            Assert.Equal(measured, Resampling.Measure(metric, data, 60, 80)[0]); // the same draws
            Assert.InRange(measured.Interval!.Value.Low, metric.Range.Least, metric.Range.Most);
            Assert.InRange(measured.Interval!.Value.High, metric.Range.Least, metric.Range.Most);
        }

        Assert.Contains("no captions", Assert.Throws<ArgumentException>(() => new ClipSim().Measure(data with { Captions = null })).Message, StringComparison.Ordinal);
        Assert.Contains("no reference pictures", Assert.Throws<ArgumentException>(() => new Fid().Measure(data with { Reference = null })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_statistics_are_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        string Path(string name) => System.IO.Path.Combine(folder.Path, name);
        using var scope = new TensorScope();
        Npz.Write(Path("only-mu.npz"), [("mu", Tensor.Zeros([3], DType.Float64))]);
        Assert.Contains("no array 'sigma'", Assert.Throws<InvalidDataException>(() => FeatureStatistics.Load(Path("only-mu.npz"))).Message, StringComparison.Ordinal);
        Npz.Write(Path("shapes.npz"), [("mu", Tensor.Zeros([3], DType.Float64)), ("sigma", Tensor.Zeros([2, 2], DType.Float64))]);
        Assert.Contains("mu [3] and sigma [2, 2]", Assert.Throws<InvalidDataException>(() => FeatureStatistics.Load(Path("shapes.npz"))).Message, StringComparison.Ordinal);
        File.WriteAllText(Path("text.npz"), "no zip");
        Assert.Contains("text.npz", Assert.Throws<InvalidDataException>(() => FeatureStatistics.Load(Path("text.npz"))).Message, StringComparison.Ordinal);
        var bytes = File.ReadAllBytes(Path("shapes.npz"));
        File.WriteAllBytes(Path("cut.npz"), bytes[..(bytes.Length / 2)]);
        Assert.Throws<InvalidDataException>(() => FeatureStatistics.Load(Path("cut.npz")));
    }

    // 8 of 10 and 0 of 10 by the formula of Wilson 1927: [0.4902, 0.9433] and [0, 0.2775], as in many tables.
    [Theory, InlineData(0.8, 10, 0.4902, 0.9433), InlineData(0, 10, 0, 0.2775), InlineData(1, 10, 0.7225, 1)]
    public void A_share_has_wilsons_interval(double share, int count, double low, double high)
    {
        var interval = Proportion.Interval(share, count);
        Assert.Equal(low, interval.Low, 4);
        Assert.Equal(high, interval.High, 4);
    }
}
