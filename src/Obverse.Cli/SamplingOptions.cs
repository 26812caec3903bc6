using System.CommandLine;
using System.Globalization;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What the commands that sample Stable Diffusion share: model, sampler, size, seeds, output.</summary>
internal sealed class SamplingOptions
{
    public const string Usual = "pocket-sd";

    // Options that a checkpoint does not fix.
    private static readonly string[] besideResume = ["--resume", "--out", "--every", "--film", "--threads", "--json", "--debug", "--allow-files", "--allow-hub"];

    private readonly Option<string?> model = Flags.Text("--model", "MODEL", $"A Stable Diffusion 1.x model: a folder in diffusers' layout, a single .safetensors or .ckpt file, a zoo name or a hub repository. [default: {Usual}]");
    private readonly Option<string?> negative = Flags.Text("--negative", "TEXT", "What guidance moves away from. [default: empty]");
    private readonly Option<Emphasis?> emphasis = Flags.Parsed<Emphasis?>("--emphasis", "scale|empty|none", "How weights such as (word:1.3) act on a prompt's rows: multiply them (scale), or move them away from the empty prompt's (empty); none: brackets are text. [default: scale]",
        text => text switch { "scale" => Emphasis.Scale, "empty" => Emphasis.Empty, "none" => Emphasis.None, _ => throw new FormatException("scale, empty or none was wanted") });
    private readonly TuningFiles tuning = new();
    private readonly Option<string?> sampler = Flags.Parsed<string?>("--sampler", "NAME", $"{string.Join(", ", Sampler.Names)}. [default: dpm++2m]", text => Sampler.Names.Contains(text) ? text : throw new FormatException($"one of {string.Join(", ", Sampler.Names)} was wanted"));
    private readonly Option<int?> steps = StepCount();
    private readonly Option<double?> guidance = GuidanceScale();
    private readonly Option<int?> fast = Fast();
    private readonly Option<PictureSize?> size = Flags.Size("--size", "Size to draw at, in whole latents. [default: the model's]");
    private readonly Option<int?> seed = Flags.Seed();
    private readonly Option<int?> threads = Flags.Threads();
    private readonly Option<Device?> device = Flags.Device();
    private readonly Option<Precision?> precision = Flags.Precision();
    private readonly Option<bool> json = Flags.Json();

    public Option<int?> Count { get; } = Flags.Whole("--n", "Draw N pictures with consecutive seeds, and a contact sheet.", 1, 1000);
    public Option<string?> Out { get; } = new("--out", "-o") { HelpName = "FILE.png", Description = "The picture to write; with --batch, a folder. [default: a name made from the prompt]" };
    public Option<string?> Batch { get; } = Flags.Text("--batch", "FILE", "Draw every line of a file into the folder --out; lines of a .jsonl may set what options set. Finished pictures are not drawn again.");
    public Option<string?> Resume { get; } = Flags.Text("--resume", "FILE", "Resume from the checkpoint of an interrupted picture, without a prompt.");
    public Option<string?> Film { get; } = Flags.Text("--film", "FILE", "Save a film of the latents as they lose their noise, by a linear look at them: .gif, .webp, or .mp4 if ffmpeg is installed.");
    public Option<int?> Every { get; } = Flags.Whole("--every", "Save a decoded, numbered preview every N steps.", 1, 1000);
    public Option<bool> Judges { get; } = Flags.Switch("--judge", "Have pocket-judge rank the pictures by the prompt.");
    public StoredJobOptions Stored { get; } = new("With --resume: ");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[model, negative, emphasis, sampler, steps, guidance, fast, size, seed, Count, Out, Batch, Resume, Film, Every, Judges, threads, device, precision, json]) command.Add(option);
        Stored.AddTo(command);
        tuning.AddTo(command);
    }

    /// <summary>The same for a command whose pictures are a series of its own.</summary>
    public void AddModelTo(Command command)
    {
        foreach (var option in (Option[])[model, negative, emphasis, sampler, steps, guidance, fast, size, seed, threads, device, precision, json]) command.Add(option);
        tuning.AddTo(command);
    }

    public bool IsJson(ParseResult parsed) => parsed.GetValue(json);

    public int? Threads(ParseResult parsed) => parsed.GetValue(threads);

    public Workshop Workshop(Screen screen, ParseResult parsed) => CliModels.Workshop(screen, parsed.GetValue(threads), parsed.GetValue(device), parsed.GetValue(precision));

    /// <exception cref="UsageException">Something beside --resume that the checkpoint fixes.</exception>
    public static void MustBeAlone(Command command, ParseResult parsed, bool hasArgument)
    {
        if (hasArgument || command.Options.Any(option => !besideResume.Contains(option.Name) && parsed.GetResult(option) is { Implicit: false }))
        {
            throw new UsageException("--resume takes the job from the checkpoint: give no prompt, and only --out, --every, --film, --threads and --json with it");
        }
    }

    /// <summary>A job without a prompt; loads the model.</summary>
    /// <exception cref="UsageException">A size that is not in whole latents.</exception>
    public SampleJob Job(Workshop workshop, ParseResult parsed)
    {
        var (name, tuned) = (parsed.GetValue(model) ?? Usual, tuning.Of(parsed));
        var job = Plain(workshop, name, tuned, parsed.GetValue(steps), parsed.GetValue(guidance));
        var stride = workshop.Diffusion(name, tuned).Autoencoder.Config.Stride;
        var shape = parsed.GetValue(size) ?? new(job.Width, job.Height);
        if (shape.Width % stride != 0 || shape.Height % stride != 0) throw new UsageException($"--size: {shape} was given, sides that are multiples of {stride} are wanted");
        return job with
        {
            Negative = parsed.GetValue(negative) ?? "", Emphasis = parsed.GetValue(emphasis) ?? Emphasis.Scale, Sampler = parsed.GetValue(sampler) ?? "dpm++2m", FullEvery = parsed.GetValue(fast) is > 1 and var every ? every : null,
            Width = shape.Width, Height = shape.Height, Seed = (ulong)(parsed.GetValue(seed) ?? 0),
        };
    }

    /// <summary>A job without a prompt at the model's own size, all else as usual; loads the model.</summary>
    public static SampleJob Plain(Workshop workshop, string name, SampleTuning? tuning, int? steps, double? guidance)
    {
        var diffusion = workshop.Diffusion(name, tuning);
        var side = diffusion.UNet.Config.SampleSize * diffusion.Autoencoder.Config.Stride;
        return new()
        {
            Model = workshop.ForJob(name, tuning), Tuning = tuning, Prompt = "", Steps = steps ?? 20, Guidance = guidance ?? diffusion.Guidance, Width = side, Height = side, Threads = Runtime.Threads, Libtorch = Runtime.Version,
            Precision = workshop.Precision.On(workshop.Device ?? Torch.Device.Cpu).Name(), Device = workshop.Device is null or { Type: DeviceType.Cpu } ? null : workshop.Device.ToString(),
        };
    }

    public static Option<int?> StepCount() => Flags.Whole("--steps", "Sampling steps. [default: 20]", 1, 1000);

    public static Option<double?> GuidanceScale() => Flags.Number("--guidance", "S", "Scale of classifier-free guidance; 1: none. [default: the model's own, else 7.5]", 0, 1000);

    // With or without a number.
    private static Option<int?> Fast()
    {
        const int UsualEvery = 3; // github.com/horseee/DeepCache, README: cache_interval=3
        var option = Flags.Parsed<int?>("--fast", "N", $"Compute the whole UNet at every N-th step only, and reuse its deep features in between (DeepCache). [default: 1; {UsualEvery} where no N is given]", text => text.Length == 0 ? UsualEvery
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n is >= 1 and <= 1000 ? n : throw new FormatException("a whole number from 1 to 1000 was wanted, or none; a prompt goes before it"));
        option.Arity = ArgumentArity.ZeroOrOne;
        return option;
    }

    /// <summary>Says how weights were read, and into how many rows a long prompt went.</summary>
    public static void Tell(Screen screen, SampleJob job, StableDiffusionModel model)
    {
        foreach (var text in new[] { job.Prompt, job.Negative })
        {
            if (job.Emphasis != Emphasis.None && WeightedPrompt.Reading(text) is { } reading) screen.Note(reading);
            if (PromptTokens.Of(model, text, job.Emphasis).Chunks is { Count: > 1 } chunks) screen.Note($"\"{Visible.Start(text)}\": {chunks.Count} chunks of {model.Rows - 2} tokens");
        }
    }
}
