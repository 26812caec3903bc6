using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

public class EfficientNetTests
{
    public static TheoryData<string> Published => Parity.Where(Fixtures.Folders("efficientnet-lite", "fixture.json"), folder => Parity.Json(Path.Combine(folder, "fixture.json")).TryGetProperty("timm_model_name", out _));

    [SkippableTheory]
    [MemberData(nameof(Published))]
    public void Stages_features_logits_and_gradients_are_timm_s(string folder)
    {
        var top = Fixtures.Require(folder.Length == 0 ? "efficientnet-lite" : folder);
        Skip.If(folder.Length == 0, "no image tower in efficientnet-lite");
        var fixture = Parity.Json(Path.Combine(top, "fixture.json"));
        var name = fixture.GetProperty("timm_model_name").GetString()!;
        var file = Path.GetFullPath(Path.Combine(top, fixture.GetProperty("weights").GetString()!));
        Skip.IfNot(File.Exists(file), $"{folder}: no weights at {file}");
        var tolerances = Parity.Tolerances(fixture.GetProperty("tolerance").GetString()!);
        using var all = Weights.Load(file);
        var isTrunk = fixture.TryGetProperty("weights_prefix", out var prefix); // of a CLIP, which has no classifier
        var weights = isTrunk ? all / prefix.GetString()! : all;
        using var inputs = Safetensors.Open(Path.Combine(top, "inputs.safetensors"));
        using var expected = Safetensors.Open(Path.Combine(top, "expected.safetensors"));

        foreach (var (fold, threads) in new[] { (false, Runtime.Threads), (true, Runtime.Threads), (true, 1) }) // on one thread it goes by rows of pixels
        {
            using var running = new ThreadCount(threads);
            using var network = new EfficientNetLite(weights, name, fold);
            if (!isTrunk) weights.Complete(w => w.EndsWith("num_batches_tracked", StringComparison.Ordinal));
            foreach (var input in inputs.Names)
            {
                using var scope = new TensorScope();
                var size = input.Split('.')[0];
                var label = $"{folder} {size} {(fold ? "folded" : "plain")}, {threads} threads";
                var (pixels, direction) = (inputs[input], expected["direction"].Normalized());
                var trace = new Trace();
                var features = network.Features(pixels, trace);
                foreach (var (stage, map) in trace.States) Parity.Close($"{label} {stage}", expected[$"{size}.{stage}.mean_hw"], map.Mean([2, 3]), tolerances[0]);
                Parity.Close($"{label} features", expected[$"{size}.features"], features, tolerances[0]);
                if (!isTrunk) Parity.Close($"{label} logits", expected[$"{size}.logits"], network.Classify(features), tolerances[0]);
                Tensor Cosine(Tensor x) => network.Features(x).Normalized().Matmul(direction);
                Parity.Close($"{label} cosine", expected[$"{size}.cosine"], Cosine(pixels), tolerances[0]);
                Parity.CloseGradient($"{label} gradient", expected[$"{size}.grad_cosine_sum"], Cosine, pixels, tolerances[^1]);
            }
        }
    }

    [Theory]
    [InlineData("tf_efficientnet_lite0", 64, 64)]
    [InlineData("tf_efficientnet_lite4", 47, 70)]
    public void Folding_changes_nothing(string name, int height, int width)
    {
        using var random = new Generator(3);
        using var weights = Weights.New(random);
        using var plain = new EfficientNetLite(weights, name, fold: false);
        Unsettle(weights, random);
        using var folded = new EfficientNetLite(weights, name, fold: true);
        using var scope = new TensorScope();
        var (pixels, direction) = (random.Normal(2, 3, height, width), random.Normal(EfficientNetLite.Channels).Normalized());
        Tensor Cosine(EfficientNetLite network, Tensor x) => network.Features(x).Normalized().Matmul(direction);

        Assert.Equal([2, EfficientNetLite.Channels, (height + 31) / 32, (width + 31) / 32], folded.Forward(pixels).Shape);
        Parity.Close($"{name} folded features", plain.Features(pixels), folded.Features(pixels), 1e-3); // lite4 of random weights turns 1e-7 in the pixels into 1e-4 here
        pixels.RequiresGrad = true;
        var (expected, got) = (Tensor.Gradients(Cosine(plain, pixels).Sum(), [pixels])[0]!, Tensor.Gradients(Cosine(folded, pixels).Sum(), [pixels])[0]!);

        // As lengths, because some units lie within rounding of a kink of ReLU6 and change sides: at 1e-5 away lite4's own gradient differs by a tenth.
        Assert.True((got - expected).Norm().Item() < 0.1 * expected.Norm().Item(), $"gradients differ by {(got - expected).Norm().Item()} of {expected.Norm().Item()}");
    }

    [Fact]
    public void Plain_batch_norms_let_everything_but_their_statistics_learn()
    {
        using var random = new Generator(4);
        using var weights = Weights.New(random);
        using var network = new EfficientNetLite(weights, "tf_efficientnet_lite0", fold: false);
        using var scope = new TensorScope();
        foreach (var (name, weight) in weights.All) weight.RequiresGrad = !name.Contains("running_", StringComparison.Ordinal);
        network.Features(random.Normal(2, 3, 64, 64)).Square().Mean().Backward();
        Assert.All(weights.All.Where(w => w.Value.RequiresGrad), w => Assert.True(w.Value.Grad!.Abs().Sum().Item() > 0, w.Key));
    }

    // New batch norms do nothing at all: statistics and scales that folding must get right are drawn here.
    private static void Unsettle(Weights weights, Generator random)
    {
        using var scope = new TensorScope();
        foreach (var (name, weight) in weights.All)
        {
            if (weight.Dims != 1) continue;
            if (name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("bias", StringComparison.Ordinal)) weight.CopyInPlace(random.Normal(weight.Shape) * 0.2);
            else weight.CopyInPlace(random.Uniform(0.5, 1.5, weight.Shape));
        }
    }
}
