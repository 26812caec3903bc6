namespace Obverse;

/// <summary>What an element of an SVG inherits, and what it draws with (SVG 2, section 13). Opacity alone multiplies down the tree.</summary>
internal sealed record SvgStyle
{
    public string Stroke { get; private init; } = "none";
    public string Fill { get; private init; } = "black";
    public string Color { get; private init; } = "black";
    public double Width { get; private init; } = 1;
    public double StrokeOpacity { get; private init; } = 1;
    public double FillOpacity { get; private init; } = 1;
    public double Opacity { get; private init; } = 1;
    public bool IsVisible { get; private init; } = true;

    /// <summary>The style of a child with these declarations.</summary>
    /// <param name="diagonal">What percentages of a width are of.</param>
    public SvgStyle Of(IReadOnlyDictionary<string, string> declared, double diagonal, string where)
    {
        string Text(string name, string inherited) => declared.GetValueOrDefault(name, inherited);
        double Share(string name, double inherited) => declared.TryGetValue(name, out var text) ? SvgNumbers.Share(text, name, where) : inherited;
        return new()
        {
            Stroke = Text("stroke", Stroke), Fill = Text("fill", Fill), Color = Text("color", "currentColor") is var color && IsCurrent(color) ? Color : color,
            Width = declared.TryGetValue("stroke-width", out var width) && SvgNumbers.Length(width, "stroke-width", diagonal, where) is >= 0 and var wide ? wide : Width,
            StrokeOpacity = Share("stroke-opacity", StrokeOpacity), FillOpacity = Share("fill-opacity", FillOpacity), Opacity = Opacity * Share("opacity", 1),
            IsVisible = declared.TryGetValue("visibility", out var visibility) ? visibility == "visible" : IsVisible,
        };
    }

    /// <summary>A paint as a colour's text: of "url(#a) red" what stands in for the gradient, null where nothing does; of currentColor the colour.</summary>
    public string? ColorOf(string paint)
    {
        if (paint.StartsWith("url(", StringComparison.OrdinalIgnoreCase)) paint = paint[(paint.IndexOf(')', StringComparison.Ordinal) + 1)..].Trim();
        return paint.Length == 0 ? null : IsCurrent(paint) ? Color : paint;
    }

    private static bool IsCurrent(string paint) => paint.Equals("currentColor", StringComparison.OrdinalIgnoreCase);
}
