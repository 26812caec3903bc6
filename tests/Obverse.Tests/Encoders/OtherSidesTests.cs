using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>Towers asked for another picture side than their checkpoint's.</summary>
public class OtherSidesTests
{
    private static readonly ClipConfig vit = new()
    {
        Vision = new() { ImageSize = 56, PatchSize = 14, Width = 32, Heads = 2, Layers = 1, MlpWidth = 64, Activation = Activation.Gelu, EmbedDim = 12 },
        Text = new() { ContextLength = 8, VocabularySize = 20, Width = 16, Heads = 2, Layers = 1, MlpWidth = 64, EmbedDim = 12 },
    };

    private static readonly ClipConfig resnet = vit with { Vision = new() { ImageSize = 64, PatchSize = 32, Width = 8, Heads = 4, Stages = new(1, 1, 1, 2), Layers = 5, MlpWidth = 0, Activation = Activation.QuickGelu, EmbedDim = 12 } };

    [Theory]
    [InlineData(84)]
    [InlineData(28)]
    public void Positions_are_interpolated_as_open_clip_does(int side)
    {
        using var random = new Generator(1);
        using var model = ClipModel.New(vit, random);
        using var scope = new TensorScope();
        var trace = new Trace();
        model.Image.Forward(Tensor.Zeros([1, 3, side, side]), trace); // patches of nothing are 0: what is left are positions
        var stored = model.Weights.All["visual.positional_embedding"].ToFloats();
        var (from, to, width) = (4, side / 14, 32);
        var got = (trace["embeddings"] - Tensor.Cat([model.Weights.All["visual.class_embedding"].Reshape(1, 1, -1), Tensor.Zeros([1, to * to, width])], 1)).ToFloats();
        for (var channel = 0; channel < width; channel++)
        {
            Assert.Equal(stored[channel], got[channel], 1e-5);
            for (var y = 0; y < to; y++)
            for (var x = 0; x < to; x++)
            {
                var (rows, columns) = (Weights1(y, from, to), Weights1(x, from, to));
                var wanted = 0.0;
                for (var i = 0; i < from; i++) for (var j = 0; j < from; j++) wanted += rows[i] * columns[j] * stored[(1 + i * from + j) * width + channel];
                Assert.Equal(wanted, got[(1 + y * to + x) * width + channel], 1e-5);
            }
        }
    }

    // Bicubic, a = -0.5, widened by the scale where it shrinks, and normalised (spec clip.md 1.5): by hand.
    private static double[] Weights1(int at, int from, int to)
    {
        var scale = from / (double)to;
        var (wide, centre) = (Math.Max(1, scale), scale * (at + 0.5));
        static double Kernel(double t) => Math.Abs(t) switch { < 1 and var u => (1.5 * u - 2.5) * u * u + 1, < 2 and var u => ((-0.5 * u + 2.5) * u - 4) * u + 2, _ => 0 };
        double[] weights = [.. Enumerable.Range(0, from).Select(i => Kernel((i + 0.5 - centre) / wide))];
        return [.. weights.Select(w => w / weights.Sum())];
    }

    [Fact]
    public void A_configuration_may_ask_for_another_side_than_the_weights_have()
    {
        using var random = new Generator(2);
        using var folder = new TemporaryFolder();
        using var scope = new TensorScope();
        foreach (var config in new[] { vit, resnet })
        {
            using (var model = ClipModel.New(config, random)) model.Save(folder.Path);
            var side = config.Vision.ImageSize + config.Vision.SideStep;
            var pixels = random.Normal(2, 3, side, side);
            using var asIs = ClipModel.Load(folder.Path);
            using var larger = ClipModel.Load(folder.Path, config with { Vision = config.Vision with { ImageSize = side } });
            Assert.Equal(side, larger.ImageSize);
            Assert.Equal(asIs.EncodeImage(pixels).ToFloats(), larger.EncodeImage(pixels).ToFloats());
        }
    }

    [Fact]
    public void An_encoder_looks_at_any_multiple_of_the_patch_and_refuses_others()
    {
        using var random = new Generator(3);
        foreach (var (config, good, bad) in new[] { (vit, 84, 100), (resnet, 96, 80) })
        {
            using var model = ClipModel.New(config, random);
            using var encoder = new ClipEncoder(model, "toy");
            using var scope = new TensorScope();
            var image = random.Uniform(0, 1, 1, 3, 90, 90);
            image.RequiresGrad = true;
            var target = encoder.Embed(image).Detach();
            var loss = (encoder.At(good).Embed(image) * target).Sum();
            Assert.True(Tensor.Gradients(loss, [image])[0]!.Abs().Sum().Item() > 0);
            Assert.Contains($"a multiple of {config.Vision.SideStep} is wanted", Assert.Throws<ArgumentException>(() => encoder.At(bad)).Message);
            Assert.Contains("multiples of", Assert.Throws<ArgumentException>(() => model.EncodeImage(Tensor.Zeros([1, 3, bad, bad]))).Message);
        }
    }

    // The keys of OpenAI's archives and no configuration: stages, widths, heads (64 wide) and side are deduced.
    [Fact]
    public void An_openai_resnet_is_known_by_its_shapes()
    {
        using var random = new Generator(4);
        using var folder = new TemporaryFolder();
        using var scope = new TensorScope();
        var config = new ClipConfig
        {
            Vision = resnet.Vision with { Stages = new(2, 1, 3, 1), Layers = 7 },
            Text = vit.Text with { Width = 64, Heads = 1, MlpWidth = 256, Activation = Activation.QuickGelu }, Origin = ClipOrigin.OpenAI,
        };
        using var model = ClipModel.New(config, random);
        var file = Path.Combine(folder.Path, "RN.safetensors");
        var extras = new[] { "input_resolution", "context_length", "vocab_size", "visual.bn1.num_batches_tracked" }.Select(name => KeyValuePair.Create(name, Tensor.Number(64, DType.Int64)));
        Safetensors.Save(file, [.. model.Weights.All, .. extras]);
        using var loaded = ClipModel.Load(file);
        Assert.Equal(config, loaded.Config);
        var pixels = random.Normal(2, 3, 64, 64);
        Parity.Close("OpenAI ResNet", model.EncodeImage(pixels), loaded.EncodeImage(pixels), 1e-5, 1);
    }
}
