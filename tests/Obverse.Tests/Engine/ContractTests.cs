using Obverse.Files;
using Obverse.Jobs;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>What a new part may ask of the engine: weights, views of its own, rates by name, targets by name, several encoders.</summary>
public class ContractTests
{
    [Fact]
    public void What_was_seen_last_is_shown_at_the_drawn_size_too()
    {
        using var scope = new TensorScope();
        using var random = new Generator(4);
        using var canvas = new LastSeenCanvas(new Inr(1, 8, InrActivation.Finer, 10, 10).Create(1, 6, 9, random));
        _ = canvas.Present(canvas.Render());
        foreach (var parameter in canvas.Groups.SelectMany(group => group.Parameters)) using (new NoGrad()) parameter.CopyInPlace(parameter * 2);
        Assert.Equal(canvas.Show().ToFloats(), canvas.Show(6, 9).ToFloats());
        Assert.True((canvas.Show(12, 18).Resize(6, 9) - canvas.Show()).Abs().Max().Item() > 1e-3); // elsewhere the parameters speak
    }

    [Fact]
    public void A_canvas_that_needs_weights_gets_them_from_its_context_and_leaves_them_as_they_are()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "decoder.safetensors");
        Decoder.WriteRandom(file, depth: 2, channels: 8, seed: 3);
        var before = File.ReadAllBytes(file);
        using var toy = ToyClip.Load();
        using var random = new Generator(4);
        var plan = new Decoder("a name");
        Assert.Equal(["a name"], plan.NeededWeights);
        var asked = new List<string>();
        using var canvas = plan.Create(new CanvasContext(30, 22, random)
        {
            Count = 2, WeightsFile = name =>
            {
                asked.Add(name);
                return file;
            },
        });
        Assert.Equal(["a name"], asked);
        Assert.Equal([2, 3, 30, 22], canvas.Render().Shape);
        var (name, parameters) = canvas.Groups.Single();
        Assert.Equal(("latent", 1), (name, parameters.Count));
        Assert.Equal([2, 8, 8, 6], parameters[0].Shape);

        using var small = plan.Create(new CanvasContext(32, 32, random) { WeightsFile = _ => file });
        using var inversion = new Inversion { Canvas = small, Encoder = toy, Targets = new(Target.Of(toy.Embed(["a tabby cat"]))), Views = Views.Of(2), Schedule = Schedule.Adam(0.05).Steps(25) };
        var losses = inversion.Run().Select(step => step.Loss).ToArray();
        Assert.True(losses[^1] < losses[0] - 0.02, $"{losses[0]} -> {losses[^1]}");
        Assert.Equal(before, File.ReadAllBytes(file));
    }

    [Fact]
    public void Weights_that_a_job_does_not_name_or_that_have_changed_are_refused()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "decoder.safetensors");
        Decoder.WriteRandom(file, depth: 1, channels: 4);
        using var workshop = new Workshop();
        var job = new InversionJob { Recipe = Recipes.Pyramid(width: 32, height: 32) with { Canvas = new Decoder("d") }, Prompt = Prompt.Parse("a fox"), Models = [new("pocket-clip")], Width = 32, Height = 32 };
        Canvas Made(InversionJob of) => new InversionBuilder(of, workshop).BuildCanvas(Device.Cpu);
        Assert.Contains("needs the weights 'd'", Assert.Throws<ArgumentException>(() => Made(job)).Message, StringComparison.Ordinal);
        job = job with { Weights = new Dictionary<string, StoredFile> { ["d"] = StoredFile.Of(file) } };
        Made(InversionJob.FromJson(job.ToJson())).Dispose();
        Decoder.WriteRandom(file, depth: 1, channels: 4, seed: 1);
        Assert.Contains("SHA-256 differs", Assert.Throws<InvalidDataException>(() => Made(job)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_objective_sees_through_views_of_its_own_and_draws_random_numbers_of_its_own()
    {
        using var toy = ToyClip.Load();
        List<long> seen = [];
        double[] Losses(Objective objective)
        {
            using var random = new Generator(1);
            using var inversion = Spies.Inversion((name, tensor) =>
            {
                if (name == "views0") seen.Add(tensor.Size(0) * 100 + tensor.Size(3));
            }, new Pixels().Create(1, 32, 32, random), toy, new(Target.Of(toy.Embed(["a tabby cat"]))), Views.Of(2).Scale(0.8, 1.2), objective, Schedule.Adam(0.01).Steps(1));
            return inversion.Run().Single().Losses;
        }

        var views = Views.Of(3).Patch(16);
        var (plain, apart) = (Losses(Objective.Toward())[0], Losses(Objective.Toward().Through(views))[0]);
        Assert.Equal([232, 316], seen);
        seen.Clear();
        Assert.Equal(plain + 0.5 * apart, Losses(Objective.Toward() + 0.5 * Objective.Toward().Through(views))[0], 1e-6);
        Assert.Equal([232, 316], seen); // each encoded once
        Assert.NotEqual(apart, Losses(Objective.Toward().Through(views) + 0 * Objective.Toward().Through(views))[0] + 1e-9, 1e-12);
    }

    [Fact]
    public void Rates_go_by_the_names_of_parameter_groups()
    {
        using var random = new Generator(1);
        using var canvas = Inr.Finer(2, 16).Create(1, 16, 16, random);
        var schedule = Schedule.Adam(1e-3).Sweep().RateOf("layer0", 0).RateOf("layer3", Ramp.Linear(0.5, 0.1)).Steps(5);
        Assert.Equal(["layer0", "layer1", "layer2", "layer3"], canvas.Groups.Select(group => group.Name));
        using var optimizer = schedule.Create(canvas);
        schedule.Apply(optimizer, 4);
        Assert.Equal([0, schedule.LayerSweep!.At(4, 5, 1, 4) * 1e-3, schedule.LayerSweep.At(4, 5, 2, 4) * 1e-3], optimizer.Groups.SkipLast(1).Select(group => group.Rate));
        Assert.Equal(0.1, optimizer.Groups[3].Rate, 1e-12);
        Assert.Contains("'points'; the canvas's parameter groups are layer0", Assert.Throws<ArgumentException>(() => schedule.RateOf("points", 1).Create(canvas)).Message, StringComparison.Ordinal);

        using var toy = ToyClip.Load();
        using var inversion = new Inversion { Canvas = Inr.Finer(2, 16).Create(1, 32, 32, random), Encoder = toy, Targets = new(Target.Of(toy.Embed(["a cat"]))), Schedule = schedule };
        var before = inversion.Canvas.Groups[0].Parameters[0].ToFloats();
        foreach (var _ in inversion.Run()) { }
        Assert.Equal(before, inversion.Canvas.Groups[0].Parameters[0].ToFloats());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(5, 0.5)]
    [InlineData(10, 0)]
    public void A_cosine_ramp_falls_as_one(int step, double wanted) => Assert.Equal(wanted, Ramp.Cosine().At(step, 10), 1e-12);

    [Fact]
    public void Ramps_say_what_they_are_at_both_ends()
    {
        Assert.Equal([2, 1.5, 1], new[] { 0, 1, 2 }.Select(step => Ramp.Linear(2, 1).At(step, 3)));
        Assert.Equal([4, 4, 2, 2, 1], new[] { 0, 1, 2, 3, 4 }.Select(step => Ramp.StepDown(4, 2, 0.5).At(step, 5)));
        Assert.Equal(7, Ramp.Constant(7).At(3, 4));
        Assert.Equal((3.0, 1.0), (Ramp.Cosine(3, 1).At(0, 8), Ramp.Cosine(3, 1).At(8, 8)));
    }

    [Fact]
    public void A_target_that_nobody_gave_is_named_with_those_there_are()
    {
        using var toy = ToyClip.Load();
        using var inversion = EngineTests.Make(toy, Objective.Toward("content"), Schedule.Adam(0.1).Steps(2), new Pixels());
        Assert.Equal("the objective names the target 'content'; the inversion has prompt, style", Assert.Throws<KeyNotFoundException>(() => inversion.Run().First()).Message);
    }

    [Fact]
    public void Directional_losses_are_the_formula()
    {
        using var scope = new TensorScope();
        using var random = new Generator(6);
        Tensor Unit(params long[] shape) => random.Normal(shape).Normalized();
        Tensor start = Unit(16), from = Unit(16), to = Unit(16), seen = Unit(1, 3, 16);
        var targets = new Targets { ["a"] = [Target.At(from)], ["b"] = [Target.At(to)], ["c"] = [Target.At(start)] };
        using var toy = ToyClip.Load();
        var scene = new Scene(seen, 0, 1, _ => [new EncodedViews(toy, seen, 1, targets, 0)]);
        float[] e = seen.ToFloats(), s = start.ToFloats(), f = from.ToFloats(), t = to.ToFloats();
        var wanted = Enumerable.Range(0, 3).Average(view =>
        {
            double dot = 0, one = 0, two = 0;
            for (var i = 0; i < 16; i++)
            {
                var (moved, way) = (e[16 * view + i] - (double)s[i], t[i] - (double)f[i]);
                (dot, one, two) = (dot + moved * way, one + moved * moved, two + way * way);
            }

            return 1 - dot / Math.Sqrt(one * two);
        });
        Assert.Equal(wanted, Objective.Along("a", "b", "c").Evaluate(scene).Item(), 1e-5);
    }

    [Fact]
    public void Three_different_encoders_draw_in_one_job()
    {
        using var folder = new TemporaryFolder();
        using var workshop = new Workshop();
        string[] names = ["pocket-clip", "pocket-clipag", "pocket-judge"];
        var job = (new InversionRequest { Prompt = "a red apple", Recipe = "das-ensemble", Models = names, Size = new(64, 64), Steps = 3, Views = 2, Quality = Quality.Draft }).Check(workshop).Job(workshop);
        Assert.Equal(names, job.Models.Select(model => model.Name));
        Assert.Empty(job.Recipe.Sides);
        var path = Path.Combine(folder.Path, "apple.png");
        var drawn = job.Finish(workshop, new Outputs(path));
        Assert.Equal(3, drawn.Last!.Index + 1);
        var stored = InversionJob.FromPicture(path);
        Assert.Equal(job.ToJson(), stored.ToJson());
        Assert.Equal(3, stored.Models.Select(model => model.Sha256).Distinct().Count());
        Assert.Equal(File.ReadAllBytes(path), Again());

        byte[] Again()
        {
            var again = Path.Combine(folder.Path, "again.png");
            stored.Finish(workshop, new Outputs(again));
            return File.ReadAllBytes(again);
        }
    }

    [Fact]
    public void What_needs_one_model_refuses_several()
    {
        using var workshop = new Workshop();
        string Refused(InversionRequest request) => Assert.Throws<UsageException>(() => request.Check(workshop)).Message;
        Assert.Contains("starts from the bank of one model; 2 models were given", Refused(new() { Prompt = "a fox", Recipe = "implicit", Models = ["pocket-clip", "pocket-judge"] }), StringComparison.Ordinal);
        Assert.Contains("no model 'nobody'", Refused(new() { Prompt = "a fox", Models = ["pocket-clip", "nobody"] }), StringComparison.Ordinal);
    }
}
