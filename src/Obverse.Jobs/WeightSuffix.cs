using System.Globalization;
using System.Text.RegularExpressions;

namespace Obverse.Jobs;

/// <summary>The weight behind the last colon of a prompt's part. Times, ratios and addresses have colons too: behind a digit or after <c>//</c>, a colon is text, unless a space stands before it and none after (<c>a car of 1950 :0.5</c>).</summary>
internal static partial class WeightSuffix
{
    /// <summary>More is a year, a port or a mistake.</summary>
    public const double Most = 1000;

    /// <summary>What stands before the colon, and the number; null: the part is text to its end.</summary>
    /// <param name="part">Text, or a picture's path.</param>
    /// <param name="anyway">Whether a digit before the colon says nothing: the path before it is a file's.</param>
    /// <exception cref="FormatException">A weight was meant and is none: not finite, too large, with a comma, or of nothing.</exception>
    public static (string Text, double Weight)? Of(string part, bool anyway = false)
    {
        var colon = part.LastIndexOf(':');
        if (colon < 0) return null;
        var (text, number) = (part[..colon], part[(colon + 1)..]);
        if (text.EndsWith('\\') || (!anyway && IsOrdinary(text, number)) || !Meant().IsMatch(number)) return null;
        FormatException Bad(string why) => new($"\"{part.Trim()}\": {why}; where the colon is text, write \\:");
        if (text.Trim().Length == 0) throw Bad("a weight with nothing before it");
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) || double.IsNaN(weight)) throw Bad($"'{number.Trim()}' is no weight, a number such as 0.5 or -0.3 is wanted");
        return Math.Abs(weight) <= Most ? (text, weight) : throw Bad(string.Create(CultureInfo.InvariantCulture, $"the weight {number.Trim()} is out of range, {-Most} to {Most} is wanted"));
    }

    /// <summary>Whether a text ends in what would be a weight, were it not for the digit before the colon: a fraction or a sign, which no time or ratio has.</summary>
    public static bool IsDoubtful(string text) => Fraction().IsMatch(text);

    private static bool IsOrdinary(string text, string number)
    {
        if (text.Contains("//", StringComparison.Ordinal)) return true;
        var isSpaced = text.EndsWith(' ') && !number.StartsWith(' ');
        return !isSpaced && text.TrimEnd() is [.., var last] && char.IsDigit(last);
    }

    // Numbers, and what people write for one: decimal commas, other dashes, percents, nan and inf.
    [GeneratedRegex(@"^(\s*[-+−–]?(\d+([.,]\d*)*|[.,]\d+)(e[-+]?\d+)?\s*%?|[-+−–]?(nan|inf|infinity|∞))\s*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Meant();

    [GeneratedRegex(@"\d\s*:\s*([-+]\d+(\.\d+)?|[-+]?\d*\.\d+)$")]
    private static partial Regex Fraction();
}
