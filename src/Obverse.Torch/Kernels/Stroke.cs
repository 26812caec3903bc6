namespace Obverse.Torch;

/// <summary>One stroke while it is drawn: its pieces, the box that it can cover, and at every pixel of it the nearest piece and the coverage.</summary>
internal sealed class Stroke
{
    private readonly double[] places; // x, y of the ends of all pieces
    private readonly int curves, pieces;
    private readonly double radius;
    private double[] distances = [];
    private int[] nearest = [];

    public Stroke(ReadOnlySpan<float> points, int curves, double radius, ReadOnlySpan<float> color, int pieces)
    {
        (this.curves, this.pieces, this.radius, Color) = (curves, pieces, radius, [color[0], color[1], color[2], color[3]]);
        places = new double[2 * (curves * pieces + 1)];
        for (var s = 0; s < curves; s++)
        {
            for (var m = s == 0 ? 0 : 1; m <= pieces; m++)
            {
                for (var k = 0; k < 4; k++)
                {
                    var share = Bernstein(k, (double)m / pieces);
                    for (var axis = 0; axis < 2; axis++) places[2 * (s * pieces + m) + axis] += share * points[2 * (3 * s + k) + axis];
                }
            }
        }
    }

    public int Offset { get; init; }
    public double[] Color { get; }
    public int Left { get; private set; }
    public int Right { get; private set; }
    public int Top { get; private set; }
    public int Bottom { get; private set; }
    public double[] Coverage { get; private set; } = [];

    /// <summary>The colour below, three a pixel.</summary>
    public double[] Below { get; private set; } = [];

    /// <summary>The gradient that arrived, three a pixel.</summary>
    public double[] Arrived { get; private set; } = [];
    public double[] OfAlpha { get; private set; } = [];

    public int At(int x, int y) => (y - Top) * (Right - Left) + x - Left;

    /// <summary>Distances and coverage.</summary>
    public void Cover(int height, int width, double softness)
    {
        var reach = radius + softness;
        (double Low, double High) Extent(int axis)
        {
            var (low, high) = (double.PositiveInfinity, double.NegativeInfinity);
            for (var i = axis; i < places.Length; i += 2) (low, high) = (Math.Min(low, places[i]), Math.Max(high, places[i]));
            return (low - reach, high + reach);
        }

        var (x, y) = (Extent(0), Extent(1));
        (Left, Right, Top, Bottom) = (First(x.Low, width), Last(x.High, width), First(y.Low, height), Last(y.High, height));
        if (Right <= Left || Bottom <= Top)
        {
            (Right, Bottom) = (Left, Top);
            return;
        }

        var size = (Right - Left) * (Bottom - Top);
        (distances, nearest, Coverage, Below, Arrived, OfAlpha) = (new double[size], new int[size], new double[size], new double[3 * size], new double[3 * size], new double[size]);
        Array.Fill(distances, double.PositiveInfinity);
        for (var piece = 0; piece < curves * pieces; piece++) Measure(piece, reach);
        for (var at = 0; at < size; at++)
        {
            if (double.IsPositiveInfinity(distances[at])) continue;
            var d = distances[at] = Math.Sqrt(distances[at] + 1e-6);
            Coverage[at] = Profile((d + radius) / softness) - Profile((d - radius) / softness);
        }
    }

    /// <summary>The gradients in points, half-width and RGBA, once each pixel knows that in its alpha.</summary>
    public (double[] Points, double Width, double[] Color) Gradients(double softness)
    {
        var (ofPlaces, ofWidth, ofColor) = (new double[places.Length], 0.0, new double[4]);
        for (var y = Top; y < Bottom; y++)
        {
            for (var x = Left; x < Right; x++)
            {
                var at = At(x, y);
                if (Coverage[at] == 0) continue;
                for (var c = 0; c < 3; c++) ofColor[c] += Color[3] * Coverage[at] * Arrived[3 * at + c];
                ofColor[3] += Coverage[at] * OfAlpha[at];
                var (d, of) = (distances[at], Color[3] * OfAlpha[at] / softness);
                var (outer, inner) = (Slope((d + radius) / softness), Slope((d - radius) / softness));
                ofWidth += of * (outer + inner);
                var ofDistance = of * (outer - inner);
                if (ofDistance == 0) continue;
                var piece = nearest[at];
                var (dx, dy, u) = To(piece, x + 0.5, y + 0.5);
                for (var axis = 0; axis < 2; axis++)
                {
                    var ofNearest = -ofDistance * (axis == 0 ? dx : dy) / d;
                    ofPlaces[2 * piece + axis] += (1 - u) * ofNearest;
                    ofPlaces[2 * piece + 2 + axis] += u * ofNearest;
                }
            }
        }

        var ofPoints = new double[2 * (3 * curves + 1)];
        for (var s = 0; s < curves; s++)
        {
            for (var m = s == 0 ? 0 : 1; m <= pieces; m++)
            {
                for (var k = 0; k < 4; k++)
                {
                    var share = Bernstein(k, (double)m / pieces);
                    for (var axis = 0; axis < 2; axis++) ofPoints[2 * (3 * s + k) + axis] += share * ofPlaces[2 * (s * pieces + m) + axis];
                }
            }
        }

        return (ofPoints, ofWidth, ofColor);
    }

    // Squared distances of a piece at the pixels it may cover.
    private void Measure(int piece, double reach)
    {
        var (ax, ay, bx, by) = (places[2 * piece], places[2 * piece + 1], places[2 * piece + 2], places[2 * piece + 3]);
        if (!double.IsFinite(ax + ay + bx + by)) return;
        var (left, right) = (Math.Max(Left, First(Math.Min(ax, bx) - reach, Right)), Math.Min(Right, Last(Math.Max(ax, bx) + reach, Right)));
        var (top, bottom) = (Math.Max(Top, First(Math.Min(ay, by) - reach, Bottom)), Math.Min(Bottom, Last(Math.Max(ay, by) + reach, Bottom)));
        var (ex, ey) = (bx - ax, by - ay);
        var scale = 1 / (ex * ex + ey * ey + 1e-9);
        for (var y = top; y < bottom; y++)
        {
            var py = y + 0.5 - ay;
            for (int x = left, at = At(left, y); x < right; x++, at++)
            {
                var px = x + 0.5 - ax;
                var u = Math.Clamp((px * ex + py * ey) * scale, 0, 1);
                var (dx, dy) = (px - u * ex, py - u * ey);
                var squared = dx * dx + dy * dy;
                if (squared >= distances[at]) continue;
                distances[at] = squared;
                nearest[at] = piece;
            }
        }
    }

    private (double X, double Y, double U) To(int piece, double px, double py)
    {
        var (ax, ay) = (places[2 * piece], places[2 * piece + 1]);
        var (ex, ey) = (places[2 * piece + 2] - ax, places[2 * piece + 3] - ay);
        var u = Math.Clamp(((px - ax) * ex + (py - ay) * ey) / (ex * ex + ey * ey + 1e-9), 0, 1);
        return (px - ax - u * ex, py - ay - u * ey, u);
    }

    private static int First(double low, int side) => (int)Math.Clamp(Math.Floor(low - 0.5), 0, side);

    private static int Last(double high, int side) => (int)Math.Clamp(Math.Ceiling(high + 0.5), 0, side);

    // diffvg's prefilter: 0 below -1, 1 above 1, a cubic between.
    private static double Profile(double x) => Math.Clamp((x + 1) / 2, 0, 1) is var t ? t * t * (3 - 2 * t) : 0;

    private static double Slope(double x) => Math.Abs(x) < 1 && (x + 1) / 2 is var t ? 3 * t * (1 - t) : 0;

    private static double Bernstein(int k, double t) => k switch { 0 => (1 - t) * (1 - t) * (1 - t), 1 => 3 * t * (1 - t) * (1 - t), 2 => 3 * t * t * (1 - t), _ => t * t * t };
}
