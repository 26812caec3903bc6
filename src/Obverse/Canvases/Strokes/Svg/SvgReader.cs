using System.Xml;
using System.Xml.Linq;
using Obverse.Files;

namespace Obverse;

/// <summary>Walks the elements of an SVG and collects their strokes, and what of it is left out.</summary>
internal sealed class SvgReader(XElement root, string source, double boxWidth, double boxHeight, long width, long height, double widest)
{
    private const int MostStrokes = 8192, MostNamed = 6;
    private const double Farthest = 1e7; // pixels: their squares are float32 in the kernel

    // Said nothing of: they draw nothing by themselves.
    private static readonly HashSet<string> unseen = ["defs", "clipPath", "mask", "symbol", "marker", "pattern", "linearGradient", "radialGradient", "filter", "style", "script", "title", "desc", "metadata", "view", "animate", "animateTransform", "animateMotion", "set"];
    private readonly SvgStylesheet sheet = new(root);
    private readonly List<StrokePath> strokes = [];
    private readonly List<string> left = [];
    private int seen, outlines;

    public StrokePath[] Read(Matrix3 place, Action<string>? onRemark)
    {
        Walk(root, place, new(), 0);
        if (strokes.Count == 0) throw new InvalidDataException(Visible.Of($"{source}: an SVG without a path, line or another shape to draw{(left.Count > 0 ? $"; not read: {Few(left)}" : "")}"));
        if (left.Count > 0) onRemark?.Invoke($"{source}: {left.Count} of {seen} elements {(left.Count == 1 ? "is no stroke" : "are not strokes")} ({Few(left)}) and {(left.Count == 1 ? "was" : "were")} left out");
        if (outlines > 0) onRemark?.Invoke($"{source}: {outlines} of {seen} elements {(outlines == 1 ? "has a fill and no stroke: its outline is" : "have a fill and no stroke: their outlines are")} drawn");
        if (sheet.Unread.Any()) onRemark?.Invoke($"{source}: not read of its style sheet: {Few(sheet.Unread)}; selectors of a type, class or id are");
        return [.. strokes];
    }

    private static string Few(IEnumerable<string> names) => names.Distinct().ToArray() is var all && all.Length > MostNamed ? $"{string.Join(", ", all[..MostNamed])} and {all.Length - MostNamed} more" : string.Join(", ", all);

    private void Walk(XElement element, Matrix3 place, SvgStyle style, int depth)
    {
        if (depth > 64) throw new InvalidDataException($"{source}: groups are nested too deeply");
        var (name, declared) = (element.Name.LocalName, sheet.Declared(element));
        if (declared.GetValueOrDefault("display") == "none") return;
        var where = $"{source}: line {((IXmlLineInfo)element).LineNumber}, <{name}{(declared.TryGetValue("id", out var id) ? $" id=\"{id}\"" : "")}>";
        style = style.Of(declared, Math.Sqrt((boxWidth * boxWidth + boxHeight * boxHeight) / 2), where);
        if (declared.TryGetValue("transform", out var transform)) place *= SvgTransform.Matrix(transform, where);
        if (name is "svg" or "g" or "a" or "switch")
        {
            foreach (var child in element.Elements().Where(child => child.Name.Namespace == root.Name.Namespace && !unseen.Contains(child.Name.LocalName))) Walk(child, place, style, depth + 1);
        }
        else if (style.IsVisible)
        {
            Draw(name, declared, place, style, where);
        }
    }

    private void Draw(string name, Dictionary<string, string> declared, Matrix3 place, SvgStyle style, string where)
    {
        if (SvgShapes.Curves(name, declared, boxWidth, boxHeight, where) is not { } curves)
        {
            LeaveOut(name);
            return;
        }

        var (isOutline, color) = (false, Color("stroke", style.Stroke, style, where));
        if (color is [.., 0] && name != "line") (isOutline, color) = (true, Color("fill", style.Fill, style, where)); // a line encloses nothing
        if (color is [.., 0] || curves.Count == 0 || (!isOutline && style.Width == 0)) return; // nothing is seen of it anywhere
        var paths = curves.ConvertAll(curve => Placed(curve, place, where));
        if (color is null) LeaveOut($"{name} with a gradient or pattern");
        else if (name == "rect" && isOutline && Covers(paths[0]))
        {
            if (color is not [1, 1, 1, ..]) LeaveOut("rect behind all, which is white paper here"); // strokes are on white paper
        }
        else
        {
            (seen, outlines) = (seen + 1, outlines + (isOutline ? 1 : 0));
            var wide = isOutline && style.Width == 0 ? 1 : style.Width;
            var half = (float)Math.Clamp(wide * Math.Sqrt(Math.Abs(place.A * place.E - place.B * place.D)) / 2, 1, widest);
            if (float.IsNaN(half)) throw new InvalidDataException(Visible.Of($"{where}: its transforms are too large"));
            strokes.AddRange(paths.Select(points => new StrokePath(points, half, [color[0], color[1], color[2], (float)(color[3] * style.Opacity * (isOutline ? style.FillOpacity : style.StrokeOpacity))])));
            if (strokes.Count > MostStrokes) throw new InvalidDataException($"{source}: more than {MostStrokes} strokes");
        }
    }

    private void LeaveOut(string what)
    {
        seen++;
        left.Add(what);
    }

    // RGBA, transparent for "none"; null: a gradient or pattern.
    private static float[]? Color(string what, string paint, SvgStyle style, string where) => style.ColorOf(paint) is not { } text ? null : text.Equals("none", StringComparison.OrdinalIgnoreCase) ? [0, 0, 0, 0]
        : SvgColor.Parse(text) ?? throw new InvalidDataException(Visible.Of($"{where}: the {what} '{text}' is no colour that is read; #rrggbb, rgb(), hsl(), a name of CSS or none was wanted"));

    private static float[] Placed(List<double> curve, Matrix3 place, string where)
    {
        var points = new float[curve.Count];
        for (var k = 0; k < points.Length; k += 2)
        {
            var (x, y) = (place.A * curve[k] + place.B * curve[k + 1] + place.C, place.D * curve[k] + place.E * curve[k + 1] + place.F);
            if (!(Math.Abs(x) <= Farthest && Math.Abs(y) <= Farthest)) throw new InvalidDataException(Visible.Of(FormattableString.Invariant($"{where}: a point is at ({x:G3}, {y:G3}) pixels; up to {Farthest:G3} were wanted")));
            (points[k], points[k + 1]) = ((float)x, (float)y);
        }

        return points;
    }

    private bool Covers(float[] points)
    {
        var (x, y) = (points.Where((_, k) => k % 2 == 0).ToArray(), points.Where((_, k) => k % 2 == 1).ToArray());
        return x.Min() <= 0 && x.Max() >= width && y.Min() <= 0 && y.Max() >= height;
    }
}
