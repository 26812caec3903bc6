using static System.FormattableString;

namespace Obverse;

/// <summary>The shapes of an SVG as path data (SVG 2, section 10).</summary>
internal static class SvgShapes
{
    /// <summary>The subpaths of an element, as <see cref="SvgPath.Curves"/> has them; null: not a shape.</summary>
    public static List<List<double>>? Curves(string name, IReadOnlyDictionary<string, string> declared, double width, double height, string where)
    {
        double? Length(string attribute, double whole) => declared.TryGetValue(attribute, out var text) && text is not "auto" ? SvgNumbers.Length(text, attribute, whole, where) : null;
        double X(string attribute) => Length(attribute, width) ?? 0;
        double Y(string attribute) => Length(attribute, height) ?? 0;
        double? Radius(string attribute, double whole) => Length(attribute, whole) is >= 0 and var radius ? radius : null; // a negative one counts as missing
        string Text(string attribute) => declared.GetValueOrDefault(attribute, "");
        var data = name switch
        {
            "path" => Text("d") is not "none" and var d ? d : "",
            "line" => Invariant($"M{X("x1")} {Y("y1")}L{X("x2")} {Y("y2")}"),
            "polyline" or "polygon" => Text("points") is var points && points.Trim().Length == 0 ? "" : $"M{points}{(name == "polygon" ? "Z" : "")}",
            "rect" => Rectangle(X("x"), Y("y"), X("width"), Y("height"), Radius("rx", width), Radius("ry", height)),
            "circle" => Radius("r", Math.Sqrt((width * width + height * height) / 2)) is var r ? Ellipse(X("cx"), Y("cy"), r, r) : "",
            "ellipse" => Ellipse(X("cx"), Y("cy"), Radius("rx", width), Radius("ry", height)),
            _ => null,
        };
        return data is null ? null : SvgPath.Curves(data, where);
    }

    private static string Rectangle(double x, double y, double width, double height, double? rx, double? ry)
    {
        if (width <= 0 || height <= 0) return "";
        var (roundX, roundY) = (Math.Min(rx ?? ry ?? 0, width / 2), Math.Min(ry ?? rx ?? 0, height / 2));
        if (roundX == 0 || roundY == 0) return Invariant($"M{x} {y}H{x + width}V{y + height}H{x}Z");
        var (left, top, right, bottom) = (x + roundX, y + roundY, x + width - roundX, y + height - roundY);
        string Corner(double toX, double toY) => Invariant($"A{roundX} {roundY} 0 0 1 {toX} {toY}");
        return Invariant($"M{left} {y}H{right}{Corner(x + width, top)}V{bottom}{Corner(right, y + height)}H{left}{Corner(x, bottom)}V{top}{Corner(left, y)}Z");
    }

    // Four quarters, clockwise from the right.
    private static string Ellipse(double x, double y, double? rx, double? ry)
    {
        var (a, b) = (rx ?? ry ?? 0, ry ?? rx ?? 0);
        string To(double toX, double toY) => Invariant($"A{a} {b} 0 0 1 {toX} {toY}");
        return a > 0 && b > 0 ? Invariant($"M{x + a} {y}{To(x, y + b)}{To(x - a, y)}{To(x, y - b)}{To(x + a, y)}Z") : "";
    }
}
