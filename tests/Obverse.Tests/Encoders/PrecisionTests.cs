using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>Towers in bfloat16 against themselves in float32: near in what they say, half in what they weigh, float32 where it ends.</summary>
public class PrecisionTests
{
    private static readonly ClipConfig transformer = new()
    {
        Vision = new() { ImageSize = 32, PatchSize = 8, Width = 64, Heads = 4, Layers = 3, MlpWidth = 256, EmbedDim = 24 },
        Text = new() { ContextLength = 16, VocabularySize = 600, Width = 64, Heads = 4, Layers = 3, MlpWidth = 256, EmbedDim = 24 },
    };

    private static ClipConfig Named(string name) => name switch
    {
        "transformer" => transformer,
        "timm" => transformer with { Vision = new() { TimmName = "tf_efficientnet_lite0", TimmProjectionBias = true, ImageSize = 64, EmbedDim = 24 } },
        _ => transformer with { Vision = new() { Stages = new(1, 1, 1, 1), Width = 16, Heads = 8, ImageSize = 64, EmbedDim = 24 } },
    };

    [Theory]
    [InlineData("transformer", 0.97)]
    [InlineData("timm", 0.85)] // 50 layers of ReLU6 with weights that nobody trained: units near a bend go over it
    [InlineData("resnet", 0.97)]
    public void Embeddings_and_gradients_are_near_those_of_float32(string name, double least)
    {
        using var folder = new TemporaryFolder();
        using var random = new Generator(4);
        using (var made = ClipModel.New(Named(name), random)) made.Save(folder.Path, half: true);
        using var plain = ClipModel.Load(folder.Path);
        using var half = ClipModel.Load(folder.Path, precision: Precision.BFloat16);
        Assert.Equal((Precision.Float32, Precision.BFloat16), (plain.Precision, half.Precision));
        using var scope = new TensorScope();
        var pixels = random.Uniform(0, 1, 3, 3, plain.ImageSize, plain.ImageSize);
        pixels.RequiresGrad = true;
        var target = random.Normal(24).Normalized();
        (Tensor Embedding, Tensor Gradient) Of(ClipModel model)
        {
            var embedding = model.EncodeImage(model.Normalize(pixels)).Normalized();
            return (embedding, Tensor.Gradients((embedding * target).Sum(), [pixels])[0]!);
        }

        var (exact, rounded) = (Of(plain), Of(half));
        Assert.Equal(DType.Float32, rounded.Embedding.DType);
        Assert.Equal(DType.Float32, rounded.Gradient.DType);
        Assert.InRange((exact.Embedding * rounded.Embedding).Sum(-1).Min().Item(), 0.998, 1.0001);
        Assert.NotEqual(0, (exact.Embedding - rounded.Embedding).Abs().Max().Item()); // it was another computation
        Assert.InRange((exact.Gradient.Flatten(1).Normalized() * rounded.Gradient.Flatten(1).Normalized()).Sum(-1).Min().Item(), least, 1.0001);
        var ids = random.Integers(1, 500, 2, 16);
        Assert.InRange((plain.EncodeText(ids).Normalized() * half.EncodeText(ids).Normalized()).Sum(-1).Min().Item(), 0.998, 1.0001);
    }

    [Fact]
    public void Matrices_are_kept_in_bfloat16_and_what_decides_in_float32()
    {
        using var folder = new TemporaryFolder();
        using var random = new Generator(4);
        using (var made = ClipModel.New(transformer, random)) made.Save(folder.Path, half: true);
        using var model = ClipModel.Load(folder.Path, precision: Precision.BFloat16);
        _ = (model.Image, model.Text);
        using var scope = new TensorScope();
        var all = model.Weights.All;
        foreach (var name in new[] { "visual.transformer.resblocks.0.attn.in_proj_weight", "visual.conv1.weight", "transformer.resblocks.2.mlp.c_fc.bias", "token_embedding.weight" }) Assert.Equal(DType.BFloat16, all[name].DType);
        foreach (var name in new[] { "visual.ln_pre.weight", "visual.proj", "text_projection", "logit_scale", "visual.positional_embedding" }) Assert.Equal(DType.Float32, all[name].DType);
    }

    [Fact]
    public void Weights_that_are_trained_are_float32_whatever_is_asked()
    {
        using var folder = new TemporaryFolder();
        using var random = new Generator(4);
        using (var made = ClipModel.New(transformer, random)) made.Save(folder.Path);
        using var model = ClipModel.Load(folder.Path, trainable: true, precision: Precision.BFloat16);
        Assert.Equal(Precision.Float32, model.Precision);
    }

    [Fact]
    public void Auto_is_what_the_processor_multiplies()
    {
        Assert.Equal((Precision.BFloat16, Precision.Float32), (Precisions.Of(multipliesBFloat16: true), Precisions.Of(multipliesBFloat16: false)));
        Assert.Equal(Precision.Float32, Precision.Auto.On(Device.Cpu)); // of the tests
        Assert.Equal(Precision.BFloat16, Precision.Auto.On(Device.Cuda()));
        Assert.Equal(Precision.Float32, Precision.Float32.On(Device.Cuda()));
        Assert.Equal([Precision.Auto, Precision.Float32, Precision.BFloat16], new[] { "auto", "fp32", "bf16" }.Select(Precisions.Parse));
        Assert.Throws<FormatException>(() => Precisions.Parse("half"));
    }

    [Fact]
    public void Products_without_hardware_are_what_hardware_gives()
    {
        using var scope = new TensorScope();
        using var random = new Generator(2);
        var (a, b) = (random.Normal(20, 300).To(DType.BFloat16), random.Normal(300, 30).To(DType.BFloat16));
        var exact = a.To(DType.Float32).Matmul(b.To(DType.Float32));
        var got = a.Matmul(b);
        Assert.Equal(DType.BFloat16, got.DType);
        Assert.InRange(((got.To(DType.Float32) - exact) / (exact.Abs() + 1e-3)).Abs().Max().Item(), 0, 1 / 128.0); // half a unit in the last of eight places, and the order of the sum
    }
}
