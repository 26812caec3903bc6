using System.Globalization;
using System.Text.RegularExpressions;

namespace Obverse.Jobs;

/// <summary>Durations, read and printed: "60s", "2m", "1m30s", "1h", "90".</summary>
public static partial class Durations
{
    public static TimeSpan? Parse(string text)
    {
        var match = Shape().Match(text);
        double Part(string name) => match.Groups[name].Success ? double.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture) : 0;
        var seconds = match.Success ? Part("h") * 3600 + Part("m") * 60 + Part("s") : 0;
        return seconds is >= 1 and <= 7 * 86400 ? TimeSpan.FromSeconds(seconds) : throw new FormatException("a time of one second to a week was wanted, such as 60s, 2m or 1m30s");
    }

    public static string Show(double seconds) => !double.IsFinite(seconds) ? "?" : seconds < 9.95 ? seconds.ToString("0.0", CultureInfo.InvariantCulture) + " s" : seconds < 90 ? $"{seconds:0} s" : seconds < 5400 ? $"{(int)seconds / 60} min {(int)seconds % 60:00} s" : $"{(int)seconds / 3600} h {(int)seconds % 3600 / 60:00} min";

    [GeneratedRegex(@"^(?=.)((?<h>\d+(\.\d+)?)h)?((?<m>\d+(\.\d+)?)m)?((?<s>\d+(\.\d+)?)s?)?$")]
    private static partial Regex Shape();
}
