using System.CommandLine;
using Obverse.Diffusion;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What `diffuse` and `vary` share: model, sampler, size, seeds, output.</summary>
internal sealed class SamplingOptions
{
    public const string Usual = "pocket-sd";

    private readonly Option<string?> model = Flags.Text("--model", "MODEL", $"A Stable Diffusion 1.x model: a folder in diffusers' layout, or a zoo name. [default: {Usual}]");
    private readonly Option<string?> negative = Flags.Text("--negative", "TEXT", "What guidance moves away from. [default: empty]");
    private readonly TuningFiles tuning = new();
    private readonly Option<string?> sampler = Flags.Parsed<string?>("--sampler", "NAME", $"{string.Join(", ", Sampler.Names)}. [default: dpm++2m]", text => Sampler.Names.Contains(text) ? text : throw new FormatException($"one of {string.Join(", ", Sampler.Names)} was wanted"));
    private readonly Option<int?> steps = Flags.Whole("--steps", "Sampling steps. [default: 20]", 1, 1000);
    private readonly Option<double?> guidance = Flags.Number("--guidance", "S", "Scale of classifier-free guidance; 1: none. [default: 7.5]", 0, 1000);
    private readonly Option<PictureSize?> size = Flags.Size("--size", "Size to draw at, in whole latents. [default: the model's]");
    private readonly Option<int?> seed = Flags.Seed();
    private readonly Option<int?> count = Flags.Whole("--n", "Draw N pictures with consecutive seeds, and a contact sheet.", 1, 1000);
    private readonly Option<string?> output = new("--out", "-o") { HelpName = "FILE.png", Description = "The picture to write. [default: a name made from the prompt]" };
    private readonly Option<bool> judges = Flags.Switch("--judge", "Have pocket-judge rank the pictures by the prompt.");
    private readonly Option<int?> threads = Flags.Threads();
    private readonly Option<Device?> device = Flags.Device();
    private readonly Option<Precision?> precision = Flags.Precision();
    private readonly Option<bool> json = Flags.Json();

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[model, negative, sampler, steps, guidance, size, seed, count, output, judges, threads, device, precision, json]) command.Add(option);
        tuning.AddTo(command);
    }

    /// <summary>Draws.</summary>
    /// <param name="named">The picture's default name, without extension.</param>
    /// <param name="wanted">What the judge is asked for; null: it is not asked.</param>
    /// <param name="change">What a command adds to the job.</param>
    public int Run(Screen screen, ParseResult parsed, string named, string? wanted, Func<SampleJob, SampleJob> change)
    {
        using var workshop = CliModels.Workshop(screen, parsed.GetValue(threads), parsed.GetValue(device), parsed.GetValue(precision));
        var name = parsed.GetValue(model) ?? Usual;
        var (asJson, given, n) = (parsed.GetValue(json), parsed.GetValue(output), parsed.GetValue(count) ?? 1);
        var picture = given is null ? Free(FileNames.Fitting(named, ".png")) : OutputPaths.Wanting("--out", given, ".png");
        new Outputs(picture).MustBeWritable(3L << 20);
        var tuned = tuning.Of(parsed);
        var diffusion = workshop.Diffusion(name, tuned);
        var own = diffusion.UNet.Config.SampleSize * diffusion.Autoencoder.Config.Stride;
        var shape = parsed.GetValue(size) ?? new(own, own);
        var stride = diffusion.Autoencoder.Config.Stride;
        if (shape.Width % stride != 0 || shape.Height % stride != 0) throw new UsageException($"--size: {shape} was given, sides that are multiples of {stride} are wanted");
        var job = change(new SampleJob
        {
            Model = new(name, StoredFile.Hash(WeightFiles.OfPart(Path.Combine(diffusion.Folder, "unet")))), Prompt = "", Negative = parsed.GetValue(negative) ?? "", Sampler = parsed.GetValue(sampler) ?? "dpm++2m", Steps = parsed.GetValue(steps) ?? 20,
            Tuning = tuned, Guidance = parsed.GetValue(guidance) ?? 7.5, Width = shape.Width, Height = shape.Height, Seed = (ulong)(parsed.GetValue(seed) ?? 0), Threads = Runtime.Threads, Libtorch = Runtime.Version,
            Precision = workshop.Precision.On(workshop.Device ?? Torch.Device.Cpu).Name(), Device = workshop.Device is null or { Type: DeviceType.Cpu } ? null : workshop.Device.ToString(),
        });
        using var judge = parsed.GetValue(judges) && wanted is not null ? workshop.Judge() : null;
        List<(Picture Picture, string Label)> cells = [];
        for (var i = 0; i < n; i++)
        {
            var one = job with { Seed = job.Seed + (ulong)i };
            var outputs = n == 1 ? new Outputs(picture) : new Outputs(picture).With($"-seed{one.Seed}");
            var drawn = ProgressView.For(screen, asJson).Watch<SampleFinished>(one.Run(workshop, outputs, screen.Stop), _ =>
            {
                if (i > 0) return;
                if (asJson) screen.Json(new { Event = "start", one.Prompt, Model = name, one.Sampler, one.Steps, one.Guidance, one.Width, one.Height, one.Seed, Pictures = n });
                else screen.Note($"{named}: {name}, {one.Sampler}, {one.Steps} steps, guidance {FormattableString.Invariant($"{one.Guidance}")}, {one.Width}x{one.Height}, seed {one.Seed}");
            });
            var verdict = judge?.Assess(drawn.Picture, wanted!);
            cells.Add((drawn.Picture, $"seed {one.Seed}{(verdict is null ? "" : $" · rank {verdict.LowPass.Rank}")}"));
            if (asJson) screen.Json(new { Event = "result", drawn.File, drawn.Seconds, Rank = verdict?.LowPass.Rank });
            else screen.Say(FormattableString.Invariant($"{drawn.File}  {drawn.Seconds:0.0} s{(verdict is null ? "" : $"  judge: rank {verdict.LowPass.Rank} of {verdict.Names}, full resolution {verdict.FullResolution.Rank}")}"));
        }

        if (n == 1) return 0;
        var sheet = FileNames.Beside(picture, "-sheet");
        ContactSheet.Draw(cells, (int)Math.Ceiling(Math.Sqrt(n)), Math.Clamp(Math.Max(shape.Width, shape.Height), 128, 256), named).Save(sheet);
        if (asJson) screen.Json(new { Event = "sheet", File = sheet });
        else screen.Say($"{sheet}  (contact sheet of {n})");
        return 0;
    }

    private static string Free(string picture)
    {
        var first = picture;
        for (var n = 2; Path.Exists(picture) || Path.Exists(FileNames.Beside(picture, "-sheet")); n++) picture = FileNames.Beside(first, $"-{n}");
        return picture;
    }
}
