using System.Text.Json;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>FINER, SIREN, grids and layer-wise rates against the fixture tree's `inr` folder.</summary>
public class InrTests
{
    public static TheoryData<string> Of(string topic) => Fixtures.Files("inr", topic + ".json");

    private static IEnumerable<(string Name, JsonElement Settings, JsonElement Case)> Cases(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(path + ".json")));
        return [.. json.RootElement.GetProperty("cases").EnumerateObject().Select(c => (c.Name, c.Value.GetProperty("settings").Clone(), c.Value.Clone()))];
    }

    [SkippableTheory, MemberData(nameof(Of), "grid")]
    public void Grids_and_targets_are_FINERs(string path)
    {
        using var scope = new TensorScope();
        using var file = Safetensors.Open(Fixtures.Require(path + ".safetensors"));
        foreach (var (name, settings, fixture) in Cases(path))
        {
            var (h, w) = (settings.GetProperty("h").GetInt64(), settings.GetProperty("w").GetInt64());
            Near(file[$"{name}.out.coords"], InrCanvas.Grid(h, w), 0, name);
            var picture = Picture.Load(Fixtures.Beside(path, fixture.GetProperty("pictures")[0].GetString())).ToTensor();
            Near(file[$"{name}.out.gt"], Places(picture) * 2 - 1, 1e-6, name);
        }
    }

    [SkippableTheory, MemberData(nameof(Of), "finer_layer")]
    public void One_sine_unit_and_its_gradient(string path)
    {
        foreach (var (name, settings, fixture) in Cases(path))
        {
            using var scope = new TensorScope();
            if (settings.GetProperty("scale_req_grad").GetBoolean()) continue; // the true gradient through alpha is not offered: FINER's released code detaches it
            var pre = Tensor.From([.. settings.GetProperty("pre").EnumerateArray().Select(p => p.GetDouble())]);
            pre.RequiresGrad = true;
            var z = InrCanvas.Sine(pre, settings.GetProperty("omega").GetDouble(), InrActivation.Finer);
            z.Sum().Backward();
            var expected = fixture.GetProperty("expected");
            Assert.Equal(expected.GetProperty("z").EnumerateArray().Select(v => v.GetDouble()), z.Detach().ToArray<double>(), (a, b) => Math.Abs(a - b) < 1e-12);
            Assert.Equal(expected.GetProperty("gradient").EnumerateArray().Select(v => v.GetDouble()), pre.Grad!.ToArray<double>(), (a, b) => Math.Abs(a - b) < 1e-11);
        }
    }

    [SkippableTheory, MemberData(nameof(Of), "finer")]
    public void FINER_fits_a_picture_as_its_authors_code_does(string path)
    {
        using var file = Safetensors.Open(Fixtures.Require(path + ".safetensors"));
        foreach (var (name, s, fixture) in Cases(path))
        {
            if (s.GetProperty("scale_req_grad").GetBoolean()) continue;
            using var scope = new TensorScope();
            var (h, w, layers) = (s.GetProperty("h").GetInt64(), s.GetProperty("w").GetInt64(), s.GetProperty("layers").GetInt32());
            var plan = new Inr(layers, s.GetProperty("hidden").GetInt32(), InrActivation.Finer, s.GetProperty("first_omega").GetDouble(), s.GetProperty("hidden_omega").GetDouble());
            using var canvas = new InrCanvas(plan, Weights(file, name, "in.weights", layers), h, w);
            var gap = fixture.GetProperty("expected").GetProperty("float64_gap");
            var target = Places(Picture.Load(Fixtures.Beside(path, fixture.GetProperty("pictures")[0].GetString())).ToTensor()) * 2 - 1;
            var grid = InrCanvas.Grid(h, w);
            Near(file[Out(file, name, "y")], canvas.Colours(grid).Select(0, 0), 10 * gap.GetProperty("y").GetDouble(), name + " y");

            var (steps, lr) = (s.GetProperty("steps").GetInt32(), s.GetProperty("lr").GetDouble());
            using var adam = new Adam([.. canvas.Groups.Select(l => new ParameterGroup(l.Name, l.Parameters, lr))]);
            var losses = fixture.GetProperty("expected").GetProperty("losses").EnumerateArray().Select(l => l.GetDouble()).ToArray();
            for (var n = 0; n < steps; n++)
            {
                adam.ZeroGrad();
                var loss = (canvas.Colours(grid).Select(0, 0) - target).Square().Mean();
                loss.Backward();
                if (n == 0) EachLayer(file, name, "gradient", canvas, layers, p => p.Grad!, 10 * gap.GetProperty("gradient").GetDouble());
                Assert.Equal(losses[n], loss.Item(), Math.Abs(losses[n]) * 1e-5);
                foreach (var group in adam.Groups) group.Rate = lr * Math.Pow(0.1, n / (double)steps);
                adam.Step();
            }

            EachLayer(file, name, "final", canvas, layers, p => p, Math.Max(1e-7, 10 * gap.GetProperty("final").GetDouble()));
        }
    }

    [SkippableTheory, MemberData(nameof(Of), "other_inr")]
    public void SIREN_renders_as_the_reference_and_the_others_are_named(string path)
    {
        using var file = Safetensors.Open(Fixtures.Require(path + ".safetensors"));
        foreach (var (name, s, fixture) in Cases(path))
        {
            if (s.GetProperty("kind").GetString() != "Siren") continue; // Gauss, PEMLP and Wire are not canvases here
            using var scope = new TensorScope();
            var args = s.GetProperty("args");
            var layers = args.GetProperty("hidden_layers").GetInt32();
            var plan = new Inr(layers, args.GetProperty("hidden_features").GetInt32(), InrActivation.Siren, args.GetProperty("first_omega_0").GetDouble(), args.GetProperty("hidden_omega_0").GetDouble());
            using var canvas = new InrCanvas(plan, Weights(file, name, "in.weights", layers), 2, 2);
            var y = canvas.Colours(InrCanvas.Grid(s.GetProperty("h").GetInt64(), s.GetProperty("w").GetInt64())).Select(0, 0);
            Near(file[Out(file, name, "y")], y, Math.Max(1e-6, 10 * fixture.GetProperty("expected").GetProperty("float64_gap").GetDouble()), name);
        }
    }

    [SkippableTheory, MemberData(nameof(Of), "layer_rates")]
    public void Layer_wise_rates_are_the_table(string path)
    {
        using var file = Safetensors.Open(Fixtures.Require(path + ".safetensors"));
        foreach (var (name, s, _) in Cases(path))
        {
            var (layers, steps) = (s.GetProperty("L").GetInt32(), s.GetProperty("N").GetInt32());
            var flat = s.TryGetProperty("flat", out var f) && f.GetBoolean();
            var schedule = Schedule.Adam(s.GetProperty("eta").GetDouble()).Steps(steps);
            if (!flat) schedule = schedule.Sweep(s.GetProperty("sigma").GetDouble(), s.GetProperty("g_min").GetDouble());
            var table = Tensor.From([.. Enumerable.Range(0, steps * layers).Select(i => schedule.RateAt(i / layers, "", i % layers, layers))], steps, layers);
            Near(file[Out(file, name, "lr")], table, 1e-14, name);
        }
    }

    /// <summary>[1, 3, h, w] -> [h·w, 3], row-major.</summary>
    private static Tensor Places(Tensor picture) => picture.Select(0, 0).Flatten(1).T();

    private static string Out(Safetensors file, string name, string what) => file.Names.First(n => n == $"{name}.out.{what}" || n == $"{name}.{what}");

    private static List<(Tensor, Tensor)> Weights(Safetensors file, string name, string prefix, int layers) =>
        [.. Enumerable.Range(0, layers + 2).Select(l => (file[Key(file, name, prefix, l, layers, "weight")].Unsqueeze(0), file[Key(file, name, prefix, l, layers, "bias")].Unsqueeze(0)))];

    // The repository's keys: net.I.linear.weight for sine layers, net.L.weight for the last.
    private static string Key(Safetensors file, string name, string prefix, int layer, int layers, string what) =>
        file.Names.First(n => n == $"{name}.{prefix}.net.{layer}.linear.{what}" || n == $"{name}.{prefix}.net.{layer}.{what}");

    private static void EachLayer(Safetensors file, string name, string kind, InrCanvas canvas, int layers, Func<Tensor, Tensor> of, double tolerance)
    {
        for (var l = 0; l < layers + 2; l++)
        {
            var parameters = canvas.Groups[l].Parameters;
            Near(file[Key(file, name, "out." + kind, l, layers, "weight")].Unsqueeze(0), of(parameters[0]), tolerance, $"{name} {kind} {l}");
            Near(file[Key(file, name, "out." + kind, l, layers, "bias")].Unsqueeze(0), of(parameters[1]), tolerance, $"{name} {kind} {l}");
        }
    }

    private static void Near(Tensor wanted, Tensor got, double tolerance, string what)
    {
        var worst = (wanted.To(DType.Float64) - got.Detach().To(DType.Float64)).Abs().Max().Item();
        Assert.True(worst <= tolerance, $"{what}: off by {worst:g3}, tolerance {tolerance:g3}");
    }

    [Theory]
    [InlineData(InrActivation.Finer, 10, 3)]
    [InlineData(InrActivation.Finer, 30, 4)]
    [InlineData(InrActivation.Siren, 30, 30)]
    public void The_sine_in_one_pass_is_the_sine_of_five(InrActivation activation, double omega, double reach)
    {
        using var scope = new TensorScope();
        using var random = new Generator(2);
        var x = random.Uniform(-reach, reach, 3, 41_777); // not a whole number of vectors, several threads' shares; arguments to 1,000 and more
        var seed = random.Normal(3, 41_777);
        (Tensor Value, Tensor Slope) Of(Func<Tensor, Tensor> sine)
        {
            var leaf = x.Clone();
            leaf.RequiresGrad = true;
            var y = sine(leaf);
            (y * seed).Sum().Backward();
            return (y.Detach(), leaf.Grad!);
        }

        var (fast, fastSlope) = Of(p => InrCanvas.Sine(p, omega, activation));
        var (plain, plainSlope) = Of(p => InrCanvas.PlainSine(p, omega, activation));
        // To what float32 says of an argument of 1,000: 6e-5.
        var largest = omega * reach * (activation == InrActivation.Finer ? reach + 1 : 1);
        Assert.True((fast - plain).Abs().Max().Item() < 1e-6 + largest * 6e-8, $"{(fast - plain).Abs().Max().Item()}");
        Assert.True((fastSlope - plainSlope).Abs().Max().Item() < (1e-6 + largest * 6e-8) * plainSlope.Abs().Max().Item(), $"{(fastSlope - plainSlope).Abs().Max().Item()}");
        // Against float64 of the same float32 argument neither is further off than the other's rounding.
        var exact = x.To(DType.Float64) * ((activation == InrActivation.Finer ? x.To(DType.Float64).Abs() + 1 : x.To(DType.Float64) * 0 + 1) * omega);
        Assert.True((fast.To(DType.Float64) - exact.Sin()).Abs().Max().Item() < 1e-6 + largest * 1.2e-7);
    }
}
