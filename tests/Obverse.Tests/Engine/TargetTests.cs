using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

public class TargetTests
{
    [Theory]
    [InlineData(Distance.Cosine)]
    [InlineData(Distance.Euclidean)]
    [InlineData(Distance.Similarity)]
    public void A_negative_value_pushes_away(Distance distance)
    {
        using var scope = new TensorScope();
        using var target = new Target(Tensor.From([1f, 0, 0, 1], 2, 2), Tensor.From([1f, -0.75f])); // east, and away from north
        double Loss(double east, double north) => new Toward(distance).Of(Tensor.From([(float)east, (float)north], 1, 1, 2), target).Item();
        var (toward, away) = (Loss(0.8, 0.6), Loss(0.8, -0.6));
        Assert.Equal(distance switch { Distance.Cosine => 1 - (0.8 - 0.75 * 0.6) / 1.25, Distance.Euclidean => Math.Sqrt(2 - 2 * (0.8 - 0.75 * 0.6) / 1.25), _ => -(0.8 - 0.75 * 0.6) / 2 }, toward, 1e-5);
        Assert.True(away < toward - 0.1, $"{away} away from it, {toward} toward it");
    }
}
