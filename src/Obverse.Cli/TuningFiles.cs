using System.CommandLine;
using System.Globalization;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>What a Stable Diffusion model is changed by before it draws: --tuned and --lora.</summary>
internal sealed class TuningFiles
{
    private readonly Option<string?> tuned = Flags.Text("--tuned", "FILE", "A delta of `obverse tune`, or the folder that diffusers' Custom Diffusion training leaves.");
    private readonly Option<string[]> lora = new("--lora")
    {
        HelpName = "FILE[:SCALE]", Description = "A LoRA file for UNet and text encoder (PEFT, diffusers, kohya); may be repeated. [default scale: 1]", Arity = ArgumentArity.OneOrMore,
    };

    public void AddTo(Command command)
    {
        command.Add(tuned);
        command.Add(lora);
    }

    /// <summary>Null: neither was given.</summary>
    public SampleTuning? Of(ParseResult parsed)
    {
        var (delta, files) = (parsed.GetValue(tuned), parsed.GetValue(lora) ?? []);
        if (delta is null && files.Length == 0) return null;
        if (delta is not null && !Path.Exists(delta)) throw new UsageException($"--tuned: {delta}: no such file");
        return new() { Delta = delta is null ? null : StoredFile.Of(TunedDelta.FileOf(delta)), Loras = [.. files.Select(Lora)] };
    }

    private static SampleLora Lora(string given)
    {
        var (path, scale) = (given, 1.0);
        if (!File.Exists(given) && given.LastIndexOf(':') is > 0 and var colon)
        {
            path = given[..colon];
            if (!double.TryParse(given[(colon + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out scale) || !(Math.Abs(scale) <= 100)) throw new UsageException($"--lora: '{given}' was given, a scale from -100 to 100 was wanted behind the colon");
        }

        return File.Exists(path) ? new(StoredFile.Of(path), scale) : throw new UsageException($"--lora: {path}: no such file");
    }
}
