using System.Text.Json;
using Obverse.Tests.Engine;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

/// <summary>Attacks against the fixture tree's `traces/attacks`, and what must hold of any of them.</summary>
public class AttackTests
{
    public static TheoryData<string, string> Attacked
    {
        get
        {
            var rows = new TheoryData<string, string>();
            var top = Path.Combine(Fixtures.Root, "traces", "attacks");
            if (!Directory.Exists(top)) rows.Add("traces/attacks/trace", "");
            else
            {
                foreach (var file in Directory.EnumerateFiles(top, "*.json").Order(StringComparer.Ordinal))
                {
                    using var json = JsonDocument.Parse(File.ReadAllText(file));
                    foreach (var attack in json.RootElement.GetProperty("config").GetProperty("attacks").EnumerateObject()) rows.Add($"traces/attacks/{Path.GetFileNameWithoutExtension(file)}", attack.Name);
                }
            }

            return rows;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Attacked))]
    public void An_attack_is_the_reference_step_by_step(string name, string attack)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        using var tower = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        using var weights = Safetensors.Open(Fixtures.Require($"traces/tiny-clip/{trace.Config.GetProperty("clip").GetString()}.safetensors"));
        var s = trace.Config.GetProperty("attacks").GetProperty(attack);
        var (steps, alpha, epsilon) = (s.GetProperty("iterations").GetInt32(), s.GetProperty("alpha").GetDouble(), s.GetProperty("eps").GetDouble());
        var (images, texts) = (trace["in.images"], trace["in.text"]);
        Func<Tensor, Tensor> loss = s.GetProperty("loss").GetString() switch
        {
            "cosine" => x => Attacks.Cosine(tower.Embed(x), texts),
            "infonce" => x => Attacks.InfoNce(tower.Embed(x), texts, weights["logit_scale"].Exp()),
            var other => throw new NotSupportedException($"loss '{other}'"),
        };
        var how = s.GetProperty("kind").GetString() == "momentum" ? Attacks.MomentumPgd(epsilon, steps, alpha, s.GetProperty("momentum").GetDouble()) : Attacks.Pgd(epsilon, steps, alpha);
        if (steps == 1 && alpha == epsilon) Assert.Equal(Attacks.Fgsm(epsilon), how);
        Tensor? start = null;
        if (s.GetProperty("random_start").GetBoolean()) start = trace[$"draw.{attack}.start"] is var drawn && how.Momentum > 0 ? drawn : how.RandomStart(images, drawn);
        var attacked = how.Run(images, loss, start, (step, losses, gradient, delta) =>
        {
            trace.Meets($"out.{attack}.step{step}.losses", losses);
            trace.MeetsIfStored($"out.{attack}.step{step}.grad", gradient);
            trace.Meets($"out.{attack}.step{step}.delta", delta);
        });
        trace.Meets($"out.{attack}.final_losses", loss(attacked));
        trace.Meets($"out.{attack}.l2", (attacked - images).Norm([1, 2, 3]));
    }

    [Theory]
    [InlineData("pgd")]
    [InlineData("fgsm")]
    [InlineData("momentum")]
    public void It_raises_the_loss_within_ball_and_colours(string kind)
    {
        using var scope = new TensorScope();
        using var toy = ToyClip.Load();
        using var random = new Generator(8);
        var images = random.Uniform(0, 1, 4, 3, 32, 32);
        var texts = toy.Embed(["a cat", "a dog", "a hut", "a hat"]);
        var attack = kind switch { "fgsm" => Attacks.Fgsm(1), "momentum" => Attacks.MomentumPgd(1), _ => Attacks.Pgd(1) };
        Tensor Loss(Tensor x) => Attacks.Cosine(toy.Embed(x), texts);
        List<float[]> seen = [];
        var last = attack.Run(images, Loss, observe: (_, losses, _, _) => seen.Add(losses.ToFloats()));
        Assert.True((last - images).Norm([1, 2, 3]).Max().Item() <= 1 + 1e-5);
        Assert.InRange(last.Min().Item(), 0, 1);
        Assert.InRange(last.Max().Item(), 0, 1);
        Assert.All((Loss(last).Detach() - Loss(images).Detach()).ToFloats(), rise => Assert.True(rise > 0));
        Assert.False(last.RequiresGrad);

        var best = Loss((attack with { KeepsBest = true }).Run(images, Loss)).ToFloats();
        foreach (var losses in seen.Append(Loss(last).ToFloats())) Assert.All(best.Zip(losses), pair => Assert.True(pair.First > pair.Second - 1e-5));
    }

    [Fact]
    public void The_best_iterate_may_be_the_clean_picture()
    {
        using var scope = new TensorScope();
        var images = Tensor.Full([2, 3, 4, 4], 0.5);
        Tensor Loss(Tensor x) => -(x - 0.5).Square().Sum([1, 2, 3]) + (x * 1e-3).Sum([1, 2, 3]); // a peak beside the picture: long steps overshoot it
        var attack = Attacks.Pgd(2, steps: 1);
        Assert.True((attack.Run(images, Loss) - images).Abs().Max().Item() > 0.1);
        Assert.Equal(0, ((attack with { KeepsBest = true }).Run(images, Loss) - images).Abs().Max().Item());
    }
}
