using Obverse.Evaluation;
using Obverse.Imaging;

namespace Obverse.Training;

/// <summary>A style of picture: the words people use, and a photograph done over in it.</summary>
/// <param name="Name">One word.</param>
/// <param name="Nouns">"a NOUN of a fox", "a fox, NOUN".</param>
/// <param name="Phrases">Other sentences; <c>{}</c> is the name, <c>{a}</c> the name after its article.</param>
/// <param name="Paint">RGB bytes of a square picture and its side to new bytes.</param>
public sealed record PaintedStyle(string Name, IReadOnlyList<string> Nouns, IReadOnlyList<string> Phrases, Func<byte[], int, byte[]> Paint)
{
    /// <summary>The name in this style's words; the same <see cref="Random"/> state gives the same.</summary>
    public string InWords(string name, Random random)
    {
        if (Phrases.Count > 0 && random.Next(3) == 0) return Wordings.Fill(Pick(Phrases, random), name);
        var noun = Pick(Nouns, random);
        var thing = random.Next(5) switch { 0 => name, 1 => $"the {name}", _ => English.WithArticle(name) };
        return random.Next(6) switch
        {
            0 => $"{noun} of {thing}",
            1 => $"the {noun} of {thing}",
            2 => $"{thing}, {noun}",
            3 => $"{English.WithArticle(noun)} of {thing}.",
            _ => $"{English.WithArticle(noun)} of {thing}",
        };
    }

    private static string Pick(IReadOnlyList<string> from, Random random) => from[random.Next(from.Count)];
}

/// <summary>Styles whose words a text encoder learns from what the style does to photographs in the encoder's own space.</summary>
public static class PaintedStyles
{
    public static IReadOnlyList<PaintedStyle> All { get; } =
    [
        new("watercolour", ["watercolour", "watercolor", "watercolour painting", "watercolor painting", "aquarelle"], ["{a} in watercolour", "watercolor {}", "{a} painted in watercolours"], Watercolour),
        new("pencil", ["pencil sketch", "sketch", "pencil drawing", "line drawing", "graphite drawing", "hand-drawn sketch"], ["{a} drawn in pencil", "sketched {}", "{a}, black and white pencil sketch"], (rgb, side) => Sketch(rgb, side, 1)),
        new("charcoal", ["charcoal drawing", "charcoal sketch", "ink drawing"], ["{a} in charcoal", "{a} drawn with ink"], (rgb, side) => Sketch(rgb, side, 2.5)),
        new("oil", ["oil painting", "painting", "impressionist painting", "canvas painting", "acrylic painting"], ["{a} painted in oil", "{a}, oil on canvas"], (rgb, side) => Kuwahara(rgb, side, side / 32)),
        new("cartoon", ["cartoon", "comic", "illustration", "vector illustration", "clip art"], ["cartoon {}", "{a}, flat illustration"], Cartoon),
        new("dark", ["dark photo", "dark picture", "low light photo", "night photo", "dim photo"], ["{a} in the dark", "{a} at night", "dark {}"], (rgb, _) => Done(rgb, copy => PictureEffects.Night(copy, 0.35))),
        new("bright", ["bright photo", "bright picture", "overexposed photo"], ["{a} in bright light"], (rgb, _) => Done(rgb, copy => Scale(copy, 0.55, 115))),
        new("grey", ["black and white photo", "black and white picture", "monochrome photo", "greyscale photo", "grayscale image"], ["{a} in black and white", "black and white {}"], (rgb, _) => Done(rgb, copy => PictureEffects.Tint(copy, 255, 255, 255, 1))),
        new("old", ["sepia photo", "old photo", "vintage photo", "antique photograph"], ["{a} in sepia"], (rgb, _) => Done(rgb, copy => PictureEffects.Tint(copy, 150, 110, 65, 0.9))),
        new("blurred", ["blurry photo", "blurred picture", "out of focus photo", "low resolution photo"], ["blurry {}"], (rgb, side) => PictureEffects.Blur(rgb, side, 6)),
        new("pixelated", ["pixelated photo", "pixel art", "pixelated picture", "8-bit picture"], ["pixelated {}", "{a} in pixel art"], Pixelated),
    ];

    /// <summary>The picture as its own dodge layer: strokes where neighbours differ, white paper elsewhere.</summary>
    public static byte[] Sketch(byte[] rgb, int side, double weight)
    {
        var grey = rgb.ToArray();
        PictureEffects.Tint(grey, 255, 255, 255, 1);
        var soft = PictureEffects.Blur(grey, side, 5);
        for (var i = 0; i < grey.Length; i++) grey[i] = (byte)Math.Clamp(255 - weight * (255 - Math.Min(255.0, grey[i] * 255.0 / Math.Max(1, (int)soft[i]))), 0, 255);
        return grey;
    }

    /// <summary>Patches of even colour without hard inner edges (Kuwahara et al. 1976): of the four quadrants about a pixel the mean of the calmest.</summary>
    public static byte[] Kuwahara(byte[] rgb, int side, int radius)
    {
        var painted = new byte[rgb.Length];
        Span<double> mean = stackalloc double[3];
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                var calmest = double.MaxValue;
                for (var quadrant = 0; quadrant < 4; quadrant++)
                {
                    var (left, top) = (quadrant % 2 == 0 ? x - radius : x, quadrant < 2 ? y - radius : y);
                    mean.Clear();
                    var (squares, n) = (0.0, 0);
                    for (var v = Math.Max(0, top); v <= Math.Min(side - 1, top + radius); v++)
                    {
                        for (var u = Math.Max(0, left); u <= Math.Min(side - 1, left + radius); u++, n++)
                        {
                            for (var c = 0; c < 3; c++)
                            {
                                double value = rgb[(v * side + u) * 3 + c];
                                mean[c] += value;
                                squares += value * value;
                            }
                        }
                    }

                    var variance = squares / n - (mean[0] * mean[0] + mean[1] * mean[1] + mean[2] * mean[2]) / (n * (double)n);
                    if (variance >= calmest) continue;
                    calmest = variance;
                    for (var c = 0; c < 3; c++) painted[(y * side + x) * 3 + c] = (byte)(mean[c] / n + 0.5);
                }
            }
        }

        return painted;
    }

    // Even patches, paler and more colourful, white paper towards the rim.
    private static byte[] Watercolour(byte[] rgb, int side)
    {
        var painted = Kuwahara(rgb, side, side / 40);
        for (var i = 0; i < painted.Length; i += 3)
        {
            var (x, y) = (i / 3 % side, i / 3 / side);
            var (dx, dy) = (2.0 * x / side - 1, 2.0 * y / side - 1);
            var paper = Math.Clamp((Math.Sqrt(dx * dx + dy * dy) - 0.75) * 2.5, 0, 1);
            var grey = (painted[i] + painted[i + 1] + painted[i + 2]) / 3.0;
            for (var c = 0; c < 3; c++)
            {
                var vivid = Math.Clamp(grey + (painted[i + c] - grey) * 1.4, 0, 255) * 0.72 + 72;
                painted[i + c] = (byte)Math.Clamp(vivid + (250 - vivid) * paper, 0, 255);
            }
        }

        return painted;
    }

    // Few colours, and a dark line where they meet.
    private static byte[] Cartoon(byte[] rgb, int side)
    {
        var painted = Kuwahara(rgb, side, side / 40);
        var lines = Sketch(PictureEffects.Blur(painted, side, 2), side, 2);
        for (var i = 0; i < painted.Length; i++)
        {
            var flat = Math.Min(255, (int)(painted[i] / 255.0 * 4 + 0.5) * 64);
            painted[i] = lines[i] < 150 ? (byte)(flat * 0.2) : (byte)flat;
        }

        return painted;
    }

    private static byte[] Pixelated(byte[] rgb, int side)
    {
        var block = Math.Max(2, side / 24);
        var painted = new byte[rgb.Length];
        for (var y = 0; y < side; y++)
            for (var x = 0; x < side; x++)
                for (var c = 0; c < 3; c++) painted[(y * side + x) * 3 + c] = rgb[(Math.Min(side - 1, y / block * block + block / 2) * side + Math.Min(side - 1, x / block * block + block / 2)) * 3 + c];
        return painted;
    }

    private static void Scale(Span<byte> rgb, double by, double plus)
    {
        for (var i = 0; i < rgb.Length; i++) rgb[i] = (byte)Math.Clamp(rgb[i] * by + plus, 0, 255);
    }

    private static byte[] Done(byte[] rgb, Action<byte[]> change)
    {
        var copy = rgb.ToArray();
        change(copy);
        return copy;
    }
}
