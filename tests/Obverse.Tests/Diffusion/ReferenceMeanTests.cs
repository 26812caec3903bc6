using Obverse.Diffusion;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class ReferenceMeanTests
{
    [Fact]
    public void Of_two_it_lies_on_the_arc_between_them_as_slerp_has_it()
    {
        using var scope = new TensorScope();
        using var random = new Generator(4);
        var pair = random.Normal(2, 16).Normalized();
        var angle = Math.Acos((pair[0] * pair[1]).Sum().Item());
        foreach (var share in new[] { 0.0, 0.2, 0.5, 0.9 })
        {
            var slerp = pair[0] * (Math.Sin((1 - share) * angle) / Math.Sin(angle)) + pair[1] * (Math.Sin(share * angle) / Math.Sin(angle));
            var mean = ReferenceMeans.OnSphere(pair, [2 * (1 - share), 2 * share]); // only their ratio counts
            Assert.Equal(0, (mean - slerp.Unsqueeze(0)).Abs().Max().Item(), 1e-5);
        }
    }

    [Fact]
    public void Of_several_the_weighted_tangents_cancel()
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        var points = (random.Normal(5, 8) + 1).To(DType.Float64).Normalized();
        double[] weights = [1, 2, 0.5, 0, 3];
        var mean = ReferenceMeans.OnSphere(points, weights).To(DType.Float64);
        Assert.Equal(1, mean.Norm().Item(), 1e-6);
        var pull = Tensor.Zeros([1, 8], DType.Float64);
        for (var i = 0; i < weights.Length; i++)
        {
            var cosine = (points[i] * mean[0]).Sum().Item();
            var across = points[i] - mean[0] * cosine;
            pull = pull + (across * (weights[i] * Math.Acos(cosine) / across.Norm().Item())).Unsqueeze(0);
        }

        Assert.Equal(0, pull.Norm().Item(), 1e-5);
        Assert.True((mean - (points * Tensor.From(weights, 5, 1)).Sum(0, keep: true).Normalized()).Abs().Max().Item() > 1e-4, "it is not the chord's");
    }

    [Fact]
    public void Opposite_ones_have_none()
    {
        using var scope = new TensorScope();
        Assert.Contains("lie opposite each other", Assert.Throws<ArgumentException>(() => ReferenceMeans.OnSphere(Tensor.From([1f, 0, -1, 0], 2, 2), [1, 1])).Message, StringComparison.Ordinal);
        Assert.Contains("one above 0", Assert.Throws<ArgumentException>(() => ReferenceMeans.OnSphere(Tensor.From([1f, 0, 0, 1], 2, 2), [0, 0])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_are_shared_out_by_weight()
    {
        Assert.Equal([38, 38], ReferenceMeans.Rows(76, [1, 1]));
        Assert.Equal([51, 25], ReferenceMeans.Rows(76, [2, 1]));
        Assert.Equal([26, 25, 25], ReferenceMeans.Rows(76, [1, 1, 1]));
        Assert.Equal([0, 76], ReferenceMeans.Rows(76, [0, 0.1]));

        using var scope = new TensorScope();
        using var random = new Generator(6);
        var (pictures, text) = (random.Normal(2, 4), random.Normal(1, 10, 4));
        double Apart(Tensor a, Tensor b) => (a - b).Abs().Max().Item();
        var shared = PromptConverter.Shared(pictures, text, [2, 1]);
        Assert.Equal([1, 10, 4], shared.Shape);
        Assert.Equal(0, Apart(shared[0, 0], text[0, 0]));
        Assert.Equal(0, Apart(shared[0, 6], pictures[0]));
        Assert.Equal(0, Apart(shared[0, 7], pictures[1]));
        var edited = PromptConverter.Shared(pictures, text, [1, 1], end: 4, alpha: 0.5);
        Assert.Equal(0, Apart(edited.Narrow(1, 0, 4), text.Narrow(1, 0, 4)));
        Assert.Equal(0, Apart(edited[0, 9], pictures[1] + text[0, 4] * 0.5), 1e-6);
        Assert.Equal(0, Apart(PromptConverter.Shared(pictures.Narrow(0, 0, 1), text, [1]), PromptConverter.Variation(pictures.Narrow(0, 0, 1), text)));
    }
}
