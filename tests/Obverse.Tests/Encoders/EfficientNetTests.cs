using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

public class EfficientNetTests
{
    public static TheoryData<string> Published => Fixtures.Folders("efficientnet-lite", "fixture.json");

    [SkippableTheory]
    [MemberData(nameof(Published))]
    public void Stages_features_logits_and_gradients_are_timm_s(string folder)
    {
        var top = Fixtures.Require(folder.Length == 0 ? "efficientnet-lite" : folder);
        Skip.If(folder.Length == 0, "no fixture.json in efficientnet-lite");
        var fixture = Parity.Json(Path.Combine(top, "fixture.json"));
        Skip.IfNot(fixture.TryGetProperty("timm_model_name", out var name), $"{folder}: not an image tower by itself");
        var file = Path.GetFullPath(Path.Combine(top, fixture.GetProperty("weights").GetString()!));
        Skip.IfNot(File.Exists(file), $"{folder}: no weights at {file}");
        var tolerances = Parity.Tolerances(fixture.GetProperty("tolerance").GetString()!);
        using var weights = Weights.Load(file);
        using var inputs = Safetensors.Open(Path.Combine(top, "inputs.safetensors"));
        using var expected = Safetensors.Open(Path.Combine(top, "expected.safetensors"));

        foreach (var fold in new[] { false, true })
        {
            using var network = new EfficientNetLite(weights, name.GetString()!, fold);
            weights.Complete(w => w.EndsWith("num_batches_tracked", StringComparison.Ordinal));
            foreach (var input in inputs.Names)
            {
                using var scope = new TensorScope();
                var size = input.Split('.')[0];
                var label = $"{folder} {size} {(fold ? "folded" : "plain")}";
                var (pixels, direction) = (inputs[input], expected["direction"].Normalized());
                var trace = new Trace();
                var features = network.Pooled(pixels, trace);
                foreach (var (stage, map) in trace.States) Parity.Close($"{label} {stage}", expected[$"{size}.{stage}.mean_hw"], map.Mean([2, 3]), tolerances[0]);
                Parity.Close($"{label} features", expected[$"{size}.features"], features, tolerances[0]);
                Parity.Close($"{label} logits", expected[$"{size}.logits"], network.Classify(features), tolerances[0]);
                Tensor Cosine(Tensor x) => network.Pooled(x).Normalized().Matmul(direction);
                Parity.Close($"{label} cosine", expected[$"{size}.cosine"], Cosine(pixels), tolerances[0]);
                Parity.CloseGradient($"{label} gradient", expected[$"{size}.grad_cosine_sum"], Cosine, pixels, tolerances[^1]);
            }
        }
    }
}
