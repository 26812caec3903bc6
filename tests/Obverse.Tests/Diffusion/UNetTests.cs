using System.Text.Json;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class UNetTests
{
    public static TheoryData<string> Cases => DiffusionFixtures.Cases("unet-fp16", "unet-pipeline", "unet-sharded");
    public static TheoryData<string> Gradients => DiffusionFixtures.Cases("unet-gradients");
    public static TheoryData<string> Masks => DiffusionFixtures.Cases("word-masking");

    [SkippableTheory, MemberData(nameof(Cases))]
    public void Predictions_and_every_part_on_the_way_are_diffusers(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var (unet, weights) = one.UNet();
        using var owned = weights;
        foreach (var run in one.Settings.GetProperty("runs").Items())
        {
            var (name, time) = (run.GetProperty("name").GetString()!, run.GetProperty("timestep"));
            var trace = name == one.Settings.GetProperty("trace").GetString() ? new Trace() : null;
            long[] times = time.ValueKind == JsonValueKind.Array ? [.. time.Items().Select(t => t.GetInt64())] : [time.GetInt64()];
            one.Meets($"out.noise_pred.{name}", unet.Forward(one["in." + run.GetProperty("sample").GetString()], Tensor.From(times), one["in." + run.GetProperty("context").GetString()], trace: trace));
            if (trace is null) continue;
            one.Meets("out.time_proj", trace["time_proj"]);
            foreach (var stored in one.Names.Where(n => n.StartsWith("out.trace.", StringComparison.Ordinal))) one.Meets(stored, trace[stored["out.trace.".Length..]]);
        }

        one.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(Gradients))]
    public void Gradients_reach_latent_context_and_every_key_and_value(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        var (unet, weights) = one.UNet();
        using var owned = weights;
        Tensor[] leaves = [one["in.sample"], one["in.context"], .. Learned(one, "out.grad.").Select(name => weights.All[name])];
        foreach (var leaf in leaves) leaf.RequiresGrad = true;
        var loss = (unet.Forward(leaves[0], one["in.timesteps"], leaves[1]) - one["in.target"]).Square().Mean();
        one.Meets("out.loss", loss);
        loss.Backward();
        one.Meets("out.grad.sample", leaves[0].Grad!);
        one.Meets("out.grad.context", leaves[1].Grad!);
        foreach (var name in Learned(one, "out.grad.")) one.Meets("out.grad." + name, weights.All[name].Grad!);
        using var optimizer = new Adam([new("kv", leaves[2..], one.Settings.GetProperty("lr").GetDouble()) { WeightDecay = one.Settings.GetProperty("weight_decay").GetDouble() }], decoupled: true);
        optimizer.Step();
        foreach (var name in Learned(one, "out.adamw.")) one.Meets("out.adamw." + name, weights.All[name]);
        one.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(Masks))]
    public void Rows_of_the_text_are_hidden_before_or_after_the_softmax(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var (unet, weights) = one.UNet();
        using var owned = weights;
        Tensor Seen(ContextMask? mask) => unet.Forward(one["in.sample"], one["in.timesteps"], one["in.context"], mask);
        one.Meets("out.plain", Seen(null));
        one.Meets("out.before_softmax", Seen(new(one["in.keep"], AfterSoftmax: false)));
        one.Meets("out.after_softmax", Seen(new(one["in.keep"])));
        one.EveryOutputIsMet();
    }

    [Fact]
    public void In_bf16_an_fp16_file_is_not_widened_and_the_prediction_is_close()
    {
        using var folder = new TemporaryFolder();
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var config = new UNetConfig { Channels = [16, 32], Attention = [true, true], Heads = [2, 2], LayersPerBlock = 1, ContextWidth = 24, Groups = 8 };
        using (var weights = TinyDiffusion.Random(3, w => new UNet(w, config))) weights.Save(Path.Combine(folder.Path, "diffusion_pytorch_model.safetensors"), half: true);
        config.Save(Path.Combine(folder.Path, "config.json"));
        using var random = new Generator(4);
        var (latents, rows) = (random.Normal(2, 4, 8, 8), random.Normal(2, 5, 24));
        Tensor Predicted(Precision precision)
        {
            using var unet = UNet.Load(folder.Path, precision: precision);
            return unet.Forward(latents, Tensor.From([500f]), rows);
        }

        var (plain, half) = (Predicted(Precision.Float32), Predicted(Precision.BFloat16));
        var difference = (half - plain).Square().Mean().Sqrt().Item() / plain.Square().Mean().Sqrt().Item();
        Assert.True(difference is > 0 and < 0.02, $"{difference}");
        using var opened = ModelFolder.UNet(folder.Path, null, Precision.BFloat16);
        TensorScope.Unscoped(() => new UNet(opened, config));
        foreach (var (name, shape) in opened.Outline.Where(one => one.Shape.Length > 1 && !UNet.IsKeyOrValue(one.Name))) Assert.Equal(DType.BFloat16, opened.Get(name, shape).DType);
    }

    [Fact]
    public void Full_size_has_the_published_number_of_parameters()
    {
        using var scope = new TensorScope();
        using var shapes = Weights.Shapes();
        _ = new UNet(shapes, UNetConfig.StableDiffusion1);
        Assert.Equal(859_520_964, shapes.Outline.Sum(w => w.Shape.Aggregate(1L, (product, side) => product * side)));
    }

    private static IEnumerable<string> Learned(Case one, string prefix) => one.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal) && n.EndsWith(".weight", StringComparison.Ordinal)).Select(n => n[prefix.Length..]);
}
