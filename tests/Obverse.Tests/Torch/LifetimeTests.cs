using Obverse.Jobs;
using Obverse.Tests.Engine;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

/// <summary>Counting live tensors needs the process to itself.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone
{
    /// <summary>What other tests left to the finaliser must not go while this one counts.</summary>
    public static void Sweep()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}

[Collection(nameof(Alone))]
public class LifetimeTests
{
    public LifetimeTests() => Alone.Sweep();

    [Fact]
    public void A_thousand_steps_leave_no_tensors()
    {
        using var random = new Generator(1);
        using var weight = random.Normal(16, 16);
        using var x = random.Normal(4, 16);
        weight.RequiresGrad = true;
        using var adam = new Adam([new("w", [weight], 1e-3)]);
        long Step(int _)
        {
            using (new TensorScope())
            {
                adam.ZeroGrad();
                x.Linear(weight).Gelu().Square().Mean().Backward();
                adam.Step();
            }

            return Tensor.Live;
        }

        var after = Step(0);
        Assert.Equal(after, Enumerable.Range(1, 1000).Select(Step).ToArray()[^1]);
    }

    [Fact]
    public void A_scope_keeps_what_it_is_told_to()
    {
        var before = Tensor.Live;
        Tensor kept;
        using (var scope = new TensorScope())
        {
            kept = scope.Keep(Tensor.Ones([3]) + 1);
            Assert.Equal(before + 2, Tensor.Live);
        }

        Assert.Equal([2f, 2f, 2f], kept.ToFloats());
        kept.Dispose();
        Assert.InRange(Tensor.Live, before, before + 2); // ToFloats' intermediates may wait for the finaliser
    }

    [Fact]
    public void Engine_steps_leave_no_tensors()
    {
        using var toy = Engine.ToyClip.Load();
        using var inversion = Engine.EngineTests.Make(toy, Objective.Toward(), Schedule.Adam(0.05).Steps(40), new Pyramid(4));
        var live = inversion.Run().Select(_ => Tensor.Live).ToArray();
        Assert.Equal(live[5], live[^1]);
    }

    [Fact]
    public void What_embeds_leaves_nothing_but_its_result()
    {
        using var toy = ToyClip.Load();
        using var random = new Generator(1);
        using var picture = Tensor.Full([1, 3, 40, 50], 0.5);
        using var warm = toy.Embed(picture);
        var before = Tensor.Live;
        using var embedded = toy.Embed(picture);
        Assert.Equal(before + 1, Tensor.Live);
        using var viewed = Views.Of(2).Scale(0.8, 1.2).Apply(picture, random);
        Assert.InRange(Tensor.Live - before, 2, 12); // its random numbers besides
    }
}
