using System.CommandLine;
using System.Globalization;
using Obverse.Cli.Commands;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Training;

namespace Obverse.Cli;

/// <summary>What `train vae` and `train diffusion` share: length, rate, folders, progress.</summary>
internal sealed class TrainingOptions(int batch, string rate, double minutes)
{
    private readonly Option<double?> time = Flags.Number("--minutes", "M", $"Minutes of training, interruptions not counted. [default: {minutes.ToString(CultureInfo.InvariantCulture)}]", 0.01, 100_000);
    private readonly Option<int?> updates = Flags.Whole("--updates", "Updates of the weights, instead of --minutes.", 1, 100_000_000);
    private readonly Option<int?> size = Flags.Whole("--batch", $"Batch size. [default: {batch}]", 1, 65_536);
    private readonly Option<double?> speed = Flags.Number("--rate", "R", $"Learning rate. [default: {rate}]", 1e-9, 1);
    private readonly Option<double?> average = Flags.Number("--average", "D", "Decay of the exponential moving average of the weights; 0: no average.", 0, 0.99999);
    private readonly Option<int?> seed = Flags.Seed(usual: "7");
    private readonly Option<int?> threads = Flags.Threads();
    private readonly Option<string?> output = new("--out", "-o") { HelpName = "DIR", Description = "Folder of the model. [default: models/pocket-sd]" };
    private readonly Option<string?> work = Flags.Text("--work", "DIR", "Folder for checkpoint, caches and log. [default: the model's folder with .work]");
    private readonly Option<bool> json = Flags.Json();

    /// <summary>Widths of a network's levels.</summary>
    public static Option<IReadOnlyList<int>?> Channels(string usual, string note) => Flags.Parsed<IReadOnlyList<int>?>("--channels", "N,N,…", $"Channels of each level, the finest first; {note}. [default: {usual}]",
        text => text.Split(',') is { Length: > 0 and <= 8 } parts && Array.ConvertAll(parts, part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : 0) is var widths && widths.All(n => n is > 0 and <= 4096) ? widths : throw new FormatException("widths such as 16,32,64 were wanted"));

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[time, updates, size, speed, average, output, work, seed, threads, json]) command.Add(option);
    }

    public T Apply<T>(ParseResult parsed, T options) where T : LoopOptions
    {
        if (parsed.GetValue(time) is not null && parsed.GetValue(updates) is not null) throw new UsageException("give --minutes or --updates, not both");
        return options with
        {
            Minutes = parsed.GetValue(updates) is null ? parsed.GetValue(time) ?? minutes : null, Steps = parsed.GetValue(updates), Batch = parsed.GetValue(size) ?? options.Batch, Rate = parsed.GetValue(speed) ?? options.Rate,
            Average = parsed.GetValue(average) ?? options.Average, Seed = (ulong)(parsed.GetValue(seed) ?? 7), Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount,
        };
    }

    /// <summary>Trains, shows how far it is, and draws the curves.</summary>
    /// <param name="part">What is trained, the name of its folder in the work folder.</param>
    /// <param name="train">Output, work folder and report to: finished?</param>
    public int Run(Screen screen, ParseResult parsed, string part, Func<string, string, Action<PretrainingStep>, bool> train)
    {
        var folder = parsed.GetValue(output) ?? Path.Combine("models", "pocket-sd");
        var working = Path.Combine(parsed.GetValue(work) ?? folder.TrimEnd('/') + ".work", part);
        Directory.CreateDirectory(working);
        FileNames.MustBeWritable(Path.Combine(working, "log.png"), 16 << 20);
        var asJson = parsed.GetValue(json);
        PretrainingStep? last = null;
        var finished = train(folder, working, step =>
        {
            last = step;
            if (asJson) screen.Json(new { Event = "progress", Text = TrainCommand.Line(step) });
            else screen.Progress(TrainCommand.Line(step));
        });
        var log = Path.Combine(working, "log.csv");
        if (File.Exists(log) && File.ReadLines(log).Skip(1).Any()) TrainingCurves.Draw(log, $"{Path.GetFileName(folder)} {part}").Save(Path.Combine(working, "log.png"));
        if (!finished) return screen.Fail($"stopped; the checkpoint is in {working}, and the same command resumes from it", 1);
        if (asJson) screen.Json(new { Event = "result", Model = folder, Step = last?.Step, Loss = last?.Loss });
        else screen.Say($"{folder}{(last is null ? "" : $"  {TrainCommand.Line(last)}")}");
        return 0;
    }
}
