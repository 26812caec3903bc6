using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

/// <summary>DeepCache: deep features of a UNet, reused between neighbouring steps.</summary>
public class DeepFeatureTests
{
    private static readonly UNetConfig config = new() { Channels = [16, 32, 32], Attention = [true, true, false], Heads = [2, 2, 2], LayersPerBlock = 1, ContextWidth = 24, Groups = 8 };

    [Fact]
    public void An_interval_of_one_changes_no_bit()
    {
        var plain = Sampled(null, out _);
        Assert.Equal(plain, Sampled(1, out _));
        Assert.NotEqual(plain, Sampled(2, out var deep));
        Assert.Equal((6, 3), deep);
        _ = Sampled(4, out deep);
        Assert.Equal((6, 2), deep);
    }

    [Fact]
    public void Deep_blocks_run_at_every_second_call_only()
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var weights = TinyDiffusion.Random(3, w => new UNet(w, config));
        var unet = TensorScope.Unscoped(() => new UNet(weights, config));
        using var deep = new DeepFeatures(2);
        using var random = new Generator(4);
        var (latents, rows) = (random.Normal(1, 4, 8, 8), random.Normal(1, 5, 24));
        for (var call = 0; call < 6; call++)
        {
            var trace = new Trace();
            _ = unet.Forward(latents, Tensor.From([500f - call]), rows, trace: trace, deep: deep);
            Assert.Equal(call % 2 == 0, trace.States.ContainsKey("mid_block"));
            Assert.Equal(call % 2 == 0, trace.States.ContainsKey("down_blocks.1.resnets.0"));
            Assert.True(trace.States.ContainsKey("down_blocks.0.resnets.0"));
        }
    }

    [Theory]
    [InlineData(1, 8, 8)]
    [InlineData(2, 8, 8)]
    [InlineData(3, 9, 7)]
    [InlineData(4, 9, 7)]
    [InlineData(6, 5, 5)]
    [InlineData(99, 8, 8)]
    public void Where_nothing_changed_between_two_calls_features_of_any_depth_give_the_same_prediction(int skips, int height, int width)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var weights = TinyDiffusion.Random(3, w => new UNet(w, config));
        var unet = TensorScope.Unscoped(() => new UNet(weights, config));
        using var deep = new DeepFeatures(2, skips);
        using var random = new Generator(4);
        var (latents, rows) = (random.Normal(2, 4, height, width), random.Normal(2, 5, 24));
        float[] Predicted(DeepFeatures? features, Tensor given) => unet.Forward(given, Tensor.From([500f]), rows, deep: features).ToFloats();
        var plain = Predicted(null, latents);
        Assert.Equal(plain, Predicted(deep, latents));
        Assert.Equal(plain, Predicted(deep, latents));
        Assert.Equal(plain, Predicted(deep, latents)); // a full one again
        Assert.NotEqual(plain, Predicted(deep, latents * 0.9)); // what is shallow is new
    }

    private static float[] Sampled(int? interval, out (int, int) calls)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var weights = TinyDiffusion.Random(3, w => new UNet(w, config));
        var unet = TensorScope.Unscoped(() => new UNet(weights, config));
        using var deep = interval is { } n ? new DeepFeatures(n) : null;
        using var random = new Generator(4);
        var (rows, negative, noise) = (random.Normal(1, 5, 24), random.Normal(1, 5, 24), random.Normal(1, 4, 8, 8));
        var (sampler, schedule) = (new DdimSampler(), NoiseSchedule.StableDiffusion1);
        float[] last = [];
        foreach (var step in sampler.Run(Denoisers.Guided(unet, rows, negative, 3, deep: deep), schedule, sampler.Plan(schedule, 6), noise))
        {
            last = step.Latents.ToFloats();
            step.Dispose();
        }

        calls = (deep?.Calls ?? 0, deep?.FullCalls ?? 0);
        return last;
    }
}
