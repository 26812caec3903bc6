using System.Diagnostics;
using Obverse.Files;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>A valid request: recipe and bank are chosen, its pictures exist.</summary>
public sealed record CheckedRequest(InversionRequest Request, string Recipe, Prompt Prompt, string? Bank)
{
    private readonly long began = Stopwatch.GetTimestamp();

    /// <summary>The job; loads the models. With a time budget, a few steps are timed for it.</summary>
    public InversionJob Job(Workshop workshop, CancellationToken cancellation = default)
    {
        workshop.UseThreads();
        LoadedModel[] models = [.. Request.Models.DefaultIfEmpty(LoadedModel.Drawing).Select(name => workshop.Model(name))];
        var bank = Bank is null ? null : InrBank.Describe(Bank);
        var plan = Bank is null ? null : InrBank.PlanOf(Bank);
        StoredFile? start = Request.Start is null ? null : StoredFile.Of(Request.Start), mask = Request.Mask is null ? null : StoredFile.Of(Request.Mask);
        Prompt prompt = new([.. Prompt.Parts.Select(part => part.Hashed())]);
        InversionJob Of(Quality quality)
        {
            var size = Request.SizeFor(quality, models[0].Encoder.Side);
            var recipe = Request.Adapt(Recipes.Named(Recipe, quality, size.Width, size.Height)).On(plan);
            if (models.Length > 1) recipe = recipe with { Sides = [] }; // sides stand in for further models
            if (Request.Steps is { } steps) recipe = recipe.Steps(steps);
            if (Request.Views is { } views) recipe = recipe.ViewCount(views);
            if (Request.Exact) recipe = recipe.Exact();
            var weights = NeededBy(recipe).ToDictionary(name => name, name => new StoredFile(name, StoredFile.Hash(Zoo.WeightsFile(name))));
            return new()
            {
                Recipe = recipe, Prompt = prompt, Models = [.. models.Select(model => model.ForJob)], Width = size.Width, Height = size.Height, Seed = Request.Seed, Start = start, Mask = mask, Bank = bank, Weights = weights.Count > 0 ? weights : null, Shown = Request.Shown,
                Threads = Runtime.Threads, Libtorch = Runtime.Version, Precision = models[0].Precision, Device = workshop.Device is null or { Type: DeviceType.Cpu } ? null : workshop.Device.ToString(),
            };
        }

        var job = Request.Time is { } time ? Within(time - Stopwatch.GetElapsedTime(began), Of, workshop, cancellation) : Of(Request.Quality ?? Quality.Normal);
        var svg = (job.Recipe.Canvas as Strokes)?.Svg;
        if ((start?.Path ?? svg) is { } drawn && Request.Shape is { } shape && shape.IsSquashedBy(new(job.Width, job.Height))) workshop.OnRemark($"{drawn}: {shape} is stretched to {job.Width}x{job.Height}{(Request.Size is null && Request.Width is null && Request.Height is null ? "" : "; without --size, --width and --height its shape is preserved")}");
        if (svg is not null) _ = SvgStrokes.Read(File.ReadAllText(OrdinaryFile.Checked(Zoo.WeightsFile(svg), "drawing")), svg, job.Width, job.Height, onRemark: workshop.OnRemark);
        if (mask is not null && job.Recipe.Canvas is Strokes) workshop.OnRemark($"the SVG will hold the strokes alone, without what the mask leaves of {start!.Path}");
        return job;
    }

    // A start that the recipe would choose needs no file where the job has one.
    private IReadOnlyList<string> NeededBy(Recipe recipe) => (Request.Start is null ? recipe : recipe with { Start = null }).NeededWeights;

    // The numbers of the largest quality whose own steps fit, then as many steps as fit.
    private InversionJob Within(TimeSpan left, Func<Quality, InversionJob> of, Workshop workshop, CancellationToken cancellation)
    {
        var until = Stopwatch.StartNew();
        double SecondsLeft() => (left - until.Elapsed).TotalSeconds / Request.Count;
        InversionJob? fits = null;
        var perStep = 0.0;
        foreach (var quality in new[] { Quality.Draft, Quality.Normal, Quality.Best })
        {
            var job = of(quality);
            var seconds = InversionRun.SecondsPerStep(job, workshop, cancellation);
            if (fits is not null && SecondsLeft() < seconds * job.Recipe.Schedule.StepCount) break;
            (fits, perStep) = (job, seconds);
        }

        const double Writing = 0.3; // seconds for the picture's file
        return fits! with { Recipe = fits.Recipe.Steps((int)Math.Clamp((SecondsLeft() - Writing) / perStep, 1, 1_000_000)) };
    }
}
