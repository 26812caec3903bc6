using System.Xml;
using System.Xml.Linq;
using Obverse.Files;

namespace Obverse;

/// <summary>Walks the elements of an SVG and collects their strokes, and what of it is left out.</summary>
internal sealed class SvgReader(XElement root, string source, long width, long height, double widest)
{
    private const int MostStrokes = 8192, MostElements = 1 << 18, MostNamed = 6;
    private const double Farthest = 1e7; // pixels: their squares are float32 in the kernel

    // Said nothing of: they draw nothing by themselves.
    private static readonly HashSet<string> unseen = ["defs", "clipPath", "mask", "symbol", "marker", "pattern", "linearGradient", "radialGradient", "filter", "style", "script", "title", "desc", "metadata", "view", "animate", "animateTransform", "animateMotion", "set"];
    // Strokes are drawn without these.
    private static readonly string[] ignored = ["clip-path", "mask", "filter", "stroke-dasharray", "marker", "marker-start", "marker-mid", "marker-end"];
    private readonly SvgStylesheet sheet = new(root);
    private readonly Lazy<ILookup<string, XElement>> byId = new(() => root.DescendantsAndSelf().Where(element => element.Attribute("id") is not null).ToLookup(element => element.Attribute("id")!.Value));
    private readonly List<StrokePath> strokes = [];
    private readonly List<string> left = [];
    private readonly SortedSet<string> without = [];
    private int walked, seen, outlines;

    /// <param name="viewport">That inside the root.</param>
    public StrokePath[] Read(SvgViewport viewport, Action<string>? onRemark)
    {
        Walk(root, viewport, new(), 0);
        if (strokes.Count == 0) throw new InvalidDataException(Visible.Of($"{source}: an SVG without a path, line or another shape to draw{(left.Count > 0 ? $"; not read: {Few(left)}" : "")}"));
        if (left.Count > 0) onRemark?.Invoke($"{source}: {left.Count} of {seen} elements {(left.Count == 1 ? "is no stroke" : "are not strokes")} ({Few(left)}) and {(left.Count == 1 ? "was" : "were")} left out");
        if (outlines > 0) onRemark?.Invoke($"{source}: {outlines} of {seen} elements {(outlines == 1 ? "has a fill and no stroke: its outline is" : "have a fill and no stroke: their outlines are")} drawn");
        if (without.Count > 0) onRemark?.Invoke($"{source}: its strokes are drawn without {string.Join(", ", without)}");
        if (sheet.Unread.Any()) onRemark?.Invoke($"{source}: not read of its style sheet: {Few(sheet.Unread)}; selectors of a type, class or id are");
        return [.. strokes];
    }

    private static string Few(IEnumerable<string> names) => names.Distinct().ToArray() is var all && all.Length > MostNamed ? $"{string.Join(", ", all[..MostNamed])} and {all.Length - MostNamed} more" : string.Join(", ", all);

    // user: the use element that stands in this one's place
    private void Walk(XElement element, SvgViewport viewport, SvgStyle style, int depth, Dictionary<string, string>? user = null)
    {
        if (depth > 64) throw new InvalidDataException($"{source}: groups are nested too deeply, or an element uses itself");
        if (++walked > MostElements) throw new InvalidDataException($"{source}: more than {MostElements} elements, each as often as it is used");
        var (name, declared) = (element.Name.LocalName, sheet.Declared(element));
        if (declared.GetValueOrDefault("display") == "none") return;
        var where = $"{source}: line {((IXmlLineInfo)element).LineNumber}, <{name}{(declared.TryGetValue("id", out var id) ? $" id=\"{id}\"" : "")}>";
        style = style.Of(declared, viewport.Diagonal, where);
        if (declared.TryGetValue("transform", out var transform)) viewport = viewport with { Place = viewport.Place * SvgTransform.Matrix(transform, where) };
        without.UnionWith(ignored.Where(one => declared.GetValueOrDefault(one, "none") != "none"));
        if (name == "use") Use(element, declared, viewport, style, depth, where);
        else if (name is "g" or "a" or "switch" || element == root) Children(element, viewport, style, depth);
        else if (name is "svg" or "symbol")
        {
            foreach (var side in (string[])["width", "height"]) declared[side] = user?.GetValueOrDefault(side) ?? declared.GetValueOrDefault(side, "auto");
            if (viewport.Inner(declared, where) is { } inner) Children(element, inner, style, depth);
        }
        else if (style.IsVisible) Draw(name, declared, viewport, style, where);
    }

    private void Children(XElement element, SvgViewport viewport, SvgStyle style, int depth)
    {
        foreach (var child in element.Elements().Where(child => child.Name.Namespace == root.Name.Namespace && !unseen.Contains(child.Name.LocalName))) Walk(child, viewport, style, depth + 1);
    }

    // An element of this drawing by its id, moved to the place of the use element (SVG 2, section 5.6).
    private void Use(XElement element, Dictionary<string, string> declared, SvgViewport viewport, SvgStyle style, int depth, string where)
    {
        var target = (element.Attribute("href") ?? element.Attribute(XName.Get("href", "http://www.w3.org/1999/xlink")))?.Value.Trim();
        if (target is not ['#', .. var id] || byId.Value[id].FirstOrDefault() is not { } used || (unseen.Contains(used.Name.LocalName) && used.Name.LocalName != "symbol"))
        {
            LeaveOut("use of what is not in the file");
            return;
        }

        double Length(string name, double whole) => declared.TryGetValue(name, out var text) && text is not "auto" ? SvgNumbers.Length(text, name, whole, where) : 0;
        var place = viewport.Place * Matrix3.Translation(Length("x", viewport.Width), Length("y", viewport.Height));
        Walk(used, viewport with { Place = place }, style, depth + 1, declared);
    }

    private void Draw(string name, Dictionary<string, string> declared, SvgViewport viewport, SvgStyle style, string where)
    {
        var place = viewport.Place;
        if (SvgShapes.Curves(name, declared, viewport.Width, viewport.Height, where) is not { } curves)
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
