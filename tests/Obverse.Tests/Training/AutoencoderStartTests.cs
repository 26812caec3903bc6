using Obverse.Models;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class AutoencoderStartTests
{
    private static readonly AutoencoderOptions options = new() { Steps = 1 };

    [Fact]
    public void The_encoder_is_a_haar_transform_of_opponent_colours_whatever_the_picture()
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var (autoencoder, random) = (Started(), new Generator(4));
        foreach (var contrast in (double[])[0.1, 1])
        {
            var pictures = random.Uniform(-contrast, contrast, 2, 3, 8, 8);
            var found = autoencoder.Encode(pictures);
            var brightness = pictures.Sum(1, keep: true) * (1 / Math.Sqrt(3)); // [2, 1, 8, 8]
            Tensor Corner(int y, int x) => brightness.Reshape(2, 4, 2, 4, 2).Select(4, x).Select(2, y); // [2, 4, 4]
            var across = (Corner(0, 0) - Corner(0, 1) + Corner(1, 0) - Corner(1, 1)) * 0.5;
            var ratio = (found.Mean.Select(1, 3) / across).ToFloats();
            Assert.All(ratio, r => Assert.InRange(r, 0.9 * 0.98, 0.9 * 1.001)); // the gain; the norm takes a little where there is much contrast
            Assert.True(found.LogVariance.Max().Item() < -9.5);
        }
    }

    [Fact]
    public void The_decoder_shows_the_means_of_colours_before_it_has_learned_anything()
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var autoencoder = Started();
        var flat = Tensor.Cat([.. ((double, double, double)[])[(0.8, -0.6, 0.1), (-0.9, 0.9, 0.5), (0, 0, 0)] is var colours ? colours.Select(c => Tensor.Stack([.. ((double[])[c.Item1, c.Item2, c.Item3]).Select(value => Tensor.Full([8, 8], value))]).Unsqueeze(0)) : []]);
        Assert.InRange((autoencoder.Decode(autoencoder.Encode(flat).Mean) - flat).Abs().Max().Item(), 0, 0.1);
    }

    [Fact]
    public void Every_step_brings_the_decoder_nearer_and_leaves_the_encoder()
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        using var weights = TensorScope.Unscoped(() => Weights.New(random));
        var autoencoder = TensorScope.Unscoped(() => new Autoencoder(weights, options.Config));
        AutoencoderStart.Apply(weights, options);
        var pictures = random.Uniform(-1, 1, 4, 3, 8, 8);
        using var loop = new TrainingLoop("test", options with { Warmup = 1 }, weights.All.Where(w => w.Key.StartsWith("decoder.", StringComparison.Ordinal)), _ => AutoencoderTraining.Loss(autoencoder, pictures, shape => random.Normal(shape), options, null));
        double[] losses = [.. Enumerable.Range(0, 12).Select(_ => loop.TakeStep(2e-3).Loss)];
        Assert.True(losses[^1] < 0.95 * losses[0], string.Join(", ", losses));
        Assert.Null(weights.All["encoder.conv_in.weight"].Grad);
    }

    private static Autoencoder Started()
    {
        var weights = TensorScope.Unscoped(() => Weights.New(new Generator(3)));
        var autoencoder = new Autoencoder(weights, options.Config);
        AutoencoderStart.Apply(weights, options);
        return autoencoder;
    }
}
