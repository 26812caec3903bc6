using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>Makers of options: shared ones, and typed ones whose errors name the option, the value given and the value wanted.</summary>
internal static class Flags
{
    public static Option<string?> Text(string name, string what, string description) => new(name) { HelpName = what, Description = description };

    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    public static Option<int?> Whole(string name, string description, int low, int high) => Parsed<int?>(name, "N", description,
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) && n >= low && n <= high ? n : throw new FormatException($"a whole number from {low} to {high} was wanted"));

    public static Option<double?> Number(string name, string what, string description, double low, double high) => Parsed<double?>(name, what, description,
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var x) && x >= low && x <= high ? x : throw new FormatException($"a number from {low} to {high} was wanted"));

    public static Option<int?> Threads(string description = "Processor cores to use. [default: all]") => Whole("--threads", description, 1, 1024);

    public static Option<int?> Workers() => Whole("--workers", "Pictures to draw in parallel, one core each. [default: all cores]", 1, 1024);

    public static Option<bool> Json(string description = "Print progress and result as JSON lines.") => Switch("--json", description);

    public static Option<string?> Model(string description = "The CLIP to use: a folder, a file, a zoo name or a hub repository.", string usual = LoadedModel.Default) => Text("--model", "MODEL", $"{description} [default: {usual}]");

    public static Option<string?> Judge() => Text("--judge", "MODEL", $"The model that judges. [default: {LoadedModel.JudgeName}]");

    public static Option<int?> Seed(string of = "the random numbers", string usual = "0") => Whole("--seed", $"Seed of {of}. [default: {usual}]", 0, int.MaxValue);

    public static Option<(int Index, int Of)?> Shard(string description) => Parsed<(int, int)?>("--shard", "I/N", description, text =>
        text.Split('/') is [var i, var n] && int.TryParse(i, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var of) && index >= 1 && index <= of
            ? (index, of) : throw new FormatException("I/N was wanted, I from 1 to N"));

    public static Option<PictureSize?> Size(string name, string description) => Parsed<PictureSize?>(name, "N|WxH", description, text => PictureSize.Parse(text));

    public static Option<Torch.Device?> Device() => Parsed<Torch.Device?>("--device", "cpu|cuda[:N]", "Device to compute on; cuda needs a CUDA build of libtorch (OBVERSE_LIBTORCH=DIR). [default: cpu]", text => Torch.Device.Parse(text));

    public static Option<Torch.Precision?> Precision() => Parsed<Torch.Precision?>("--precision", "auto|fp32|bf16", "Precision of the encoders; auto is bf16 where the processor has bf16 instructions (`obverse info`). [default: auto]", text => Torch.Precisions.Parse(text));

    /// <summary>A value made by <paramref name="parse"/>, which throws a FormatException that says what was wanted.</summary>
    public static Option<T> Parsed<T>(string name, string what, string description, Func<string, T> parse) => new(name)
    {
        HelpName = what, Description = description, Arity = ArgumentArity.ExactlyOne,
        CustomParser = result => Try(result, name, parse),
    };

    private static T Try<T>(ArgumentResult result, string name, Func<string, T> parse)
    {
        var text = result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
        try
        {
            return parse(text);
        }
        catch (FormatException wrong)
        {
            result.AddError($"{name}: '{text}' was given, {wrong.Message}");
            return default!;
        }
    }
}
