using Obverse.Jobs;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>Progressive resolution: cheaper early steps of the same run.</summary>
public class ProgressiveTests
{
    private static readonly Progressive progressive = new([new(0.5, 0.5, 0.5), new(0.75, 0.75, 1)]);

    [Fact]
    public void Stages_follow_each_other_and_the_rest_is_whole()
    {
        Assert.Equal([0.5, 0.5, 0.75, 1.0], new[] { 0, 3, 4, 6 }.Select(step => progressive.At(step, 8).Resolution));
        Assert.Equal((64, 96, 128, 32, 20), (Stage.Side(128, 0.5), Stage.Side(128, 0.75), Stage.Side(128, 1), Stage.Side(48, 0.5), Stage.Side(20, 0.5)));
        Assert.Equal((3, 1, 6), (Stage.Number(6, 0.5), Stage.Number(6, 0.01), Stage.Number(6, 1)));
        Assert.Equal([(0.5, 0.5), (0.75, 0.25), (1, 0.25)], progressive.Shares().Select(part => (part.Stage.Resolution, part.Share)));
        Assert.Equal([(0.5, 1.0)], new Progressive([new Stage(1, 0.5)]).Shares().Select(part => (part.Stage.Resolution, part.Share)));
        var run = new InversionJob { Recipe = Recipes.ImplicitPlain() with { Schedule = Recipes.ImplicitPlain().Schedule with { Progressive = new([new(0.5, 0.5)]) } }, Prompt = Prompt.Parse("a fox"), Models = [new("m")], Width = 64, Height = 64 };
        Assert.Equal(run.Recipe, InversionJob.FromJson(run.ToJson()).Recipe);
        Assert.NotEqual(run.Recipe, Recipes.ImplicitPlain());
    }

    [Theory]
    [InlineData("implicit-plain")]
    [InlineData("pyramid")]
    public void A_run_with_progressive_resolution_draws_coarse_first_and_goes_on_after_a_stop(string recipe)
    {
        using var toy = ToyClip.Load();
        var chosen = Recipes.Named(recipe, Quality.Draft, 64, 64).ViewCount(4).Steps(8);
        var sizes = new List<long>();
        Inversion New(List<long>? seen = null)
        {
            using var random = Generator.For(1, 0);
            return Spies.Inversion((name, tensor) =>
            {
                if (seen is not null && name == "views0") seen.Add(tensor.Size(0) * 1000 + tensor.Size(2));
            }, chosen.Canvas.Create(1, 64, 64, random), toy, new(Target.Of(toy.Embed(["a tabby cat"]))), chosen.Views, chosen.Objective, chosen.Schedule with { Progressive = progressive });
        }

        using var whole = New(sizes);
        foreach (var _ in whole.Run()) { }
        Assert.Equal([2032, 2032, 2032, 2032, 4048, 4048, 4064, 4064], sizes);
        using var stopped = New();
        foreach (var step in stopped.Run())
        {
            if (step.Index == 4) break;
        }

        using var folder = new Encoders.TemporaryFolder();
        stopped.Save(Path.Combine(folder.Path, "s.safetensors"));
        using var resumed = New();
        resumed.Restore(Path.Combine(folder.Path, "s.safetensors"));
        foreach (var _ in resumed.Run()) { }
        Assert.Equal(whole.Show().ToPicture().Rgb.ToArray(), resumed.Show().ToPicture().Rgb.ToArray());
    }

    [Fact]
    public void A_coarse_rendering_of_an_INR_is_the_function_at_fewer_places()
    {
        using var scope = new TensorScope();
        using var random = Generator.For(1, 0);
        using var canvas = Inr.Finer(1, 16).Create(2, 33, 33, random);
        var (whole, coarse) = (canvas.Render(), canvas.Render(17, 17));
        Assert.Equal([2, 3, 17, 17], coarse.Shape);
        var every = Tensor.From([.. Enumerable.Range(0, 17).Select(i => 2L * i)]);
        var picked = whole.IndexSelect(2, every).IndexSelect(3, every);
        Assert.True((picked - coarse).Abs().Max().Item() < 1e-4);
    }
}
