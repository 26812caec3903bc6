using System.Text.Json;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Retrieval;

/// <summary>Fits with adversarial weight perturbation, step by step, and many at once.</summary>
public class InrFitTests
{
    public static TheoryData<string> Traces => Fixtures.Traces("awp");
    public static TheoryData<string> Of(string topic) => Fixtures.Files("inr", topic + ".json");

    [SkippableTheory]
    [MemberData(nameof(Traces))]
    public void The_fit_of_a_bank_entry_is_the_reference_step_by_step(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        var layers = trace.Names.Count(n => n.StartsWith("in.layer", StringComparison.Ordinal) && n.EndsWith(".weight", StringComparison.Ordinal));
        var (omega, size) = (trace.Number("omega"), trace.Int("size"));
        var plan = new Inr(layers - 2, (int)trace["in.layer0.weight"].Size(0), InrActivation.Finer, omega, omega);
        using var canvas = new InrCanvas(plan, [.. Enumerable.Range(0, layers).Select(l => (trace[$"in.layer{l}.weight"].Unsqueeze(0), trace[$"in.layer{l}.bias"].Unsqueeze(0)))], size, size);
        var fit = new InrFit
        {
            Steps = trace.Int("total_steps"), Rate = trace.Number("lr"), Gamma = trace.Number("gamma"), Blur = trace.Number("blur_sigma"),
            Observe = (step, deltas, gradients) =>
            {
                for (var l = 0; l < layers; l++)
                {
                    trace.MeetsIfStored($"out.step{step}.perturbation.layer{l}.weight", deltas[l]);
                    trace.MeetsIfStored($"out.step{step}.grad.layer{l}.weight", gradients[2 * l]);
                    trace.MeetsIfStored($"out.step{step}.grad.layer{l}.bias", gradients[2 * l + 1]);
                }
            },
        };
        var targets = fit.Targets(trace["in.image"]);
        trace.Meets("out.target", targets);
        foreach (var step in fit.Run(canvas, targets).Take(trace.Int("steps")))
        {
            trace.Meets($"out.step{step.Index}.loss_at_weights", Tensor.Number(step.Losses[0]));
            trace.Meets($"out.step{step.Index}.loss_perturbed", Tensor.Number(step.Perturbed[0]));
        }

        for (var l = 0; l < layers; l++)
        {
            trace.Meets($"out.final.layer{l}.weight", canvas.Groups[l].Parameters[0]);
            trace.Meets($"out.final.layer{l}.bias", canvas.Groups[l].Parameters[1]);
        }

        trace.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(Of), "awp")]
    public void Perturbation_is_that_of_its_authors_class(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(path + ".json")));
        using var file = Safetensors.Open(Fixtures.Require(path + ".safetensors"));
        foreach (var fixture in json.RootElement.GetProperty("cases").EnumerateObject())
        {
            using var scope = new TensorScope();
            var (name, s) = (fixture.Name, fixture.Value.GetProperty("settings"));
            var hidden = s.GetProperty("layers").GetInt32();
            Tensor Layer(string kind, int l, string what) =>
                file[file.Names.First(n => n == $"{name}.{kind}.net.{l}.linear.{what}" || n == $"{name}.{kind}.net.{l}.{what}")].To(DType.Float64).Unsqueeze(0);
            bool Stored(string what) => file.Names.Any(n => n.StartsWith($"{name}.out.{what}.", StringComparison.Ordinal));
            var plan = new Inr(hidden, s.GetProperty("hidden").GetInt32(), InrActivation.Finer, s.GetProperty("first_omega").GetDouble(), s.GetProperty("hidden_omega").GetDouble());
            using var canvas = new InrCanvas(plan, [.. Enumerable.Range(0, hidden + 2).Select(l => (Layer("in.weights", l, "weight"), Layer("in.weights", l, "bias")))], s.GetProperty("h").GetInt64(), s.GetProperty("w").GetInt64());
            var fit = new InrFit
            {
                Steps = s.GetProperty("steps").GetInt32(), Rate = s.GetProperty("lr").GetDouble(), Gamma = s.GetProperty("gamma").GetDouble(), Blur = s.GetProperty("sigma").GetDouble(),
                Observe = (step, deltas, gradients) =>
                {
                    if (step > 0) return;
                    for (var l = 0; l < hidden + 2; l++)
                    {
                        Near(Layer("out.delta", l, "weight"), deltas[l], $"{name} delta {l}");
                        Near(Layer("out.perturbed_gradient", l, "weight"), gradients[2 * l], $"{name} gradient {l}");
                    }
                },
            };
            var picture = Picture.Load(Fixtures.Beside(path, fixture.Value.GetProperty("pictures")[0].GetString()));
            var exact = Tensor.From(picture.Rgb, picture.Height, picture.Width, 3).Permute(2, 0, 1).Unsqueeze(0).To(DType.Float64) / 255;
            var targets = fit.Targets(exact);
            Near(file[$"{name}.out.target"].Unsqueeze(0), targets, name + " target");
            var losses = fixture.Value.GetProperty("expected").GetProperty("loss");
            foreach (var step in fit.Run(canvas, targets))
            {
                Assert.Equal(losses[step.Index].GetDouble(), step.Losses[0], 1e-6);
                if (step.Index == 0 && Stored("after_step")) foreach (var l in Enumerable.Range(0, hidden + 2)) Near(Layer("out.after_step", l, "weight"), canvas.Groups[l].Parameters[0], $"{name} after one step {l}");
            }

            for (var l = 0; Stored("final") && l < hidden + 2; l++)
            {
                Near(Layer("out.final", l, "weight"), canvas.Groups[l].Parameters[0], $"{name} weight {l}");
                Near(Layer("out.final", l, "bias"), canvas.Groups[l].Parameters[1], $"{name} bias {l}");
            }
        }
    }

    [SkippableTheory, MemberData(nameof(Of), "blur")]
    public void Blur_is_the_reference(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(path + ".json")));
        using var file = Safetensors.Open(Fixtures.Require(path + ".safetensors"));
        foreach (var fixture in json.RootElement.GetProperty("cases").EnumerateObject())
        {
            using var scope = new TensorScope();
            var picture = Picture.Load(Fixtures.Beside(path, fixture.Value.GetProperty("pictures")[0].GetString()));
            var exact = Tensor.From(picture.Rgb, picture.Height, picture.Width, 3).Permute(2, 0, 1).Unsqueeze(0).To(DType.Float64) / 255;
            foreach (var sigma in fixture.Value.GetProperty("settings").GetProperty("sigmas").EnumerateArray().Select(v => v.GetDouble()))
            {
                var wanted = file[$"{fixture.Name}.out.blurred_{sigma.ToString(System.Globalization.CultureInfo.InvariantCulture)}"].Flatten(1).T() * 2 - 1;
                Near(wanted.Unsqueeze(0), new InrFit { Blur = sigma }.Targets(exact), $"{fixture.Name} {sigma}", 1e-11);
            }
        }
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0)]
    public void Many_at_once_are_as_one_by_one(double gamma)
    {
        using var scope = new TensorScope();
        using var random = new Generator(4);
        var pictures = random.Uniform(0, 1, 3, 3, 12, 10).To(DType.Float64);
        var (plan, fit) = (Inr.Finer(hidden: 2, width: 16), new InrFit { Steps = 20, Gamma = gamma, Blur = 1 });
        InrCanvas Exact(long count)
        {
            using var seed = new Generator(5);
            using var start = InrFit.Start(plan, count, 12, 10, seed);
            return new(plan, [.. start.Groups.Select(layer => (layer.Parameters[0].To(DType.Float64), layer.Parameters[1].To(DType.Float64)))], 12, 10);
        }

        using var together = Exact(3);
        var last = fit.Run(together, fit.Targets(pictures)).Last();
        for (var i = 0; i < 3; i++)
        {
            using var alone = Exact(1);
            var first = double.NaN;
            foreach (var step in fit.Run(alone, fit.Targets(pictures.Narrow(0, i, 1))))
            {
                if (step.Index == 0) first = step.Losses[0];
                if (step.Index == fit.Steps - 1) Assert.Equal(step.Losses[0], last.Losses[i], 1e-7);
            }

            Assert.True(last.Losses[i] < first, "it did not learn");
            foreach (var (one, all) in alone.State().Zip(together.State())) Near(one.Value, all.Value.Narrow(0, i, 1), $"picture {i}, {one.Key}", 1e-11);
        }

        Assert.True((together.Groups[1].Parameters[0][0] - together.Groups[1].Parameters[0][1]).Abs().Max().Item() > 1e-5); // and each has its own
    }

    private static void Near(Tensor wanted, Tensor got, string what, double tolerance = 1e-9)
    {
        var worst = (wanted - got.Detach()).Abs().Max().Item();
        Assert.True(worst <= tolerance, $"{what}: off by {worst:g3}, tolerance {tolerance:g3}");
    }
}
