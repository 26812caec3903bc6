using System.Text.RegularExpressions;
using Obverse.Files;

namespace Obverse;

/// <summary>Path data as cubic curves (SVG 2, section 9.3).</summary>
internal static partial class SvgPath
{
    /// <summary>The subpaths of path data, each 3 s + 1 points as x, y, x, y …; lines, quadratic curves and arcs become cubic ones.</summary>
    /// <exception cref="InvalidDataException">Another command; or numbers are missing.</exception>
    public static List<List<double>> Curves(string data, string where)
    {
        List<List<double>> paths = [];
        List<double>? path = null;
        var (x, y, startX, startY, controlX, controlY, last) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ' ');
        foreach (Match command in Command().Matches(data))
        {
            var letter = command.Value[0];
            var (kind, isRelative) = (char.ToUpperInvariant(letter), char.IsLower(letter));
            double[] numbers = [.. kind == 'A' ? ArcNumbers(command.Value[1..], where) : SvgNumbers.In(command.Value[1..], where)];
            var wants = kind switch { 'M' or 'L' or 'T' => 2, 'H' or 'V' => 1, 'C' => 6, 'S' or 'Q' => 4, 'A' => 7, 'Z' => 0, _ => throw new InvalidDataException(Visible.Of($"{where}: the path command '{letter}' is not read; M, L, H, V, C, S, Q, T, A and Z are")) };
            if (wants > 0 && (numbers.Length == 0 || numbers.Length % wants != 0)) throw new InvalidDataException(Visible.Of($"{where}: {numbers.Length} numbers after the path command '{letter}'; a multiple of {wants} was wanted"));
            for (var at = 0; at < Math.Max(1, numbers.Length); at += Math.Max(1, wants))
            {
                double X(int k) => numbers[at + k] + (isRelative ? x : 0);
                double Y(int k) => numbers[at + k] + (isRelative ? y : 0);
                if (kind == 'M' && at == 0)
                {
                    (x, y) = (X(0), Y(1));
                    (startX, startY, path) = (x, y, null);
                    last = 'M';
                    continue;
                }

                if (kind == 'A')
                {
                    if (path is null) paths.Add(path = [x, y]);
                    path.AddRange(SvgArc.Curves(x, y, numbers[at..(at + 5)], X(5), Y(6)));
                    (x, y, last) = (X(5), Y(6), kind);
                    continue;
                }

                var (toX, toY, ax, ay, bx, by) = kind switch
                {
                    'M' or 'L' => Line(X(0), Y(1)),
                    'H' => Line(X(0), y),
                    'V' => Line(x, Y(0)),
                    'Z' => Line(startX, startY),
                    'C' => (X(4), Y(5), X(0), Y(1), X(2), Y(3)),
                    'S' => (X(2), Y(3), last is 'C' or 'S' ? 2 * x - controlX : x, last is 'C' or 'S' ? 2 * y - controlY : y, X(0), Y(1)),
                    'Q' => Quadratic(X(0), Y(1), X(2), Y(3)),
                    _ => Quadratic(last is 'Q' or 'T' ? 2 * x - controlX : x, last is 'Q' or 'T' ? 2 * y - controlY : y, X(0), Y(1)),
                };
                (double, double, double, double, double, double) Line(double endX, double endY) => (endX, endY, x + (endX - x) / 3, y + (endY - y) / 3, x + (endX - x) * 2 / 3, y + (endY - y) * 2 / 3);
                (double, double, double, double, double, double) Quadratic(double cx, double cy, double endX, double endY)
                {
                    (controlX, controlY) = (cx, cy);
                    return (endX, endY, x + (cx - x) * 2 / 3, y + (cy - y) * 2 / 3, endX + (cx - endX) * 2 / 3, endY + (cy - endY) * 2 / 3);
                }

                if (kind is 'C' or 'S') (controlX, controlY) = (bx, by);
                if (path is null) paths.Add(path = [x, y]);
                if (kind != 'Z' || (x, y) != (startX, startY)) path.AddRange([ax, ay, bx, by, toX, toY]);
                (x, y, last) = (toX, toY, kind);
                if (kind == 'Z') path = null;
            }
        }

        paths.RemoveAll(one => one.Count < 8);
        return paths;
    }

    // A flag is one digit and needs nothing after it: "1 1 0 01.5.5" ends at (0.5, 0.5).
    private static IEnumerable<double> ArcNumbers(string text, string where)
    {
        for (int at = 0, i = 0; (i % 7 is 3 or 4 ? Flag() : Number()).Match(text, at) is { Success: true } match; i++)
        {
            yield return SvgNumbers.Parse(match.Groups[1].Value, where);
            at = match.Index + match.Length;
        }
    }

    [GeneratedRegex($"({SvgNumbers.Pattern})", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"\G[\s,]*([01])", RegexOptions.CultureInvariant)]
    private static partial Regex Flag();

    [GeneratedRegex(@"[A-DF-Za-df-z][^A-DF-Za-df-z]*", RegexOptions.CultureInvariant)]
    private static partial Regex Command();
}
