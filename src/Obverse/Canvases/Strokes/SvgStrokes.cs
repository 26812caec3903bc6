using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using Obverse.Files;

namespace Obverse;

/// <summary>Strokes to SVG and back. Read: paths and the other shapes with their stroke's colour, width and opacity, as attributes, styles and simple rules give them, groups and their `transform`s, `use`, `symbol` and nested `svg`; what has a fill only becomes an outline of it.</summary>
public static class SvgStrokes
{
    private const int MostText = 16 << 20;

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

    /// <summary>The strokes of a drawing, scaled to fill width x height. A remark says what of it is left out.</summary>
    /// <exception cref="InvalidDataException">No SVG, or one without a stroke, or with one that cannot be read.</exception>
    public static StrokePath[] Read(string text, string source, long width, long height, double widest = 1000, Action<string>? onRemark = null)
    {
        var root = Parse(text, source);
        var (left, top, wide, high) = Box(root, source);
        return new SvgReader(root, source, width, height, widest).Read(new(wide, high, Matrix3.Scaling(width / wide, height / high) * Matrix3.Translation(-left, -top)), onRemark);
    }

    /// <summary>Width and height of a drawing.</summary>
    /// <exception cref="InvalidDataException">No SVG.</exception>
    public static (int Width, int Height) SizeOf(string text, string source) => Box(Parse(text, source), source) is var (_, _, wide, high) ? (Math.Max(1, (int)Math.Round(Math.Min(wide, 1e6))), Math.Max(1, (int)Math.Round(Math.Min(high, 1e6)))) : default;

    /// <summary>RGBA of a colour of CSS: "#rgb", "#rrggbb", "#rrggbbaa", "rgb(…)", "hsl(…)" or a name; null: none of them.</summary>
    public static float[]? ColorOf(string text) => SvgColor.Parse(text);

    private static XElement Parse(string text, string source)
    {
        if (text.Length > MostText) throw new InvalidDataException($"{source}: a drawing of {text.Length >> 20} MB; up to {MostText >> 20} were wanted");
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null, MaxCharactersFromEntities = 1024 });
            var root = XDocument.Load(reader, LoadOptions.SetLineInfo).Root!;
            return root.Name.LocalName == "svg" ? root : throw new InvalidDataException(Visible.Of($"{source}: not an SVG: its root is <{root.Name.LocalName}>"));
        }
        catch (XmlException wrong)
        {
            throw new InvalidDataException(Visible.Of($"{source}: not an SVG: {wrong.Message.Split('\n')[0]}"), wrong);
        }
    }

    // viewBox, else width and height; a share of the page is not known here, and 224 px stand in for what is missing.
    private static (double Left, double Top, double Width, double Height) Box(XElement root, string source)
    {
        double[] box = [.. SvgNumbers.In(root.Attribute("viewBox")?.Value ?? "", $"{source}: viewBox")];
        if (box is [var left, var top, > 0, > 0]) return (left, top, box[2], box[3]);
        double Side(string name) => root.Attribute(name)?.Value.Trim() is { } text and not "auto" && SvgNumbers.Length(text, name, whole: 0, $"{source}: <svg>") is > 0 and var side ? side : 224;
        return (0, 0, Side("width"), Side("height"));
    }
}
