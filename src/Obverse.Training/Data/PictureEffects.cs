using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Training;

/// <summary>The little grammar of prompts, painted: colour, blur, night, sunset, snow. All on RGB bytes, in place where they can be.</summary>
public static class PictureEffects
{
    /// <summary>Colours to tint with, and the word for them.</summary>
    public static IReadOnlyList<(string Name, byte R, byte G, byte B)> Colours { get; } =
    [
        ("red", 225, 30, 30), ("orange", 250, 135, 20), ("yellow", 250, 220, 40), ("green", 40, 170, 60), ("blue", 40, 90, 230),
        ("purple", 135, 50, 185), ("pink", 250, 140, 190), ("brown", 130, 80, 40), ("turquoise", 40, 200, 190), ("black and white", 255, 255, 255),
    ];

    /// <summary>Keeps the light and dark of the picture and gives it one colour; <paramref name="strength"/> 0 leaves it, 1 leaves nothing of its own.</summary>
    public static void Tint(Span<byte> rgb, byte r, byte g, byte b, double strength)
    {
        for (var i = 0; i < rgb.Length; i += 3)
        {
            var light = (0.299 * rgb[i] + 0.587 * rgb[i + 1] + 0.114 * rgb[i + 2]) / 255; // ITU-R BT.601
            var grey = r == 255 && g == 255 && b == 255;
            // Dark places keep to the colour's shade; bright ones go halfway to white, or every tint would be dim.
            double Shade(byte colour) => grey ? 255 * light : light < 0.6 ? colour * light / 0.6 : colour + (255 - colour) * (light - 0.6) / 0.4 * 0.6;
            rgb[i] = Mix(rgb[i], Shade(r), strength);
            rgb[i + 1] = Mix(rgb[i + 1], Shade(g), strength);
            rgb[i + 2] = Mix(rgb[i + 2], Shade(b), strength);
        }
    }

    /// <summary>Shrinks by <paramref name="factor"/> and enlarges again.</summary>
    public static byte[] Blur(ReadOnlySpan<byte> rgb, int side, int factor)
    {
        var small = Math.Max(4, side / factor);
        return Resample.Bytes(Resample.Bytes(rgb, side, side, 3, small, small), small, small, 3, side, side);
    }

    /// <summary>Dark and blue.</summary>
    public static void Night(Span<byte> rgb, double light)
    {
        for (var i = 0; i < rgb.Length; i += 3)
        {
            rgb[i] = (byte)(rgb[i] * light * 0.8);
            rgb[i + 1] = (byte)(rgb[i + 1] * light * 0.9);
            rgb[i + 2] = (byte)Math.Min(255, rgb[i + 2] * light * 1.2 + 22);
        }
    }

    /// <summary>Orange light from below, violet above.</summary>
    public static void Sunset(Span<byte> rgb, int side)
    {
        for (var i = 0; i < rgb.Length; i += 3)
        {
            var down = i / 3 / side / (double)side;
            rgb[i] = Mix(rgb[i], 250, 0.25 + 0.2 * down);
            rgb[i + 1] = (byte)(Mix(rgb[i + 1], 70 + 70 * down, 0.35) * 0.85);
            rgb[i + 2] = (byte)(Mix(rgb[i + 2], 150 - 120 * down, 0.35) * 0.8);
        }
    }

    /// <summary>A paler picture, flakes, and a white ground at the foot.</summary>
    public static void Snow(Span<byte> rgb, int side, Random random)
    {
        var ground = side - side / 6 - random.Next(side / 10);
        for (var i = 0; i < rgb.Length; i++)
        {
            var y = i / 3 / side;
            rgb[i] = Mix(rgb[i], 240, y > ground ? 0.8 : 0.2);
        }

        var flakes = side * side / 120 + random.Next(side * side / 200);
        for (var f = 0; f < flakes; f++)
        {
            var (x, y, size) = (random.Next(side), random.Next(side), 1 + random.Next(Math.Max(1, side / 45)));
            for (var dy = 0; dy < size && y + dy < side; dy++)
                for (var dx = 0; dx < size && x + dx < side; dx++)
                    rgb.Slice(((y + dy) * side + x + dx) * 3, 3).Fill(250);
        }
    }

    private static byte Mix(byte from, double to, double strength) => (byte)Math.Clamp(from + (to - from) * strength + 0.5, 0, 255);
}
