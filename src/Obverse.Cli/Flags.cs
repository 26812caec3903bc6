using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>Options whose errors name them, what was given and what was wanted.</summary>
internal static class Flags
{
    public static Option<string?> Text(string name, string what, string description) => new(name) { HelpName = what, Description = description };

    public static Option<bool> Switch(string name, string description) => new(name) { Description = description };

    public static Option<int?> Whole(string name, string description, int low, int high) => Parsed<int?>(name, "N", description,
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) && n >= low && n <= high ? n : throw new FormatException($"a whole number from {low} to {high} was wanted"));

    public static Option<PictureSize?> Size(string name, string description) => Parsed<PictureSize?>(name, "N|WxH", description, text => PictureSize.Parse(text));

    public static Option<Torch.Device?> Device() => Parsed<Torch.Device?>("--device", "cpu|cuda[:N]", "Where to compute; cuda wants a libtorch that has it (OBVERSE_LIBTORCH=DIR). [default: cpu]", text => Torch.Device.Parse(text));

    public static Option<Torch.Precision?> Precision() => Parsed<Torch.Precision?>("--precision", "auto|fp32|bf16", "What the towers compute in; auto is bf16 where the processor multiplies it in hardware (`obverse info`). [default: auto]", text => Torch.Precisions.Parse(text));

    /// <summary>A value that <paramref name="parse"/> makes, or refuses by a FormatException that says what was wanted.</summary>
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
