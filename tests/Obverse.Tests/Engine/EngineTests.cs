using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

public class EngineTests
{
    public static TheoryData<string, CanvasPlan, double, int> Canvases => new()
    {
        { "pixels", new Pixels(), 0.05, 60 },
        { "pyramid", new Pyramid(Levels: 5), 0.05, 60 },
        { "all levels", new Pyramid(), 0.01, 60 },
        { "finer", Inr.Finer(hidden: 2, width: 64), 2e-3, 150 },
        { "siren", Inr.Siren(hidden: 2, width: 64), 2e-3, 150 },
    };

    public static TheoryData<Objective> Objectives => [Objective.Toward(), Objective.Toward(Distance.Euclidean), Objective.Toward(Distance.Similarity), Objective.TotalVariation(), Objective.NeighbourNorm(),
        Objective.AbsoluteSum(), Objective.Toward() + 0.5 * Objective.TotalVariation(), Objective.Toward().Through(Views.Of(3).Patch(24)), Ramp.Linear(1, 0.5) * Objective.Toward(),
        Objective.Along("prompt", "style")];

    [Theory]
    [MemberData(nameof(Canvases))]
    public void Every_canvas_can_fit_a_picture(string name, CanvasPlan plan, double rate, int steps)
    {
        using var photo = Photo(24, 20);
        using var random = new Generator(1);
        using var canvas = plan.Create(2, 24, 20, random);
        using var adam = Schedule.Adam(rate).Create(canvas);
        double Loss()
        {
            using var scope = new TensorScope();
            adam.ZeroGrad();
            var loss = (canvas.Render() - photo).Square().Mean();
            loss.Backward();
            adam.Step();
            return loss.Item();
        }

        var first = Loss();
        var last = Enumerable.Range(0, steps).Select(_ => Loss()).ToArray()[^1];
        Assert.True(last < 0.25 * first, $"{name}: {first:g3} -> {last:g3}");
        using var shown = canvas.Show();
        using var larger = canvas.Show(48, 40);
        Assert.Equal([2, 3, 24, 20], shown.Shape);
        Assert.Equal([2, 3, 48, 40], larger.Shape);
        using var big = Photo(48, 40);
        using var alike = TensorScope.Of(() => ((larger[..1] - larger[..1].Mean()).Flatten().Normalized() * (big - big.Mean()).Flatten().Normalized()).Sum());
        Assert.True(alike.Item() > 0.7, $"{name}: shown larger, its correlation with the larger picture is {alike.Item():g3}"); // FINER, the wildest between the pixels it fits: 0.77; the others 0.98 and more
    }

    [Theory]
    [MemberData(nameof(Objectives))]
    public void Every_objective_falls(Objective objective)
    {
        using var toy = ToyClip.Load();
        using var inversion = Make(toy, objective, Schedule.Adam(0.02).Steps(30), new Pixels());
        var losses = inversion.Run().Select(step => step.Loss).ToArray();
        Assert.True(losses[^1] < losses[0] - 0.02 * Math.Abs(losses[0]), $"{objective}: {losses[0]} -> {losses[^1]}");
    }

    [Fact]
    public void The_closed_form_is_the_pyramid_that_stores_every_level()
    {
        using var toy = ToyClip.Load();
        Tensor Run(bool closed)
        {
            using var inversion = Make(toy, Objective.Toward(Distance.Similarity), Schedule.Sgd(0.2).Steps(3), new Pyramid(Closed: closed), size: 16);
            foreach (var _ in inversion.Run()) { }
            return inversion.Show();
        }

        using var apart = (Run(false) - Run(true)).Abs().Max();
        Assert.InRange(apart.Item(), 0, 2e-5);
    }

    [Fact]
    public void The_same_seed_gives_the_same_picture_and_another_another()
    {
        using var toy = ToyClip.Load();
        byte[] Run(ulong seed)
        {
            using var inversion = Make(toy, Objective.Toward(), Schedule.Adam(0.05).Steps(5), new Pyramid(5), seed);
            foreach (var _ in inversion.Run()) { }
            return inversion.Show().ToPicture().Rgb.ToArray();
        }

        Assert.Equal(Run(3), Run(3));
        Assert.NotEqual(Run(3), Run(4));
    }

    [Fact]
    public void Every_step_draws_other_views()
    {
        using var toy = ToyClip.Load();
        using var inversion = Make(toy, Objective.Toward(), Schedule.Adam(1e-9).Steps(4), new Pixels()); // the picture stays
        Assert.Equal(4, inversion.Run().Select(step => Math.Round(step.Loss, 5)).Distinct().Count());
    }

    [Fact]
    public void Every_member_of_an_ensemble_has_views_of_its_own_and_its_weight()
    {
        using var toy = ToyClip.Load();
        double First(double weight, bool twice, Views views)
        {
            using var random = Generator.For(1, 0);
            Encoder encoder = twice ? new EnsembleEncoder((toy, 1), (toy, weight)) : toy; // not disposed: it would take the toy along
            using var inversion = new Inversion
            {
                Canvas = new Pixels().Create(1, 32, 32, random), Encoder = encoder, Targets = new([.. Enumerable.Range(0, twice ? 2 : 1).Select(_ => Target.Of(toy.Embed(["a tabby cat"])))]),
                Schedule = Schedule.Adam(0.05).Steps(1), Views = views, Seed = 1,
            };
            return inversion.Run().Single().Loss;
        }

        var (plain, wild) = (Views.Of(1), Views.Of(1).Rotate(90).Noise(0.3));
        Assert.Equal(1.5 * First(1, false, plain), First(0.5, true, plain), 1e-5);
        Assert.True(Math.Abs(2 * First(1, false, wild) - First(1, true, wild)) > 1e-3, "both members saw the same view");
    }

    [Theory]
    [InlineData("pyramid")]
    [InlineData("clip-inv")]
    [InlineData("implicit-plain")]
    [InlineData("das")]
    public void A_stopped_run_goes_on_as_if_it_had_not_been(string recipe)
    {
        using var toy = ToyClip.Load();
        var chosen = Recipes.Named(recipe, Quality.Draft, 32, 32).ViewCount(2).Steps(8);
        if (chosen.Canvas is Pixels pixels) chosen = chosen with { Canvas = pixels with { GrowAt = [2, 5] } };
        Inversion New() => Make(toy, chosen.Objective, chosen.Schedule, chosen.Canvas, 9, views: chosen.Views, showsLastSeen: chosen.ShowsLastSeen);
        var folder = Directory.CreateTempSubdirectory("obverse-").FullName;
        try
        {
            using var whole = New();
            foreach (var _ in whole.Run()) { }
            var path = Path.Combine(folder, "stopped.safetensors");
            using (var stopped = New())
            {
                foreach (var step in stopped.Run())
                {
                    if (step.Index == 3) break;
                }

                stopped.Save(path);
            }

            using var resumed = New();
            resumed.Restore(path);
            Assert.Equal(4, resumed.Run().First().Index);
            foreach (var _ in resumed.Run()) { }
            Assert.Equal(whole.Show().ToPicture().Rgb.ToArray(), resumed.Show().ToPicture().Rgb.ToArray());
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void Cancelling_stops_between_steps_and_keeps_the_picture()
    {
        using var toy = ToyClip.Load();
        using var inversion = Make(toy, Objective.Toward(), Schedule.Adam(0.05).Steps(50), new Pyramid(4));
        using var cancel = new CancellationTokenSource();
        var steps = 0;
        foreach (var step in inversion.Run(cancel.Token))
        {
            if (++steps == 3) cancel.Cancel();
        }

        Assert.Equal(3, steps);
        Assert.Equal([1, 3, 32, 32], inversion.Show().Shape);
    }

    [Fact]
    public void A_clipped_gradient_moves_plain_descent_by_no_more_than_its_limit()
    {
        using var toy = ToyClip.Load();
        using var inversion = Make(toy, 1000 * Objective.Toward(), Schedule.Sgd(1).Clip(0.25).Steps(1), new Pixels());
        using var before = inversion.Canvas.Render().Detach().Clone();
        foreach (var _ in inversion.Run()) { }
        Assert.Equal(0.25, (inversion.Canvas.Render().Detach() - before).Norm().Item(), 1e-3);
    }

    [Fact]
    public void Only_the_masked_region_changes()
    {
        using var toy = ToyClip.Load();
        using var photo = Photo(32, 32);
        using var mask = Tensor.Zeros([1, 1, 32, 32]);
        mask[0, 0, 8..24, 8..24] = Tensor.Ones([16, 16]);
        using var random = new Generator(2);
        using var inversion = new Inversion
        {
            Canvas = new MaskedCanvas(new Pyramid(5).Create(1, 32, 32, random, photo), mask.Clone(), photo.Clone()), Encoder = toy, Targets = new(Target.Of(toy.Embed(["a cat"]))), Views = Views.Of(2), Schedule = Schedule.Adam(0.1).Steps(5),
        };
        foreach (var _ in inversion.Run()) { }
        using var changed = (inversion.Show() - photo).Abs();
        Assert.InRange((changed * (1 - mask)).Max().Item(), 0, 1e-6);
        Assert.True((changed * mask).Max().Item() > 0.02);
    }

    [Fact]
    public void Batched_canvases_are_judged_each_for_itself()
    {
        using var toy = ToyClip.Load();
        using var random = new Generator(2);
        using var targets = toy.Embed(["a cat", "a dog", "a hut"]);
        using var inversion = new Inversion
        {
            Canvas = Inr.Finer(1, 16).Create(3, 32, 32, random), Encoder = toy, Targets = new(new Target(targets.Unsqueeze(1), Tensor.Ones([3, 1]))),
            Views = Views.Of(4).Scale(0.9, 1.1).Averaged(), Schedule = Schedule.Adam(1e-3).Steps(4),
        };
        var steps = inversion.Run().ToArray();
        Assert.Equal(3, steps[0].Losses.Length);
        Assert.All(Enumerable.Range(0, 3), i => Assert.True(steps[^1].Losses[i] < steps[0].Losses[i]));
    }

    [Theory]
    [InlineData("a fox", "a fox")]
    [InlineData("a fox | watercolour:0.4 | blurry:-0.3", "a fox | watercolour:0.4 | blurry:-0.3")]
    [InlineData(" Re: zero | 16\\:9 ", "Re: zero | 16:9")]
    public void Prompts_are_what_people_write(string text, string parsed) => Assert.Equal(parsed, Prompt.Parse(text).ToString());

    [Fact]
    public void A_prompt_weighs_texts_and_pictures()
    {
        var prompt = Prompt.Parse("a fox:2|snow", "photo.jpg:0.5");
        Assert.Equal([2, 1], prompt.Texts.Select(p => p.Weight));
        Assert.Equal(new PromptPart(null, 0.5, "photo.jpg"), prompt.Images.Single());
        Assert.Throws<FormatException>(() => Prompt.Parse("  | "));
        Assert.Throws<FormatException>(() => Prompt.Parse("ugly:-1"));
    }

    public static TheoryData<string> AllRecipes => [.. Recipes.Names];

    [Theory]
    [MemberData(nameof(AllRecipes))]
    public void A_run_survives_its_JSON(string recipe)
    {
        var run = new InversionJob { Recipe = Recipes.Named(recipe, Quality.Best, 96, 64), Prompt = Prompt.Parse("a fox | \"quoted\" ü:0.5"), Models = [new("pocket-clip")], Width = 96, Height = 64, Seed = 7 };
        var back = InversionJob.FromJson(run.ToJson());
        Assert.Equal(run.Recipe, back.Recipe);
        Assert.Equal(run.Prompt, back.Prompt);
        Assert.Equal(run.ToJson(), back.ToJson());
        Assert.Throws<InvalidDataException>(() => InversionJob.FromJson("{\"recipe\":"));
    }

    internal static Inversion Make(Encoder encoder, Objective objective, Schedule schedule, CanvasPlan plan, ulong seed = 1, int size = 32, Views? views = null, bool showsLastSeen = false)
    {
        using var random = Generator.For(seed, 0);
        return new()
        {
            Canvas = showsLastSeen ? new LastSeenCanvas(plan.Create(1, size, size, random)) : plan.Create(1, size, size, random), Encoder = encoder, Targets = new() { [Targets.Prompt] = [Target.Of(encoder.Embed(["a tabby cat"]))], ["style"] = [Target.Of(encoder.Embed(["a woodcut"]))] }, Objective = objective, Schedule = schedule, Seed = seed,
            Views = views ?? Views.Of(2).Scale(0.9, 1.1).Color(0.1),
        };
    }

    private static Tensor Photo(long height, long width) => TensorScope.Of(() =>
    {
        var grid = InrCanvas.Grid(height, width).Reshape(height, width, 2);
        var (y, x) = (grid[.., .., 0], grid[.., .., 1]);
        return Tensor.Stack([(y * 2).Sin() * 0.4 + 0.5, (x * 3).Cos() * 0.4 + 0.5, x * y * 0.4 + 0.5]).Unsqueeze(0);
    });
}
