using System.Globalization;
using System.Text.RegularExpressions;
using Obverse.Files;

namespace Obverse;

/// <summary>The numbers of an SVG: lengths, shares, lists. One that cannot be read is an <see cref="InvalidDataException"/> that says where.</summary>
internal static partial class SvgNumbers
{
    public const string Pattern = @"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"; // not \d, which other scripts' digits match too

    /// <summary>All numbers of a text, whatever is between them.</summary>
    public static IEnumerable<double> In(string text, string where) => Number().Matches(text).Select(match => Parse(match.Value, where));

    /// <summary>A number that float32 can hold.</summary>
    public static double Parse(string text, string where, double unit = 1) => double.Parse(text, CultureInfo.InvariantCulture) * unit is var number && Math.Abs(number) <= float.MaxValue ? number : throw new InvalidDataException(Visible.Of($"{where}: the number {text} is too large"));

    /// <summary>A length in pixels, 96 to the inch (CSS Values 4, section 6.2); percentages are of <paramref name="whole"/>.</summary>
    public static double Length(string text, string name, double whole, string where)
    {
        var match = Measure().Match(text);
        double? unit = match.Groups[2].Value.ToLowerInvariant() switch
        {
            "" or "px" => 1,
            "mm" => 96 / 25.4,
            "cm" => 96 / 2.54,
            "q" => 96 / 101.6,
            "in" => 96,
            "pt" => 96 / 72.0,
            "pc" => 16,
            "em" or "rem" => 16, // of the initial font size
            "ex" => 8,
            "%" => whole / 100,
            _ => null,
        };
        return match.Success && unit is not null ? Parse(match.Groups[1].Value, where, unit.Value)
            : throw new InvalidDataException(Visible.Of($"{where}: the {name} '{text}' is no length; a number was wanted, or one in px, mm, cm, in, pt, pc or %"));
    }

    /// <summary>An opacity, "0.5" or "50%", in [0, 1].</summary>
    public static double Share(string text, string name, string where)
    {
        var match = Measure().Match(text);
        return match.Success && match.Groups[2].Value is ("" or "%") ? Math.Clamp(Parse(match.Groups[1].Value, where, match.Groups[2].Value == "%" ? 0.01 : 1), 0, 1)
            : throw new InvalidDataException(Visible.Of($"{where}: the {name} '{text}' is no number; one such as 0.5 or 50% was wanted"));
    }

    [GeneratedRegex(Pattern, RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex($"^({Pattern})([A-Za-z]*|%)$", RegexOptions.CultureInvariant)]
    private static partial Regex Measure();
}
