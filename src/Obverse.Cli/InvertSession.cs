using System.Diagnostics;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What was asked of `obverse invert`, and how it is done: everything that can be refused is refused before a model is loaded.</summary>
internal sealed record InvertSession(Screen Screen)
{
    public string? Prompt { get; init; }
    public IReadOnlyList<string> Toward { get; init; } = [];
    public string? Recipe { get; init; }
    public string? Model { get; init; }
    public Quality? Quality { get; init; }
    public TimeSpan? Time { get; init; }
    public int? Steps { get; init; }
    public int? Views { get; init; }
    public PictureSize? Size { get; init; }
    public int? Width { get; init; }
    public int? Height { get; init; }
    public PictureSize? Shown { get; init; }
    public ulong? Seed { get; init; }
    public int Count { get; init; } = 1;
    public string? Out { get; init; }
    public string? Bank { get; init; }
    public string? Start { get; init; }
    public string? Mask { get; init; }
    public int Every { get; init; }
    public string? Film { get; init; }
    public string? Save { get; init; }

    /// <summary>Null: where several pictures are compared and there is a judge.</summary>
    public bool? Judges { get; init; }
    public int? Threads { get; init; }
    public Device? Device { get; init; }
    public Precision? Precision { get; init; }
    public bool Json { get; init; }

    /// <summary>Every step whole: without the recipe's <see cref="Pace"/>.</summary>
    public bool Exact { get; init; }

    /// <summary>The prompt, where a command puts it together itself.</summary>
    public Prompt? Parts { get; init; }

    /// <summary>What a command changes in its recipe.</summary>
    public Func<Recipe, Recipe>? Adapt { get; init; }

    /// <summary>A name for the picture where none is asked for, without its extension.</summary>
    public string? Named { get; init; }

    /// <summary>The picture whose shape is kept where no size is asked for.</summary>
    public PictureSize? Shape { get; init; }

    /// <summary>Several pictures of one command: what each has behind its name, and what of the run it changes.</summary>
    public IReadOnlyList<(string Suffix, Func<Run, Run> Change)> Series { get; init; } = [("", run => run)];

    /// <summary>A command's own report of what was drawn, in place of the usual line.</summary>
    public Action<IReadOnlyList<Drawn>, LoadedModel>? Report { get; init; }

    public int Begin()
    {
        var watch = Stopwatch.StartNew();
        var prompt = Parts ?? Jobs.Prompt.Parse(Prompt ?? "", Toward);
        var name = Recipe ?? (Start is null ? ZooBank.Recipe(Bank, Model) : Recipes.FromPicture);
        Recipe Adapted(Recipe recipe) => Adapt?.Invoke(recipe) ?? recipe;
        if (Recipes.Named(name).Fit is not null && Start is null) throw new UsageException($"recipe '{name}' works on a picture: give it with --start");
        var banked = ZooBank.For(Adapted(Recipes.Named(name)), Bank, Model);
        if (Time is not null && (Steps is not null || Quality is not null)) throw new UsageException("--time chooses what --steps and --quality choose too: give only one of them");
        if (Mask is not null && Start is null) throw new UsageException("--mask wants --start: the picture of which it shows the part that may change");
        LoadedModel.Find(Model ?? LoadedModel.Drawing, Screen);
        var files = Files(Out ?? (Named ?? OutputPaths.Slug(prompt.ToString())) + ".png");
        files.MustBeWritable(Bytes(Shown ?? Size ?? new(512, 512)));
        var pictures = prompt.Images.Select(part => StoredFile.Of(Readable(part.Image!))).ToArray();
        var (start, mask) = (Start is null ? null : StoredFile.Of(Readable(Start)), Mask is null ? null : StoredFile.Of(Readable(Mask)));

        var bank = banked is null ? null : InrBank.Describe(banked);
        var plan = banked is null ? null : InrBank.PlanOf(banked);

        using var model = LoadedModel.Open(Screen, Model ?? LoadedModel.Drawing, Threads, device: Device, precision: Precision ?? Torch.Precision.Auto);
        var side = model.Encoder.Side;
        Run Of(Quality quality)
        {
            var size = SizeFor(quality, side);
            var recipe = Adapted(Recipes.Named(name, quality, size.Width, size.Height)).On(plan);
            if (Steps is { } steps) recipe = recipe.Steps(steps);
            if (Views is { } views) recipe = recipe.Copies(views);
            if (Exact) recipe = recipe with { Pace = null };
            return new()
            {
                Bank = bank,
                Recipe = recipe, Prompt = prompt, Model = model.Name, ModelSha256 = model.Sha256, WordsSha256 = model.WordsSha256, Precision = model.Precision, Width = size.Width, Height = size.Height, Seed = Seed ?? 0, Shown = Shown,
                Start = start, Mask = mask, Device = Device is null or { Type: DeviceType.Cpu } ? null : Device.ToString(), ImageSha256 = [.. pictures.Select(p => p.Sha256)],
            };
        }

        var run = Time is { } time ? Within(time - watch.Elapsed, Of, model.Encoder) : Of(Quality ?? Obverse.Quality.Normal);
        Screen.Stop.ThrowIfCancellationRequested();
        TellOfStrangeWords(prompt, model);
        return Report is not null ? InSeries(run, model, files) : Count == 1 ? One(run, model, files) : Several(run, model, files);
    }

    /// <summary>Goes on from a checkpoint: the rest of the same run.</summary>
    public int Resume(string checkpoint)
    {
        if (Prompt is not null || Recipe is not null || Model is not null || Steps is not null || Views is not null || Quality is not null || Time is not null || Size is not null || Width is not null || Height is not null
            || Seed is not null || Bank is not null || Shown is not null || Start is not null || Mask is not null || Toward.Count > 0 || Count > 1 || Exact || Device is not null || Precision is not null)
        {
            throw new UsageException("--resume goes on with the run in the checkpoint: no prompt, and only --out, --every, --film, --save, --judge, --threads and --json beside it");
        }

        var run = Run.FromSafetensors(checkpoint);
        var files = Files(Out ?? checkpoint.Replace(".checkpoint.safetensors", ".png", StringComparison.Ordinal), overwrite: true);
        files.MustBeWritable(Bytes(run.Shown ?? new(run.Width, run.Height)));
        using var model = LoadedModel.Open(Screen, run.Model, Threads ?? run.Threads, device: LoadedModel.DeviceOf(run), precision: LoadedModel.PrecisionOf(run));
        Differences.Tell(run, model, Screen);
        return One(run with { Threads = Runtime.Threads }, model, files, checkpoint);
    }

    private int One(Run run, LoadedModel model, DrawingFiles files, string? resume = null)
    {
        var drawn = Drawing.Draw(run, model.Encoder, files, Screen, ProgressView.For(Screen, Json), resume, () => Introduce(run, model));
        if (drawn.Checkpoint is not null) return Interrupted(drawn);
        using var judge = Judges == true ? OpenJudge() : null;
        Tell(drawn, judge is null ? null : Verdict(judge, run.Prompt, drawn.Picture));
        return 0;
    }

    private int InSeries(Run run, LoadedModel model, DrawingFiles files)
    {
        using var kept = Series.Count > 1 ? new FittedStarts() : null;
        using var bank = run.Bank is null || Series.Count == 1 ? null : InrBank.Open(run.Bank.Path, Device);
        var drawings = new List<Drawn>();
        foreach (var (suffix, change) in Series)
        {
            string At(string path) => OutputPaths.Beside(path, suffix);
            var (one, its) = (change(run), files with { Picture = At(files.Picture), Film = files.Film is null ? null : At(files.Film), Canvas = files.Canvas is null ? null : At(files.Canvas) });
            var drawn = Drawing.Draw(one, model.Encoder, its, Screen, ProgressView.For(Screen, Json), begun: () => Introduce(one, model), bank: bank, kept: kept, compares: true);
            if (drawn.Checkpoint is not null) return Interrupted(drawn);
            drawings.Add(drawn);
        }

        Report!(drawings, model);
        return 0;
    }

    private int Several(Run run, LoadedModel model, DrawingFiles files)
    {
        var drawings = new List<Drawn>();
        for (var i = 0; i < Count; i++)
        {
            var seed = run.Seed + (ulong)i;
            string At(string path) => OutputPaths.Beside(path, $"-seed{seed}");
            var one = files with { Picture = At(files.Picture), Film = files.Film is null ? null : At(files.Film), Canvas = files.Canvas is null ? null : At(files.Canvas) };
            var drawn = Drawing.Draw(run with { Seed = seed }, model.Encoder, one, Screen, ProgressView.For(Screen, Json), begun: i == 0 ? () => Introduce(run, model) : null);
            if (drawn.Checkpoint is not null) return Interrupted(drawn);
            drawings.Add(drawn);
            if (!Json) Screen.Say(drawn.File);
        }

        using var judge = Judges == false ? null : OpenJudge();
        var verdicts = drawings.Select(drawn => judge is null ? null : Verdict(judge, run.Prompt, drawn.Picture)).ToArray();
        if (Json) for (var i = 0; i < Count; i++) Tell(drawings[i], verdicts[i]);
        var grid = OutputPaths.Beside(files.Picture, "-grid");
        var cells = drawings.Select((drawn, i) => (drawn.Picture, $"seed {drawn.Run.Seed}{(verdicts[i] is { } v ? $" · rank {v.Coarse.Rank}, sharp {v.Sharp.Rank}" : "")}")).ToList();
        ContactSheet.Draw(cells, (int)Math.Ceiling(Math.Sqrt(Count)), Math.Clamp(Math.Max(drawings[0].Picture.Width, drawings[0].Picture.Height), 128, 256), run.Prompt.ToString()).Save(grid);
        if (Json) Screen.Json(new { Event = "grid", File = grid });
        else
        {
            foreach (var (drawn, verdict) in drawings.Zip(verdicts)) if (verdict is not null) Screen.Say($"  seed {drawn.Run.Seed}: {Describe(verdict)}");
            Screen.Say($"{grid}  (all {Count})");
        }

        return 0;
    }

    // The numbers of the largest quality whose own steps fit, then as many steps as fit.
    private Run Within(TimeSpan left, Func<Quality, Run> of, ClipEncoder encoder)
    {
        var until = Stopwatch.StartNew();
        Run? fits = null;
        var perStep = 0.0;
        foreach (var quality in new[] { Obverse.Quality.Draft, Obverse.Quality.Normal, Obverse.Quality.Best })
        {
            var run = of(quality);
            var seconds = Drawing.SecondsPerStep(run, encoder, Screen.Stop);
            if (fits is not null && (left - until.Elapsed).TotalSeconds / Count < seconds * run.Recipe.Schedule.StepCount) break;
            (fits, perStep) = (run, seconds);
        }

        const double Writing = 0.3; // seconds for the picture's file
        var steps = (int)Math.Clamp(((left - until.Elapsed).TotalSeconds / Count - Writing) / perStep, 1, 1_000_000);
        return fits! with { Recipe = fits.Recipe.Steps(steps) };
    }

    private PictureSize SizeFor(Quality quality, int side)
    {
        if (Size is { } size) side = 0;
        else size = default;
        var own = side == 0 ? 0 : SideFor(quality, side);
        if (side > 0 && Width is null && Height is null && Shape is { } shape)
        {
            // As many pixels, in the picture's shape.
            int Side(double length) => Math.Clamp((int)Math.Round(length / 8) * 8, PictureSize.Least, PictureSize.Most);
            var stretch = Math.Sqrt(shape.Width / (double)shape.Height);
            return new(Side(own * stretch), Side(own / stretch));
        }

        return new(Width ?? (size.Width > 0 ? size.Width : own), Height ?? (size.Height > 0 ? size.Height : own));
    }

    private DrawingFiles Files(string picture, bool overwrite = false)
    {
        OutputPaths.Wanting("--out", picture, ".png");
        if (Out is null && !overwrite)
        {
            // With several, the names that matter are those of the parts.
            while (Path.Exists(picture) || (Count > 1 && Path.Exists(OutputPaths.Beside(picture, "-grid"))) || Series.Any(one => Path.Exists(OutputPaths.Beside(picture, one.Suffix)))) picture = Next(picture);
        }

        return new(picture)
        {
            Every = Every,
            Film = Film is null ? null : OutputPaths.Wanting("--film", Film, ".gif", ".webp", ".mp4"),
            Canvas = Save is null ? null : OutputPaths.Wanting("--save", Save, ".safetensors"),
        };

        static string Next(string path)
        {
            var stem = Path.GetFileNameWithoutExtension(path);
            var dash = stem.LastIndexOf('-');
            return dash > 0 && int.TryParse(stem[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? $"{stem[..dash]}-{n + 1}.png" : stem + "-2.png";
        }
    }

    private void Introduce(Run run, LoadedModel model)
    {
        if (Json) Screen.Json(new { Event = "start", Prompt = run.Prompt.ToString(), Recipe = run.Recipe.Name, run.Model, Steps = run.Recipe.Schedule.StepCount, Views = run.Recipe.Views.Copies, run.Width, run.Height, run.Seed, Pictures = Count, run.Threads });
        else Screen.Note($"{run.Prompt}: {run.Recipe.Name}, {run.Width}x{run.Height}, {run.Recipe.Schedule.StepCount} steps of {run.Recipe.Views.Copies} views, {model.Name}, seed {run.Seed}{(Count > 1 ? $" … {run.Seed + (ulong)Count - 1}" : "")}");
    }

    private void TellOfStrangeWords(Prompt prompt, LoadedModel model)
    {
        CutTexts.Tell(Screen, model, prompt.Texts.Select(part => part.Text!));

        // Only of the zoo's towers is it known what they were taught.
        if (!Zoo.Names.Contains(model.Name)) return;
        Knowledge? knowledge = null;
        try
        {
            foreach (var part in prompt.Texts.Where(part => part.Weight > 0 && ImageNet.NamedBy(part.Text!).Count == 0))
            {
                var found = (knowledge ??= new Knowledge(model.Encoder)).Of(part.Text!);
                if (found.IsFamiliar) continue;
                if (Json) Screen.Json(new { Event = "unfamiliar", part.Text, Nearest = found.Nearest.Select(near => new { near.Name, near.Cosine }) });
                else Screen.Note($"{model.Name} knows nothing near \"{part.Text}\"; the nearest it knows: {string.Join(", ", found.Nearest.Select(near => string.Create(CultureInfo.InvariantCulture, $"{near.Name} ({near.Cosine:0.00})")))}");
            }
        }
        finally
        {
            knowledge?.Dispose();
        }
    }

    private int Interrupted(Drawn drawn)
    {
        var done = drawn.Run.StoppedAfter;
        if (Json) Screen.Json(new { Event = "stopped", drawn.File, drawn.Checkpoint, Step = done, Of = drawn.Run.Recipe.Schedule.StepCount });
        else Screen.Say(drawn.File);
        return Screen.Fail($"stopped after step {done} of {drawn.Run.Recipe.Schedule.StepCount}; go on with: obverse invert --resume {Quoted(drawn.Checkpoint!)}", 1);
    }

    private void Tell(Drawn drawn, Verdict? verdict)
    {
        if (Json)
        {
            Screen.Json(new
            {
                Event = "result", drawn.File, drawn.Run.Seed, drawn.Picture.Width, drawn.Picture.Height, Steps = drawn.Run.Recipe.Schedule.StepCount, drawn.Last?.Loss,
                Similarity = drawn.Last is { } last && double.IsFinite(last.Similarity) ? last.Similarity : (double?)null, Seconds = Math.Round(drawn.Seconds, 3),
                Judge = verdict is null ? null : new { CoarseRank = verdict.Coarse.Rank, SharpRank = verdict.Sharp.Rank, LogProbability = verdict.Coarse.LogProbability, SharpLogProbability = verdict.Sharp.LogProbability, Sees = verdict.Coarse.Top.Select(t => t.Name) },
            });
            return;
        }

        Screen.Say($"{drawn.File}  {drawn.Picture.Width}x{drawn.Picture.Height}, similarity {(drawn.Last?.Similarity ?? double.NaN).ToString("0.000", CultureInfo.InvariantCulture)}, {Durations.Show(drawn.Seconds)}");
        if (verdict is not null) Screen.Say("  " + Describe(verdict));
    }

    /// <summary>The judge, where there is one.</summary>
    public Judge? FindJudge() => (this with { Judges = null }).OpenJudge();

    private Judge? OpenJudge()
    {
        if (Judges is null && !Zoo.Names.Contains(LoadedModel.Judge)) return null;
        LoadedModel.Find(LoadedModel.Judge, Screen);
        return Judge.Load(LoadedModel.Judge, Device);
    }

    private static Verdict Verdict(Judge judge, Prompt prompt, Picture picture) => judge.Look(picture, Commands.JudgeCommand.Wanted(prompt));

    private static string Describe(Verdict verdict) => string.Create(CultureInfo.InvariantCulture,
        $"judge: rank {verdict.Coarse.Rank} of {verdict.Names} (log-probability {verdict.Coarse.LogProbability:0.00}), sharp {verdict.Sharp.Rank} ({verdict.Sharp.LogProbability:0.00}); sees {string.Join(", ", verdict.Coarse.Top.Take(3).Select(t => t.Name))}");

    /// <summary>The side that a quality draws at, from the model's own: less for a draft, more for the best, in whole blocks of 8.</summary>
    public static int SideFor(Quality quality, int side) => quality == Obverse.Quality.Normal ? side : Math.Max(PictureSize.Least, (int)(side * (quality == Obverse.Quality.Draft ? 0.75 : 1.5) / 8) * 8);

    /// <summary>The cores that one picture has where pictures are drawn one by one; null: all. One worker was asked for: one.</summary>
    public static int? ThreadsOf(int? workers, int? threads) => threads ?? (workers is null ? null : 1);

    /// <summary>How many pictures are drawn side by side: a core each, unless one picture is to have several.</summary>
    /// <exception cref="UsageException">Both were given.</exception>
    public static int WorkersOf(int? workers, int? threads) => workers is not null && threads is > 1
        ? throw new UsageException("--workers gives every picture one core, --threads several: give one of them") : threads is not null ? 1 : workers ?? Environment.ProcessorCount;

    // A picture that cannot be read is told before anything is loaded.
    private static string Readable(string path)
    {
        _ = Picture.Load(path);
        return path;
    }

    private static long Bytes(PictureSize size) => 3L * size.Width * size.Height + (1 << 16);

    private static string Quoted(string path) => path.Any(c => !char.IsLetterOrDigit(c) && c is not ('.' or '/' or '-' or '_')) ? $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'" : path;
}
