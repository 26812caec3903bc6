using System.Reflection;
using System.Text;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Torch;

namespace Obverse.Fuzz;

/// <summary>A job as JSON, as it lies in a stranger's picture: read and held against the limits, without libtorch; and, where it is small, begun.</summary>
internal static class JobTargets
{
    private const int Most = 256; // pixels a side of what is begun

    // Jobs of format 1 as version 0.1.0 stored them, and the same in today's.
    private static readonly Lazy<string[]> stored = new(() =>
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("jobs-format-1.jsonl")!;
        string[] first = new StreamReader(stream).ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. first, .. first.Select(line => (InversionJob.FromJson(line) with { Seed = 3 }).ToJson()), WithEverything(first[0])];
    });

    public static Target Read { get; } = new("job", ".json")
    {
        Seeds = () => [.. stored.Value.Select(Encoding.UTF8.GetBytes)],
        Structured = JsonMutator.Mutate,
        Read = input =>
        {
            // What is read can be shown, written and read again.
            var job = Job.FromJson(Encoding.UTF8.GetString(input));
            _ = job.ToString();
            var again = Job.FromJson((job with { Source = null, Threads = 1 }).ToJson());
            if (!again.MakesTheSameAs(job)) throw new InvalidOperationException("written and read again it is another job");
        },
        Documented = [typeof(InvalidDataException)],
        Allowance = length => (1 << 20) + 1024 * length,
    };

    /// <summary>The parts of every job that can be read, made small: its canvas, rendered and seen through the first two views, its optimiser's first rates.</summary>
    public static Target Begin { get; } = new("job-begin", ".json")
    {
        Seeds = Read.Seeds,
        Structured = JsonMutator.Mutate,
        Read = input =>
        {
            var job = InversionJob.FromJson(Encoding.UTF8.GetString(input));
            using var scope = new TensorScope();
            using var still = new NoGrad();
            using var random = Generator.For(job.Seed);
            var (height, width) = (Math.Min(job.Height, Most), Math.Min(job.Width, Most));
            using var canvas = Small(job.Recipe.Canvas).Create(1, height, width, random);
            using var optimizer = job.Recipe.Schedule.Create(canvas);
            job.Recipe.Schedule.Apply(optimizer, job.Recipe.Schedule.StepCount / 2);
            var picture = job.Recipe.Schedule.StageAt(0).Render(canvas);
            foreach (var views in new[] { job.Recipe.Views, job.Recipe.TargetViews }) if (views is not null && IsSmall(views, picture)) (views with { Count = Math.Min(views.Count, 2) }).Apply(picture, random);
        },
        Documented = [typeof(InvalidDataException), typeof(ArgumentException), typeof(FileNotFoundException), typeof(TorchException)],
        Allowance = length => (1 << 24) + 1024 * length,
    };

    private static CanvasPlan Small(CanvasPlan plan) => plan switch
    {
        Inr inr => inr with { Size = Math.Min(inr.Size, 64), Hidden = Math.Min(inr.Hidden, 4) },
        Pyramid { Levels: > 64 } pyramid => pyramid with { Levels = 64 },
        _ => plan,
    };

    private static bool IsSmall(Views views, Tensor picture)
    {
        var (height, width) = (picture.Size(2), picture.Size(3));
        foreach (var view in views.Chain)
        {
            (height, width) = view.SizeOf(height, width);
            if (height > Most || width > Most) return false;
        }

        return true;
    }

    // The parts that no recipe of version 0.1.0 had.
    private static string WithEverything(string first)
    {
        var job = InversionJob.FromJson(first);
        var style = Prompt.Parse("a watercolour | blurry:-0.3", "style.png");
        return (job with
        {
            Recipe = Recipes.Das() with
            {
                Views = Views.Of(8).Scale(0.8, 1.2).Roll(3).Crop(24).Patch(16, 24).Perspective(0.4).RandomResizedCrop(24, 0.3, 0.9).ClassicCutouts(24).LatestCutouts(24).DiffAugment().Blur(0.5, 2).Noise(0.1),
                Objective = Objective.Toward("style") + 0.5 * Objective.Along("content", "style").Through(Views.Of(8).Patch(16)) + Ramp.Linear(1, 0) * Objective.TotalVariation(),
                Schedule = Schedule.Adam(1e-2).RateOf("sum", Ramp.Cosine()).Sweep().Clip(1).Stages(new Stage(0.4, 0.5, 0.5)), TargetViews = Views.Of(4).Color(0.2), Fit = new(), Bank = new(),
            },
            Models = [new("a", "1"), new("owner/name@main", "2", "3")], Targets = new Dictionary<string, Prompt> { ["style"] = style, ["content"] = Prompt.Parse("a photo") },
            Start = new("start.png", "4"), Mask = new("mask.png", "5"), Bank = new("bank", "6"), Weights = new Dictionary<string, StoredFile> { ["decoder"] = new("decoder.safetensors", "7") },
            Shown = new(64, 48), StoppedAfter = 3, Device = "cuda:1",
        }).ToJson();
    }
}
