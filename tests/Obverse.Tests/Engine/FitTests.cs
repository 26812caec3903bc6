using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;
using CommandLineProgram = Obverse.Tests.Commands.Program;

namespace Obverse.Tests.Engine;

/// <summary>A run that begins with a fit to a picture, and what keeps it near it.</summary>
[Collection("command line")]
public class FitTests
{
    private const int Steps = 60;

    [Fact]
    public void A_fit_comes_near_the_picture_and_is_the_same_every_time()
    {
        using var program = new CommandLineProgram();
        using var workshop = new Workshop();
        var run = Edit(program, "edit");
        Picture Begun(bool fits)
        {
            using var other = new Workshop();
            using var inversion = run.Begin(other, fits);
            return run.Show(inversion);
        }

        var (photo, fitted, random) = (Picture.Load(run.Start!.Path), Begun(fits: true), Begun(fits: false));
        Assert.True(ImageQuality.Psnr(photo, fitted) > ImageQuality.Psnr(photo, random) + 6, $"{ImageQuality.Psnr(photo, random):0.0} dB before the fit, {ImageQuality.Psnr(photo, fitted):0.0} after");
        Assert.Equal(fitted.Rgb.ToArray(), Begun(fits: true).Rgb.ToArray());
    }

    [Fact]
    public void Cached_fits_spare_the_second_one_and_change_nothing()
    {
        using var program = new CommandLineProgram();
        using var workshop = new Workshop();
        var fitted = 0;
        byte[] Drawn(InversionJob job, Workshop with)
        {
            using var inversion = job.Begin(with, onFit: () => fitted++);
            foreach (var _ in inversion.Run()) { } // what a run does to its canvas must not reach what is cached
            return job.Show(inversion).Rgb.ToArray();
        }

        var run = Edit(program, "edit");
        using (var other = new Workshop()) Assert.Equal(Drawn(run, other), Drawn(run, workshop));
        Assert.Equal(2 * Steps, fitted);
        var plain = Drawn(run, workshop);
        Assert.Equal(2 * Steps, fitted); // the third fit was not made
        Assert.Equal(plain, Drawn(run, workshop));

        Drawn(run with { Prompt = Prompt.Parse("a red fox", run.Start!.Path) }, workshop);
        Assert.Equal(2 * Steps, fitted);
        Drawn(run with { Seed = 5 }, workshop);
        Assert.Equal(3 * Steps, fitted); // other weights to begin with: another fit
    }

    [Fact]
    public void A_restored_run_does_not_fit_again_and_ends_as_one_that_was_not_stopped()
    {
        using var program = new CommandLineProgram();
        using var workshop = new Workshop();
        var run = Edit(program, "edit");
        byte[] whole;
        using (var inversion = run.Begin(workshop))
        {
            foreach (var step in inversion.Run()) if (step.Index == 1) inversion.Save(program["part.safetensors"], new Dictionary<string, string> { [Job.Keyword] = run.ToJson() });
            whole = run.Show(inversion).Rgb.ToArray();
        }

        using var fresh = new Workshop();
        JobEvent[] events = [.. InversionRun.Steps(run, fresh, new Outputs(program["whole.png"]) { Resume = program["part.safetensors"] }, default)];
        Assert.DoesNotContain(events, told => told is StepEvent { Phase: "fit" });
        Assert.Equal(2, events.OfType<StepEvent>().Count());
        Assert.Equal(whole, Picture.Load(program["whole.png"]).Rgb.ToArray());
    }

    [Theory]
    [InlineData("edit")]
    [InlineData("restyle")]
    public void Frozen_layers_do_not_move_and_the_others_do(string recipe)
    {
        using var program = new CommandLineProgram();
        using var workshop = new Workshop();
        var run = Edit(program, recipe);
        using var inversion = run.Begin(workshop);
        using var scope = new TensorScope();
        var before = inversion.Canvas.Groups.Select(layer => layer.Parameters.Select(p => p.Detach().Clone()).ToArray()).ToArray();
        foreach (var _ in inversion.Run()) { }
        var moved = inversion.Canvas.Groups.Zip(before, (now, was) => now.Parameters.Zip(was, (p, q) => (p.Detach() - q).Abs().Max().Item()).Max()).ToArray();
        var frozen = run.Recipe.Schedule.LayerSweep!.Frozen;
        Assert.True(frozen > 0);
        Assert.All(moved[..frozen], by => Assert.Equal(0, by));
        Assert.All(moved[frozen..], by => Assert.True(by > 0));
    }

    [Fact]
    public void A_layer_is_frozen_where_the_peak_begins_behind_it_too()
    {
        var schedule = Schedule.Adam(1).Sweep(from: 0, frozen: 2).Steps(10);
        Assert.Equal([0, 0], [schedule.RateAt(0, "", 0, 5), schedule.RateAt(0, "", 1, 5)]);
        Assert.True(schedule.RateAt(0, "", 2, 5) > 0);
        Assert.Equal(1, schedule.RateAt(9, "", 4, 5));
    }

    [Fact]
    public void A_pictures_target_is_the_mean_of_its_views_where_the_recipe_says_so()
    {
        using var program = new CommandLineProgram();
        using var workshop = new Workshop();
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var encoder = workshop.Model(program.Model).Encoder;
        var run = Edit(program, "edit") with { Start = null, Recipe = Recipes.ImplicitPlain(Quality.Draft, 32, 32), Prompt = new([new(null, 1, Edit(program, "edit").Start!.Path)]) };
        Tensor Direction(Views? views)
        {
            using var inversion = (run with { Recipe = run.Recipe with { TargetViews = views } }).Begin(workshop);
            return inversion.Targets[Targets.Prompt][0].Direction.Clone();
        }

        var photo = Picture.Load(run.Prompt.Parts[0].Image!).ToTensor();
        var whole = encoder.Embed(photo)[0];
        Assert.True((Direction(null) - whole).Abs().Max().Item() < 1e-6);
        Assert.True((Direction(Views.Of(3)) - whole).Abs().Max().Item() < 1e-5); // three equal views

        var views = Views.Of(4).Shear(20).Affine(Border.Clamp).Noise(0.2);
        using var random = Generator.For(run.Seed, 3);
        var mean = encoder.Embed(views.Apply(photo, random)).Mean(0).Normalized();
        Assert.True((Direction(views) - mean).Abs().Max().Item() < 1e-5);
        Assert.True((mean - whole).Abs().Max().Item() > 1e-3);
        Assert.NotNull(Recipes.Reconstruct().TargetViews);
    }

    [Fact]
    public void What_draws_toward_the_start_falls_and_wants_a_start()
    {
        using var toy = ToyClip.Load();
        using var random = new Generator(2);
        using var canvas = new Pixels().Create(1, 32, 32, random);
        using var photo = random.Uniform(0, 1, 1, 3, 32, 32);
        using var inversion = new Inversion { Canvas = canvas, Encoder = toy, Targets = new() { [Targets.Prompt] = [Target.Of(toy.Embed(["a cat"]))], [Targets.Start] = [Target.At(toy.Embed(photo)[0])] }, Objective = Objective.Toward(Targets.Start), Schedule = Schedule.Adam(0.02).Steps(30) };
        var losses = inversion.Run().Select(step => step.Loss).ToArray();
        Assert.True(losses[^1] < 0.8 * losses[0], $"{losses[0]} -> {losses[^1]}");

        using var other = new Pixels().Create(1, 32, 32, random);
        using var without = new Inversion { Canvas = other, Encoder = toy, Targets = new(Target.Of(toy.Embed(["a cat"]))), Objective = Objective.Toward(Targets.Start), Schedule = Schedule.Adam(0.02).Steps(3) };
        Assert.Contains("the objective names the target 'start'; the inversion has prompt", Assert.Throws<KeyNotFoundException>(() => without.Run().First()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_fits_wants_a_picture_and_a_representation()
    {
        using var program = new CommandLineProgram();
        using var workshop = new Workshop();
        var run = Edit(program, "edit");
        Assert.Contains("no start picture", Assert.Throws<ArgumentException>(() => (run with { Start = null }).Begin(workshop)).Message, StringComparison.Ordinal);
        Assert.Contains("only an implicit representation", Assert.Throws<ArgumentException>(() => (run with { Recipe = run.Recipe with { Canvas = new Pixels() } }).Begin(workshop)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_three_recipes_are_values_and_go_through_JSON()
    {
        using var program = new CommandLineProgram();
        foreach (var name in new[] { "reconstruct", "edit", "restyle" })
        {
            foreach (var quality in Enum.GetValues<Quality>())
            {
                var run = Edit(program, "edit") with { Recipe = Recipes.Named(name, quality, 48, 40) };
                Assert.Equal(run.Recipe, InversionJob.FromJson(run.ToJson()).Recipe);
                Assert.Equal(run.ToJson(), InversionJob.FromJson(run.ToJson()).ToJson());
            }
        }

        Assert.NotEqual(Recipes.Edit(), Recipes.Edit() with { Fit = Recipes.Edit().Fit! with { Steps = 7 } });
        Assert.Empty(Recipes.FromText(withBank: true).Intersect(["reconstruct", "edit", "restyle", "styler"]));
    }

    /// <summary>A short run of a recipe on a picture that lies in the program's folder.</summary>
    private static InversionJob Edit(CommandLineProgram program, string recipe)
    {
        var path = program["photo.png"];
        if (!File.Exists(path)) Photo(path);
        var of = Recipes.Named(recipe, Quality.Draft, 32, 32).ViewCount(2).Steps(4);
        return new()
        {
            Recipe = of with { Canvas = Inr.Finer(hidden: 3, width: 24, omega: 10), Fit = of.Fit! with { Steps = Steps } },
            Prompt = new([new("a tabby cat", 0.6), new(null, 0.4, path)]), Models = [new(program.Model)], Width = 32, Height = 32, Start = StoredFile.Of(path),
        };
    }

    private static void Photo(string path)
    {
        using var scope = new TensorScope();
        using var random = new Generator(8);
        random.Uniform(0, 1, 1, 3, 4, 4).Resize(32, 32, Interpolation.Bicubic).Clamp(0, 1).ToPicture().Save(path);
    }
}
