using System.Text.RegularExpressions;
using Obverse.Files;

namespace Obverse;

/// <summary>The matrix of a transform attribute.</summary>
internal static partial class SvgTransform
{
    public static Matrix3 Matrix(string text, string where)
    {
        var matrix = Matrix3.Identity;
        if (text == "none") return matrix;
        var at = 0;
        foreach (Match function in Function().Matches(text))
        {
            if (function.Index != at) break;
            at += function.Length;
            var (name, arguments) = (function.Groups[1].Value, function.Groups[2].Value);
            double[] n = Arguments().IsMatch(arguments) ? [.. SvgNumbers.In(arguments, where)] : [];
            matrix *= (name, n.Length) switch
            {
                ("translate", 1 or 2) => Matrix3.Translation(n[0], n.Length > 1 ? n[1] : 0),
                ("scale", 1 or 2) => Matrix3.Scaling(n[0], n.Length > 1 ? n[1] : n[0]),
                ("rotate", 1) => Rotation(n[0]),
                ("rotate", 3) => Matrix3.Translation(n[1], n[2]) * Rotation(n[0]) * Matrix3.Translation(-n[1], -n[2]),
                ("skewX", 1) => new(1, Math.Tan(n[0] * Math.PI / 180), 0, 0, 1, 0, 0, 0, 1),
                ("skewY", 1) => new(1, 0, 0, Math.Tan(n[0] * Math.PI / 180), 1, 0, 0, 0, 1),
                ("matrix", 6) => new(n[0], n[2], n[4], n[1], n[3], n[5], 0, 0, 1),
                _ => throw new InvalidDataException(Visible.Of($"{where}: the transform '{function.Value.Trim()}' is not read; translate, scale, rotate, skewX, skewY and matrix with their numbers are")),
            };
        }

        return at == text.Length ? matrix : throw new InvalidDataException(Visible.Of($"{where}: the transform '{text[at..]}' is not read; functions such as rotate(45) were wanted"));
    }

    private static Matrix3 Rotation(double degrees) => Math.SinCos(degrees * Math.PI / 180) is var (sin, cos) ? new(cos, -sin, 0, sin, cos, 0, 0, 0, 1) : default;

    [GeneratedRegex(@"[\s,]*(\w+)\s*\(([^()]*)\)[\s,]*", RegexOptions.CultureInvariant)]
    private static partial Regex Function();

    [GeneratedRegex($@"^(?:[\s,]*(?>{SvgNumbers.Pattern})(?:px|deg)?)*[\s,]*$", RegexOptions.CultureInvariant)]
    private static partial Regex Arguments();
}
