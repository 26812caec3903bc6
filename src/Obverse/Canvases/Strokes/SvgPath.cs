using System.Globalization;
using System.Text.RegularExpressions;
using Obverse.Files;

namespace Obverse;

/// <summary>The numbers of an SVG: path data as cubic curves, transforms as matrices.</summary>
internal static partial class SvgPath
{
    /// <summary>All numbers of a text.</summary>
    public static IEnumerable<double> Numbers(string text) => Number().Matches(text).Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture)).Where(double.IsFinite);

    /// <summary>The subpaths of path data, each 3 s + 1 points as x, y, x, y …; lines and quadratic curves become cubic ones.</summary>
    /// <exception cref="InvalidDataException">Arcs, which are not read; or numbers are missing.</exception>
    public static List<List<double>> Curves(string data, string source)
    {
        List<List<double>> paths = [];
        List<double>? path = null;
        var (x, y, startX, startY, controlX, controlY, last) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, ' ');
        foreach (Match command in Command().Matches(data))
        {
            var letter = command.Value[0];
            var (kind, isRelative) = (char.ToUpperInvariant(letter), char.IsLower(letter));
            double[] numbers = [.. Numbers(command.Value[1..])];
            var wants = kind switch { 'M' or 'L' or 'T' => 2, 'H' or 'V' => 1, 'C' => 6, 'S' or 'Q' => 4, 'Z' => 0, _ => throw new InvalidDataException(Visible.Of($"{source}: the path command '{letter}' is not read; M, L, H, V, C, S, Q, T and Z are")) };
            if (wants > 0 && (numbers.Length == 0 || numbers.Length % wants != 0)) throw new InvalidDataException(Visible.Of($"{source}: {numbers.Length} numbers after the path command '{letter}'; a multiple of {wants} was wanted"));
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

    /// <summary>The matrix of a transform attribute.</summary>
    public static Matrix3 Transform(string text)
    {
        var matrix = Matrix3.Identity;
        foreach (Match function in Function().Matches(text))
        {
            double[] n = [.. Numbers(function.Groups[2].Value)];
            matrix *= (function.Groups[1].Value, n.Length) switch
            {
                ("translate", >= 1) => Matrix3.Translation(n[0], n.Length > 1 ? n[1] : 0),
                ("scale", >= 1) => Matrix3.Scaling(n[0], n.Length > 1 ? n[1] : n[0]),
                ("rotate", 1) => Rotation(n[0]),
                ("rotate", 3) => Matrix3.Translation(n[1], n[2]) * Rotation(n[0]) * Matrix3.Translation(-n[1], -n[2]),
                ("matrix", 6) => new(n[0], n[2], n[4], n[1], n[3], n[5], 0, 0, 1),
                _ => Matrix3.Identity,
            };
        }

        return matrix;
    }

    private static Matrix3 Rotation(double degrees) => Math.SinCos(degrees * Math.PI / 180) is var (sin, cos) ? new(cos, -sin, 0, sin, cos, 0, 0, 0, 1) : default;

    [GeneratedRegex(@"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"[A-DF-Za-df-z][^A-DF-Za-df-z]*", RegexOptions.CultureInvariant)]
    private static partial Regex Command();

    [GeneratedRegex(@"(\w+)\s*\(([^)]*)\)", RegexOptions.CultureInvariant)]
    private static partial Regex Function();
}
