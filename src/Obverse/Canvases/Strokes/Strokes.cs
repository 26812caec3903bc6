using System.Text.Json.Serialization;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Bézier strokes on white paper (CLIPDraw, Frans et al. 2022; spec canvases.md 5.1, 5.3). A half-width of 1 is a line of two pixels. Strokes are drawn in order, later ones on top; the soft edge is
/// diffvg's prefilter. Fully covered pixels are not darkened, as diffvg's averages of straight colours are (5.2).
/// </summary>
/// <param name="Count">Strokes, where no drawing gives them.</param>
/// <param name="Width">Half-width at the start, in pixels.</param>
/// <param name="MaxWidth">Half-widths are held from 1 to this.</param>
/// <param name="MostCurves">A stroke has 1 to this many cubic curves.</param>
/// <param name="Reach">How far a control point is from the one before it, up to half of this share of the side either way.</param>
/// <param name="Pieces">Line pieces that a curve is cut into.</param>
/// <param name="Softness">Half the width of a stroke's soft edge at the start; 1 as published, more reaches farther.</param>
/// <param name="SoftSteps">Steps over which the softness falls to 1.</param>
/// <param name="Svg">A drawing to begin with, an SVG file.</param>
/// <param name="Colors">Colours that the strokes take in turn, as CSS writes them: "#rrggbb", "navy"; null: random ones. To hold them, the schedule has a rate of 0 for "colors".</param>
[Part("strokes")]
public sealed record Strokes([property: Limit(1, 8192)] int Count = 256, [property: Limit(1, 1000)] double Width = 1, [property: Limit(1, 1000)] double MaxWidth = 50, [property: Limit(1, 32)] int MostCurves = 3,
    [property: Limit(0, 2)] double Reach = 0.1, [property: Limit(1, 256)] int Pieces = 16, [property: Limit(1, 64)] double Softness = 1, [property: Limit(0, 1_000_000)] int SoftSteps = 0, string? Svg = null, ValueList<string>? Colors = null) : CanvasPlan
{
    [JsonIgnore]
    public override IReadOnlyList<string> NeededWeights => Svg is null ? [] : [Svg];

    public override CanvasPlan Stretched(int from, int to) => this with { SoftSteps = (int)((long)SoftSteps * to / from) };

    /// <summary>Without a drawing random strokes, in the colours of the start picture where there is one.</summary>
    public override Canvas Create(CanvasContext context)
    {
        var (count, height, width, random, start) = context;
        if (count != 1) throw new ArgumentException($"a canvas of strokes holds one picture; {count} were asked for");
        if (random.Device != Device.Cpu) throw new ArgumentException($"strokes are drawn on the processor; the device {random.Device} was given");
        var strokes = Svg is null ? Random(random, height, width) : SvgStrokes.Read(File.ReadAllText(OrdinaryFile.Checked(context.WeightsFile(Svg), "drawing")), Svg, width, height, MaxWidth);
        if (start is not null && Svg is null) strokes = [.. strokes.Select(stroke => stroke with { Color = Under(start, stroke) })];
        if (Colors is { Count: > 0 }) strokes = [.. strokes.Select((stroke, i) => stroke with { Color = SvgStrokes.ColorOf(Colors[i % Colors.Count]) ?? throw new ArgumentException($"'{Colors[i % Colors.Count]}' is no colour; #rrggbb, #rrggbbaa or a name was wanted") })];
        return new StrokeCanvas(this, strokes, height, width);
    }

    private StrokePath[] Random(Generator random, long height, long width)
    {
        var strokes = new StrokePath[Count];
        for (var i = 0; i < Count; i++)
        {
            var curves = (int)random.Next(1, MostCurves + 1);
            var points = new float[2 * (3 * curves + 1)];
            var (x, y) = (random.Next(), random.Next());
            for (var k = 0; k < points.Length; k += 2)
            {
                if (k > 0) (x, y) = (x + Reach * (random.Next() - 0.5), y + Reach * (random.Next() - 0.5));
                (points[k], points[k + 1]) = ((float)(x * width), (float)(y * height));
            }

            strokes[i] = new(points, (float)Width, [(float)random.Next(), (float)random.Next(), (float)random.Next(), (float)random.Next()]);
        }

        return strokes;
    }

    // The picture's colour where the stroke begins, opaque.
    private static float[] Under(Tensor picture, StrokePath stroke)
    {
        long Within(float place, long side) => Math.Clamp((long)place, 0, side - 1);
        var pixel = picture.Select(0, 0).Select(1, Within(stroke.Points[1], picture.Size(2))).Select(1, Within(stroke.Points[0], picture.Size(3))).ToFloats();
        return [pixel[0], pixel[1], pixel[2], 1];
    }
}

/// <summary>A stroke: 3 s + 1 points (x, y in pixels), its half-width, RGBA in [0, 1].</summary>
public sealed record StrokePath(float[] Points, float Width, float[] Color)
{
    /// <summary>Cubic curves.</summary>
    public int Curves => (Points.Length / 2 - 1) / 3;
}
