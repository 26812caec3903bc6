using System.CommandLine;
using Obverse.Files;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>What recipes of strokes can be asked for: how many, their colours, an SVG to start from.</summary>
internal sealed class StrokeOptions
{
    private const int MostBytes = 16 << 20;

    private readonly Option<int?> strokes = Flags.Whole("--strokes", "For recipes of strokes: how many. [default: 256]", 1, 8192);
    private readonly Option<string[]?> colors = Flags.Parsed<string[]?>("--colors", "A,B,C", "For recipes of strokes: colours that they have in turn and keep, such as \"#000000,#c01010\".", text =>
        [.. DrawingOptions.Names(text).Select(name => SvgStrokes.ColorOf(name) is not null ? name : throw new FormatException("colours such as #c01010 or black, separated by commas, were wanted"))]);

    public void AddTo(Command command)
    {
        command.Add(strokes);
        command.Add(colors);
    }

    public InversionRequest Apply(ParseResult parsed, InversionRequest request)
    {
        var (count, own) = (parsed.GetValue(strokes), parsed.GetValue(colors) is { Length: > 0 } given ? given : null);
        var svg = request.Start is { } start && Path.GetExtension(start).Equals(".svg", StringComparison.OrdinalIgnoreCase) ? start : null;
        if (count is null && own is null && svg is null) return request;
        if (count is not null && svg is not null) throw new UsageException("--strokes draws random strokes, and --start gives its own: one of them was wanted");
        if (svg is not null)
        {
            if (new FileInfo(OrdinaryFile.Checked(svg, "drawing")).Length > MostBytes) throw new InvalidDataException($"{svg}: a drawing above {MostBytes >> 20} MB");
            var (width, height) = SvgStrokes.SizeOf(File.ReadAllText(svg), svg);
            _ = SvgStrokes.Read(File.ReadAllText(svg), svg, width, height); // one that cannot be read is told before a model is loaded
            request = request with { Start = null, Shape = new(width, height) };
        }

        var adapt = request.Adapt;
        return request with
        {
            Recipe = request.Recipe ?? "clipdraw",
            Adapt = recipe =>
            {
                recipe = adapt(recipe);
                if (recipe.Canvas is not Strokes plan) throw new UsageException($"--strokes, --colors and an SVG are for recipes of strokes, such as clipdraw; {recipe.Name} has {recipe.Canvas.GetType().Name}");
                if (count is not null) plan = plan with { Count = count.Value };
                if (svg is not null) plan = plan with { Svg = svg };
                return own is null ? recipe with { Canvas = plan } : recipe with { Canvas = plan with { Colors = [.. own] }, Schedule = recipe.Schedule.RateOf("colors", 0) };
            },
        };
    }
}
