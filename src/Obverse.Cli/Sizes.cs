using System.Globalization;

namespace Obverse.Cli;

/// <summary>Bytes as people read them: "463 B", "311.4 kB", "19.4 MB".</summary>
internal static class Sizes
{
    public static string Show(double bytes)
    {
        string[] units = ["B", "kB", "MB", "GB", "TB"];
        var unit = 0;
        for (; bytes >= 999.95 && unit < units.Length - 1; unit++) bytes /= 1000;
        return bytes.ToString(unit == 0 ? "0" : "0.0", CultureInfo.InvariantCulture) + " " + units[unit];
    }
}
