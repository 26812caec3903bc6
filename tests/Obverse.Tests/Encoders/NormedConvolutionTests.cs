using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>The fast roads of a convolution against libtorch's own.</summary>
public class NormedConvolutionTests
{
    [Theory]
    [InlineData(1, 1, false, 1)] // one matrix product for all pictures on one thread
    [InlineData(1, 1, false, 2)]
    [InlineData(3, 2, true, 1)]
    [InlineData(5, 2, true, 2)] // the window a pixel later, by a larger kernel
    public void Folded_bounded_and_shifted_it_is_the_padded_convolution(int kernel, int stride, bool later, int threads)
    {
        using var random = new Generator(5);
        using var weights = Weights.New(random);
        NormedConvolution New(bool fold) => new(weights, "conv", "bn", 12, 20, kernel, 1e-3, Inits.Normal(0.3), fold, stride, channelsLast: true);
        using var plain = New(fold: false);
        using (new NoGrad())
        {
            foreach (var (name, weight) in weights.All) if (weight.Dims == 1) weight.CopyInPlace(random.Uniform(0.5, 4, weight.Shape));
        }

        using var folded = New(fold: true);
        using var scope = new TensorScope();
        var pixels = random.Normal(3, 12, 14, 10).ChannelsLast();
        var padding = kernel / 2;
        Tensor Plain(Tensor x) => later ? plain.Forward(x.Pad([padding - 1, padding, padding - 1, padding])) : plain.Forward(x, padding);
        using var running = new ThreadCount(threads);
        Same(Plain(pixels), folded.Forward(pixels, padding, later));
        Same(Plain(pixels).Clamp(0, 6), folded.ForwardRelu6(pixels, padding, later));
        pixels.RequiresGrad = true;
        var seed = random.Normal(Plain(pixels).Shape); // rows of pixels, where the gradient that comes back has channels first
        Tensor Slope(Func<Tensor, Tensor> f) => Tensor.Gradients((f(pixels) * seed).Sum(), [pixels])[0]!;
        Same(Slope(x => Plain(x).Clamp(0, 6)), Slope(x => folded.ForwardRelu6(x, padding, later)));
        Same(Slope(Plain), Slope(x => folded.Forward(x, padding, later)));
    }

    [Fact]
    public void Relu6_over_its_argument_is_libtorch_s_and_so_are_its_slopes()
    {
        using var random = new Generator(6);
        using var scope = new TensorScope();
        var (x, bias, seed) = (random.Normal(500, 37) * 4, random.Normal(37), random.Normal(500, 37));
        (x.RequiresGrad, bias.RequiresGrad) = (true, true);
        Tensor[] Of(Tensor y) => [y.Detach(), .. Tensor.Gradients((y * seed).Sum(), [x, bias])!];
        var (plain, fast) = (Of((x * 1 + bias).Clamp(0, 6)), Of((x * 1 + bias).Relu6InPlace()));
        for (var i = 0; i < 2; i++) Assert.Equal(0, (plain[i] - fast[i]).Abs().Max().Item());
        Same(plain[2], fast[2]);
        using (new NoGrad()) Assert.Equal(0, (plain[0] - (x * 1 + bias).Relu6InPlace()).Abs().Max().Item());
        Assert.True(double.IsNaN((x * double.NaN).Relu6InPlace().Sum().Item())); // what is not a number stays so
    }

    private static void Same(Tensor expected, Tensor got) => Assert.InRange((expected - got).Abs().Max().Item(), 0, 2e-5 * Math.Max(1, expected.Abs().Max().Item()));
}
