namespace Obverse.Torch;

/// <summary>
/// Cubic Bézier strokes on white, differentiable (spec canvases.md 5.3): a stroke covers a pixel by a soft profile of the distance to the nearest of the pieces that its curves are cut into, and strokes
/// are laid over each other in order. Tensor operations would hold every piece's distance at every pixel; here a piece meets only the pixels it can cover, and the gradient is the closed form.
/// </summary>
internal static class StrokeRaster
{
    /// <param name="packed">Points (x, y in pixels, 3 s + 1 a stroke of s curves), then half-widths, then RGBA, each row-major, in one vector of float32.</param>
    /// <param name="curves">Curves of each stroke.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="pieces">Line pieces a curve is cut into.</param>
    /// <param name="softness">Half the width of the soft edge in pixels.</param>
    /// <returns>[1, 3, height, width].</returns>
    public static Tensor Apply(Tensor packed, IReadOnlyList<int> curves, int height, int width, int pieces, double softness)
    {
        StrokeScene? scene = null;
        return Tape.Apply(packed, at =>
        {
            scene = new StrokeScene(at.ToFloats(), curves, height, width, pieces, softness);
            return Tensor.From(scene.Draw(), 1, 3, height, width);
        }, (_, gradient) => Tensor.From(scene!.Backward(gradient.ToFloats())));
    }
}

/// <summary>One drawing: forward once, then backward.</summary>
internal sealed class StrokeScene
{
    private readonly int height, width, pieces;
    private readonly double softness;
    private readonly Stroke[] strokes;
    private readonly int points;

    public StrokeScene(float[] packed, IReadOnlyList<int> curves, int height, int width, int pieces, double softness)
    {
        (this.height, this.width, this.pieces, this.softness) = (height, width, pieces, softness);
        points = curves.Sum(count => 3 * count + 1);
        if (packed.Length != 2 * points + 5 * curves.Count) throw new ArgumentException($"{packed.Length} numbers for {curves.Count} strokes of {points} points: {2 * points + 5 * curves.Count} were wanted");
        strokes = new Stroke[curves.Count];
        for (int i = 0, at = 0; i < strokes.Length; at += 2 * (3 * curves[i] + 1), i++)
        {
            strokes[i] = new(packed.AsSpan(at, 2 * (3 * curves[i] + 1)), curves[i], packed[2 * points + i], packed.AsSpan(2 * points + strokes.Length + 4 * i, 4), pieces) { Offset = at };
        }
    }

    /// <summary>[3, height, width].</summary>
    public float[] Draw()
    {
        Parallel.For(strokes.Length, 1, (from, to) =>
        {
            for (var i = from; i < to; i++) strokes[i].Cover(height, width, softness);
        });
        var image = new float[3 * height * width];
        Parallel.For(height, 1, (from, to) =>
        {
            for (var y = (int)from; y < to; y++) DrawRow(y, image);
        });
        return image;
    }

    /// <summary>From the gradient in the picture to that in the packed vector.</summary>
    public float[] Backward(float[] gradient)
    {
        Parallel.For(height, 1, (from, to) =>
        {
            for (var y = (int)from; y < to; y++) BackRow(y, gradient);
        });
        var result = new float[2 * points + 5 * strokes.Length];
        Parallel.For(strokes.Length, 1, (from, to) =>
        {
            for (var i = (int)from; i < to; i++)
            {
                var (ofPoints, ofWidth, ofColor) = strokes[i].Gradients(softness);
                for (var k = 0; k < ofPoints.Length; k++) result[strokes[i].Offset + k] = (float)ofPoints[k];
                result[2 * points + i] = (float)ofWidth;
                for (var k = 0; k < 4; k++) result[2 * points + strokes.Length + 4 * i + k] = (float)ofColor[k];
            }
        });
        return result;
    }

    private void DrawRow(int y, float[] image)
    {
        var row = new double[3 * width];
        Array.Fill(row, 1);
        foreach (var stroke in strokes)
        {
            if (y < stroke.Top || y >= stroke.Bottom) continue;
            for (var x = stroke.Left; x < stroke.Right; x++)
            {
                var at = stroke.At(x, y);
                var alpha = stroke.Color[3] * stroke.Coverage[at];
                if (stroke.Coverage[at] == 0) continue;
                for (var c = 0; c < 3; c++)
                {
                    var below = row[3 * x + c];
                    stroke.Below[3 * at + c] = below;
                    row[3 * x + c] = below * (1 - alpha) + alpha * stroke.Color[c];
                }
            }
        }

        for (var c = 0; c < 3; c++)
            for (var x = 0; x < width; x++) image[(c * height + y) * width + x] = (float)row[3 * x + c];
    }

    // From the top stroke down: d/d alpha = g (colour - below), and what reaches below is g (1 - alpha). Each pixel of a stroke remembers the gradient that arrived at it.
    private void BackRow(int y, float[] gradient)
    {
        var row = new double[3 * width];
        for (var c = 0; c < 3; c++)
            for (var x = 0; x < width; x++) row[3 * x + c] = gradient[(c * height + y) * width + x];
        for (var i = strokes.Length - 1; i >= 0; i--)
        {
            var stroke = strokes[i];
            if (y < stroke.Top || y >= stroke.Bottom) continue;
            for (var x = stroke.Left; x < stroke.Right; x++)
            {
                var at = stroke.At(x, y);
                if (stroke.Coverage[at] == 0) continue;
                var (alpha, sum) = (stroke.Color[3] * stroke.Coverage[at], 0.0);
                for (var c = 0; c < 3; c++)
                {
                    var g = row[3 * x + c];
                    sum += g * (stroke.Color[c] - stroke.Below[3 * at + c]);
                    stroke.Arrived[3 * at + c] = g;
                    row[3 * x + c] = g * (1 - alpha);
                }

                stroke.OfAlpha[at] = sum;
            }
        }
    }
}
