using System.Globalization;
using System.Text.RegularExpressions;

namespace Obverse;

/// <summary>Colours as CSS writes them (CSS Color 4): hexadecimal, rgb(), hsl(), and 148 names.</summary>
internal static partial class SvgColor
{
    /// <summary>RGBA in [0, 1]; null: no such colour.</summary>
    public static float[]? Parse(string text)
    {
        text = text.Trim().ToLowerInvariant();
        if (text == "transparent") return [0, 0, 0, 0];
        if (text is ['#', .. var digits]) return Hexadecimal(digits);
        if (Function().Match(text) is { Success: true } function) return OfFunction(function.Groups[1].Value == "hsl", function.Groups[2].Value.Split([' ', '\t', '\r', '\n', ',', '/'], StringSplitOptions.RemoveEmptyEntries));
        var named = System.Drawing.Color.FromName(text.Replace("grey", "gray", StringComparison.Ordinal)); // .NET knows CSS's names, grey in one spelling, and the desktop's colours besides
        return named is { IsKnownColor: true, IsSystemColor: false } ? [named.R / 255f, named.G / 255f, named.B / 255f, 1] : null;
    }

    private static float[]? Hexadecimal(string digits)
    {
        if (digits.Length is 3 or 4) digits = string.Concat(digits.Select(digit => $"{digit}{digit}"));
        if (digits.Length is not (6 or 8) || !uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _)) return null;
        float Part(int at) => Convert.ToInt32(digits.Substring(at, 2), 16) / 255f;
        return [Part(0), Part(2), Part(4), digits.Length == 8 ? Part(6) : 1];
    }

    private static float[]? OfFunction(bool isHsl, string[] arguments)
    {
        Match[] parts = [.. arguments.Select(argument => Argument().Match(argument))];
        if (parts.Length is not (3 or 4) || parts.Where((part, i) => !part.Success || (part.Groups[2].Value is not ("" or "%") && !(isHsl && i == 0))).Any()) return null;
        double Number(int i) => double.Parse(parts[i].Groups[1].Value, CultureInfo.InvariantCulture);
        double Share(int i, double whole) => Math.Clamp(Number(i) / (parts[i].Groups[2].Value == "%" ? 100 : whole), 0, 1);
        var alpha = (float)(parts.Length == 4 ? Share(3, 1) : 1);
        if (!isHsl) return [(float)Share(0, 255), (float)Share(1, 255), (float)Share(2, 255), alpha];

        var turns = Number(0) / (parts[0].Groups[2].Value switch { "turn" => 1, "grad" => 400, "rad" => 2 * Math.PI, _ => 360 });
        if (!double.IsFinite(turns) || parts[0].Groups[2].Value == "%") return null;
        var (saturation, lightness) = (Share(1, 100), Share(2, 100));
        float Channel(int n) // CSS Color 4, section 7.1
        {
            var k = (n + 12 * (turns - Math.Floor(turns))) % 12;
            return (float)(lightness - saturation * Math.Min(lightness, 1 - lightness) * Math.Max(-1, Math.Min(Math.Min(k - 3, 9 - k), 1)));
        }

        return [Channel(0), Channel(8), Channel(4), alpha];
    }

    [GeneratedRegex(@"^(rgb|hsl)a?\(([^()]*)\)$", RegexOptions.CultureInvariant)]
    private static partial Regex Function();

    [GeneratedRegex($"^({SvgNumbers.Pattern})(%|deg|grad|rad|turn)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Argument();
}
