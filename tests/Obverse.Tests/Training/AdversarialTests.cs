using Obverse.Jobs;
using Obverse.Tests.Encoders;
using Obverse.Tests.Engine;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class AdversarialTests
{
    public static TheoryData<string> Recorded => Fixtures.Traces("attack");
    public static TheoryData<string> Updates => Fixtures.Traces("finetune");

    [SkippableTheory]
    [MemberData(nameof(Recorded))]
    public void Attacks_are_the_originals_step_by_step(string trial)
    {
        using var scope = new TensorScope();
        using var trace = new Case(trial);
        using var clip = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        var tower = Tower(clip);
        var (images, text) = (trace["in.images"], trace["in.text"].Normalized());
        foreach (var attack in trace.Config.GetProperty("attacks").EnumerateObject())
        {
            var (name, given) = (attack.Name, attack.Value);
            var loss = new RobustLoss(new() { Steps = 1, Pairwise = given.GetProperty("loss").GetString() == "cosine" }, tower, null, images, text);
            var options = new AttackOptions
            {
                Eps = given.GetProperty("eps").GetDouble(), Steps = given.GetProperty("iterations").GetInt32(), StepSize = given.GetProperty("alpha").GetDouble(),
                Momentum = given.TryGetProperty("momentum", out var momentum) ? momentum.GetDouble() : 0,
            };
            Tensor? start = null;
            if (trace.Has($"draw.{name}.start"))
            {
                var z = trace[$"draw.{name}.start"];
                // The robustness library's start is a direction; the other one's is the perturbation itself.
                start = given.GetProperty("kind").GetString() == "momentum" ? z : (images + z / (Attacks.Lengths(z) + 1e-10) * options.Eps).Clamp(0, 1) - images;
            }

            var attacked = Attacks.Pgd(loss.Of, images, options, start, step =>
            {
                trace.MeetsIfStored($"out.{name}.step{step.Index}.losses", step.Losses);
                trace.MeetsIfStored($"out.{name}.step{step.Index}.grad", step.Gradient);
                trace.Meets($"out.{name}.step{step.Index}.delta", step.Delta);
            });
            trace.Meets($"out.{name}.final_losses", loss.Of(attacked));
            trace.Meets($"out.{name}.l2", Attacks.Lengths(attacked - images));
        }

        trace.EveryOutputIsMet();
    }

    [SkippableTheory]
    [MemberData(nameof(Updates))]
    public void An_update_is_the_reference_gradient_by_gradient_and_weight_by_weight(string trial)
    {
        using var scope = new TensorScope();
        using var trace = new Case(trial);
        using var clip = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        var attack = trace.Config.GetProperty("attack");
        var eps = attack.GetProperty("eps").GetDouble();
        var options = new AdversarialOptions
        {
            Steps = 1, Eps = eps, Side = 224, AttackSteps = attack.GetProperty("iterations").GetInt32(), StepOfEps = attack.GetProperty("alpha").GetDouble() / eps, RandomStart = attack.GetProperty("random_start").GetBoolean(),
            Pairwise = trace.Config.GetProperty("loss").GetString() != "infonce", Accumulate = trace.Int("accumulate"), Rate = trace.Number("lr"), WeightDecay = trace.Number("weight_decay"), Warmup = 0,
        };
        var (images, texts) = (trace["in.images"], trace["in.text"]);
        var tower = Tower(clip);
        for (var m = 0; m < options.Accumulate; m++)
        {
            var loss = new RobustLoss(options, tower, null, images.Select(0, m), texts.Select(0, m).Normalized());
            trace.Meets($"out.micro{m}.clean_losses", loss.Of(images.Select(0, m)));
            var attacked = Attacks.Pgd(loss.Of, images.Select(0, m), options.Attack(0));
            trace.Meets($"out.micro{m}.delta", attacked - images.Select(0, m));
            trace.Meets($"out.micro{m}.losses", loss.Of(attacked));
        }

        using var tuning = new AdversarialFineTuning(options, tower);
        tuning.TakeStep([.. Enumerable.Range(0, options.Accumulate).Select(m => new RobustBatch(images.Select(0, m), texts.Select(0, m).Normalized()))], fraction: 0);
        foreach (var (name, tensor) in tower.Parameters)
        {
            trace.MeetsIfStored($"out.grad_norm.{name}", tensor.Grad!.Norm());
            foreach (var part in (string[])["", ".q", ".v"])
            {
                Tensor Third(Tensor t) => part.Length == 0 ? t : t.Narrow(0, part == ".q" ? 0 : t.Size(0) / 3 * 2, t.Size(0) / 3);
                if (!trace.Has($"out.after.{name}{part}")) continue;
                trace.Meets($"out.grad.{name}{part}", Third(tensor.Grad!));
                trace.Meets($"out.after.{name}{part}", Third(tensor));
            }
        }

        trace.EveryOutputIsMet();
    }

    [Fact]
    public void A_step_is_projected_first_and_clamped_last()
    {
        using var scope = new TensorScope();
        var uphill = Tensor.From([3f, 4, 0], 1, 3, 1, 1);
        var attacked = Attacks.Pgd(x => (x * uphill).Sum([1, 2, 3]), Tensor.From([0.9f, 0.5f, 0.5f], 1, 3, 1, 1), new AttackOptions { Eps = 0.5, Steps = 1, StepSize = 1 });
        Assert.Equal([1, 0.9f, 0.5f], attacked.ToFloats(), (a, b) => Math.Abs(a - b) < 1e-5); // (0.6, 0.8, 0) shortened to (0.3, 0.4, 0); clamped first it would come to (0.998, 0.990, 0.5)
    }

    [Fact]
    public void A_picture_never_leaves_its_ball_nor_its_range_and_the_best_iterate_is_no_worse_than_any()
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        var (images, direction) = (random.Uniform(0, 1, [4, 3, 8, 8]), random.Normal(1, 3, 8, 8));
        Tensor Loss(Tensor x) => ((x - images) * direction).Sum([1, 2, 3]).Sin(); // climbs, then falls
        List<float[]> seen = [];
        var options = new AttackOptions { Eps = 0.6, Steps = 6, StepSize = 0.4 };
        var start = Attacks.RandomStart(images, 0.3, random);
        var last = Attacks.Pgd(Loss, images, options, start, step => seen.Add(step.Losses.ToFloats()));
        seen.Add(Loss(last).ToFloats());
        Assert.True(seen[..^1].Any(losses => losses.Zip(seen[^1]).Any(pair => pair.First > pair.Second + 1e-3)), "the last iterate is the best of every picture: the test asks nothing");
        var best = Attacks.Pgd(Loss, images, options with { Best = true }, start);
        foreach (var picture in (Tensor[])[best, last])
        {
            Assert.True(Attacks.Lengths(picture - images).Max().Item() <= 0.6 + 1e-5);
            Assert.InRange(picture.Min().Item(), 0, 1);
            Assert.InRange(picture.Max().Item(), 0, 1);
        }

        // Exactly the highest loss that each picture had, the start's among them.
        var highest = Enumerable.Range(0, 4).Select(i => seen.Max(losses => losses[i])).ToArray();
        Assert.All(Loss(best).ToFloats().Zip(highest), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
    }

    [Fact]
    public void A_stopped_run_goes_on_to_the_same_weights_and_the_student_learns_to_keep_what_it_saw()
    {
        using var folder = new TemporaryFolder();
        using var random = new Generator(3);
        using var classes = random.Normal(6, 8);
        using var start = TensorScope.Of(() => random.Normal(8, 48) * 0.1);
        using var pictures = random.Uniform(0, 1, [16, 3, 4, 4]); // 48 numbers: what no picture uses may be forgotten
        var options = new AdversarialOptions { Steps = 60, Objective = RobustObjective.Fare, Eps = 1, Side = 224, AttackSteps = 2, RandomStart = true, Rate = 1e-2, Average = 0.9, LogEvery = 10, Batch = 8 };
        RobustTower Linear(Tensor weight) => new(x => x.Flatten(1).Linear(weight).Tanh(), seen => seen.Normalized(), seen => seen.Matmul(classes.T()), Tensor.Number(0), [new("visual.w", weight)]);
        RobustBatch Batch(long b) => new(pictures.Narrow(0, b * 8 % 16, 8));

        (float[] Weights, List<double> Losses) Train(string? at, bool stop)
        {
            using var scope = new TensorScope();
            using var weight = TensorScope.Unscoped(() => start.Clone());
            List<double> losses = [];
            if (stop)
            {
                using var source = new CancellationTokenSource();
                using var half = new AdversarialFineTuning(options, Linear(weight), Linear(start));
                Assert.False(half.Run(Batch, at, step => { if (step.Step == 30) source.Cancel(); }, source.Token));
                using var still = new NoGrad();
                weight.CopyInPlace(start); // what is in memory is lost
            }

            using var tuning = new AdversarialFineTuning(options, Linear(weight), Linear(start));
            Assert.True(tuning.Run(Batch, at, step => losses.Add(step.Loss)));
            return (weight.Detach().ToFloats(), losses);
        }

        var whole = Train(null, stop: false);
        Assert.True(whole.Losses[^1] < 0.8 * whole.Losses[0], $"loss under attack: {whole.Losses[0]:F3} to {whole.Losses[^1]:F3}");
        Assert.Equal(whole.Weights, Train(folder.Path, stop: true).Weights);
    }

    private static RobustTower Tower(TinyTower clip) =>
        new(clip.Embed, seen => seen, _ => throw new NotSupportedException(), clip.Weights["logit_scale"], [.. clip.Weights.Where(w => w.Key.StartsWith("visual.", StringComparison.Ordinal))]);
}
