using Obverse.Files;

namespace Obverse;

/// <summary>What percentages inside an svg or symbol element are of, and where its units lie in the picture (SVG 2, sections 7.2 and 8.2).</summary>
internal readonly record struct SvgViewport(double Width, double Height, Matrix3 Place)
{
    public double Diagonal => Math.Sqrt((Width * Width + Height * Height) / 2);

    /// <summary>That of an svg or symbol element within this one; null: one without a side, of which nothing is drawn.</summary>
    /// <param name="declared">x, y, width, height (for a symbol those of its use element), viewBox and preserveAspectRatio.</param>
    public SvgViewport? Inner(IReadOnlyDictionary<string, string> declared, string where)
    {
        double Length(string name, double whole, double otherwise) => declared.TryGetValue(name, out var text) && text is not "auto" ? SvgNumbers.Length(text, name, whole, where) : otherwise;
        var (x, y, width, height) = (Length("x", Width, 0), Length("y", Height, 0), Length("width", Width, Width), Length("height", Height, Height));
        if (width <= 0 || height <= 0) return null;
        var corner = Place * Matrix3.Translation(x, y);
        double[] box = [.. SvgNumbers.In(declared.GetValueOrDefault("viewBox", ""), where)];
        if (box is not [var left, var top, var wide, var high]) return new(width, height, corner);
        if (wide <= 0 || high <= 0) return null;
        return new(wide, high, corner * Fit(declared.GetValueOrDefault("preserveAspectRatio", ""), width, height, wide, high, where) * Matrix3.Translation(-left, -top));
    }

    // "xMidYMid meet": the whole box as large as fits, in the middle; "slice": as large as covers; "none": stretched.
    private static Matrix3 Fit(string text, double width, double height, double wide, double high, string where)
    {
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var (x, y) = (width / wide, height / high);
        var align = words.Length > 0 ? words[0] : "xMidYMid";
        if (align == "none") return Matrix3.Scaling(x, y);
        double Share(string word) => word switch { "Min" => 0, "Mid" => 0.5, "Max" => 1, _ => double.NaN };
        var (atX, atY) = align is ['x', _, _, _, 'Y', _, _, _] ? (Share(align[1..4]), Share(align[5..])) : (double.NaN, double.NaN);
        if (double.IsNaN(atX + atY) || words.Length > 2 || (words.Length == 2 && words[1] is not ("meet" or "slice")))
            throw new InvalidDataException(Visible.Of($"{where}: the preserveAspectRatio '{text}' is not read; none, or a place such as xMidYMid with meet or slice, was wanted"));
        var scale = words.Length == 2 && words[1] == "slice" ? Math.Max(x, y) : Math.Min(x, y);
        return Matrix3.Translation((width - wide * scale) * atX, (height - high * scale) * atY) * Matrix3.Scaling(scale, scale);
    }
}
