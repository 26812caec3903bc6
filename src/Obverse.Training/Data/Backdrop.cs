namespace Obverse.Training;

/// <summary>A plain background with a colour that has a name.</summary>
public readonly record struct Backdrop(string Name, byte R, byte G, byte B)
{
    public static IReadOnlyList<Backdrop> All { get; } =
    [
        new("white", 255, 255, 255), new("black", 0, 0, 0), new("grey", 128, 128, 128), new("red", 214, 40, 40), new("orange", 245, 140, 35), new("yellow", 250, 214, 50),
        new("green", 60, 160, 70), new("dark green", 20, 80, 40), new("blue", 45, 95, 210), new("light blue", 160, 205, 245), new("dark blue", 20, 35, 95), new("teal", 30, 150, 150),
        new("purple", 125, 60, 170), new("pink", 245, 165, 195), new("brown", 120, 75, 40), new("beige", 235, 220, 190),
    ];

    /// <summary>The same colour, a little off, so that a name stands for more than one triple of numbers.</summary>
    public Backdrop Shade(Random random, int by = 14)
    {
        byte Move(byte value, int step) => (byte)Math.Clamp(value + step, 0, 255);
        return new(Name, Move(R, random.Next(-by, by + 1)), Move(G, random.Next(-by, by + 1)), Move(B, random.Next(-by, by + 1)));
    }

    /// <summary>Lays a straight RGBA picture on this colour; RGB, three bytes a pixel.</summary>
    public byte[] Under(ReadOnlySpan<byte> rgba)
    {
        var rgb = new byte[rgba.Length / 4 * 3];
        for (int from = 0, to = 0; from < rgba.Length; from += 4, to += 3)
        {
            int alpha = rgba[from + 3], rest = 255 - alpha;
            rgb[to] = (byte)((rgba[from] * alpha + R * rest + 127) / 255);
            rgb[to + 1] = (byte)((rgba[from + 1] * alpha + G * rest + 127) / 255);
            rgb[to + 2] = (byte)((rgba[from + 2] * alpha + B * rest + 127) / 255);
        }
        return rgb;
    }
}
