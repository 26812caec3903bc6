using Obverse.Evaluation;
using Xunit;

namespace Obverse.Tests.Evaluation;

public class RankCorrelationTests
{
    [Fact]
    public void Ties_share_their_rank()
    {
        Assert.Equal(1, RankCorrelation.Spearman([1, 2, 3, 10], [0, 5, 6, 7]), 12);
        Assert.Equal(-1, RankCorrelation.Spearman([1, 2, 3], [9, 8, -7]), 12);
        Assert.Equal(0.8, RankCorrelation.Spearman([1, 2, 3, 4], [1, 3, 2, 4]), 12); // 1 - 6 * 2 / (4 * 15)
        Assert.Equal(Math.Sqrt(0.9), RankCorrelation.Spearman([1, 2, 2, 3], [1, 2, 3, 4]), 12); // ranks 1, 2.5, 2.5, 4: 4.5 / sqrt(4.5 * 5)
        Assert.True(double.IsNaN(RankCorrelation.Spearman([1, 1, 1], [1, 2, 3])));
        Assert.Contains("3 and 2 values", Assert.Throws<ArgumentException>(() => RankCorrelation.Of([1, 2, 3], [1, 2])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_interval_holds_the_value_and_narrows_with_more()
    {
        static RankCorrelation Noisy(int n)
        {
            var random = new Random(3);
            double[] truth = [.. Enumerable.Range(0, n).Select(i => (double)(i % 40))];
            return RankCorrelation.Of([.. truth.Select(t => t + 30 * random.NextDouble())], truth);
        }

        var (few, many) = (Noisy(40), Noisy(640));
        foreach (var one in new[] { few, many }) Assert.True(one.Low < one.Value && one.Value < one.High, one.ToString());
        Assert.InRange((many.High - many.Low) / (few.High - few.Low), 0.15, 0.4); // sixteen times as many: a quarter
    }
}
