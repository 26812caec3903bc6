using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using Obverse.Files;

namespace Obverse;

/// <summary>Strokes to SVG and back. Read: paths, lines and polylines with their stroke's colour, width and opacity, groups and their `transform`s; what has a fill only becomes an outline of it.</summary>
public static class SvgStrokes
{
    private const int MostText = 16 << 20, MostStrokes = 8192;

    public static string Write(IReadOnlyList<StrokePath> strokes, long width, long height)
    {
        var text = new StringBuilder();
        string N(float number) => number.ToString("0.###", CultureInfo.InvariantCulture);
        text.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n<g fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n");
        foreach (var stroke in strokes)
        {
            text.Append(CultureInfo.InvariantCulture, $"<path d=\"M{N(stroke.Points[0])} {N(stroke.Points[1])}");
            for (var k = 2; k < stroke.Points.Length; k += 6) text.Append('C').AppendJoin(' ', stroke.Points[k..(k + 6)].Select(N));
            byte Byte(int channel) => (byte)Math.Round(Math.Clamp(stroke.Color[channel], 0, 1) * 255);
            text.Append(CultureInfo.InvariantCulture, $"\" stroke=\"#{Byte(0):x2}{Byte(1):x2}{Byte(2):x2}\" stroke-opacity=\"{N(stroke.Color[3])}\" stroke-width=\"{N(2 * stroke.Width)}\"/>\n");
        }

        return text.Append("</g>\n</svg>\n").ToString();
    }

    /// <summary>The strokes of a drawing, scaled to fill width x height.</summary>
    /// <exception cref="InvalidDataException">No SVG, or one without a stroke.</exception>
    public static StrokePath[] Read(string text, string source, long width, long height, double widest = 1000)
    {
        var root = Parse(text, source);
        var (left, top, wide, high) = Box(root);
        var strokes = new List<StrokePath>();
        Walk(root, new(width / wide, 0, -left * width / wide, 0, height / high, -top * height / high, 0, 0, 1), new("none", "black", 1, 1), strokes, source, widest);
        return strokes.Count > 0 ? [.. strokes] : throw new InvalidDataException(Visible.Of($"{source}: an SVG without a path, line or polyline"));
    }

    /// <summary>Width and height of a drawing.</summary>
    /// <exception cref="InvalidDataException">No SVG.</exception>
    public static (int Width, int Height) SizeOf(string text, string source) => Box(Parse(text, source)) is var (_, _, wide, high) ? (Math.Max(1, (int)Math.Round(Math.Min(wide, 1e6))), Math.Max(1, (int)Math.Round(Math.Min(high, 1e6)))) : default;

    /// <summary>RGBA of a colour of CSS: "#rgb", "#rrggbb", "#rrggbbaa", "rgb(…)", "hsl(…)" or a name; null: none of them.</summary>
    public static float[]? ColorOf(string text) => SvgColor.Parse(text);

    private static XElement Parse(string text, string source)
    {
        if (text.Length > MostText) throw new InvalidDataException($"{source}: a drawing of {text.Length >> 20} MB; up to {MostText >> 20} were wanted");
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null, MaxCharactersFromEntities = 1024 });
            var root = XDocument.Load(reader).Root!;
            return root.Name.LocalName == "svg" ? root : throw new InvalidDataException(Visible.Of($"{source}: not an SVG: its root is <{root.Name.LocalName}>"));
        }
        catch (XmlException wrong)
        {
            throw new InvalidDataException(Visible.Of($"{source}: not an SVG: {wrong.Message.Split('\n')[0]}"), wrong);
        }
    }

    private static (double Left, double Top, double Width, double Height) Box(XElement root)
    {
        double[] box = [.. SvgPath.Numbers(root.Attribute("viewBox")?.Value ?? "")];
        if (box is [var left, var top, > 0, > 0]) return (left, top, box[2], box[3]);
        double Side(string name) => SvgPath.Numbers(root.Attribute(name)?.Value ?? "").FirstOrDefault() is > 0 and var side ? side : 224;
        return (0, 0, Side("width"), Side("height"));
    }

    private sealed record Style(string Stroke, string Fill, double Width, double Opacity);

    private static void Walk(XElement element, Matrix3 place, Style style, List<StrokePath> strokes, string source, double widest, int depth = 0)
    {
        if (depth > 64) throw new InvalidDataException($"{source}: groups are nested too deeply");
        string? Own(string name) => element.Attribute("style")?.Value.Split(';').Select(part => part.Split(':', 2)).LastOrDefault(part => part.Length == 2 && part[0].Trim() == name)?[1].Trim() ?? element.Attribute(name)?.Value.Trim();
        double Number(string name, double otherwise) => SvgPath.Numbers(Own(name) ?? "").Select(n => (double?)n).FirstOrDefault() ?? otherwise;
        if (element.Attribute("transform")?.Value is { } transform) place *= SvgPath.Transform(transform);
        style = new(Own("stroke") ?? style.Stroke, Own("fill") ?? style.Fill, Number("stroke-width", style.Width), style.Opacity * Number("opacity", 1) * Number("stroke-opacity", 1));
        var curves = element.Name.LocalName switch
        {
            "path" => SvgPath.Curves(element.Attribute("d")?.Value ?? "", source),
            "line" => SvgPath.Curves(string.Create(CultureInfo.InvariantCulture, $"M{Number("x1", 0)} {Number("y1", 0)}L{Number("x2", 0)} {Number("y2", 0)}"), source),
            "polyline" or "polygon" => SvgPath.Curves("M" + element.Attribute("points")?.Value + (element.Name.LocalName == "polygon" ? "Z" : ""), source),
            _ => [],
        };
        if (curves.Count > 0 && ColorOf(style.Stroke is "none" ? style.Fill : style.Stroke) is { } color)
        {
            var scale = Math.Sqrt(Math.Abs(place.A * place.E - place.B * place.D));
            foreach (var curve in curves)
            {
                var points = new float[curve.Count];
                for (var k = 0; k < points.Length; k += 2) (points[k], points[k + 1]) = ((float)(place.A * curve[k] + place.B * curve[k + 1] + place.C), (float)(place.D * curve[k] + place.E * curve[k + 1] + place.F));
                strokes.Add(new(points, (float)Math.Clamp(style.Width * scale / 2, 1, widest), [color[0], color[1], color[2], (float)Math.Clamp(color[3] * style.Opacity, 0, 1)]));
                if (strokes.Count > MostStrokes) throw new InvalidDataException($"{source}: more than {MostStrokes} strokes");
            }
        }

        foreach (var child in element.Elements().Where(child => child.Name.LocalName is not ("defs" or "clipPath" or "mask" or "symbol"))) Walk(child, place, style, strokes, source, widest, depth + 1);
    }
}
