using Obverse.Imaging;
using Obverse.Models;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Obverse.Cli;

/// <summary>A picture as text: every character cell shows two pixels, the upper as foreground, the lower as background colour.</summary>
internal sealed class HalfBlocks(Picture picture) : Renderable
{
    /// <summary>Scaled to fit <paramref name="columns"/> and <paramref name="lines"/>.</summary>
    public static HalfBlocks Of(Picture picture, int columns, int lines)
    {
        var scale = Math.Min(columns / (double)picture.Width, 2 * lines / (double)picture.Height);
        return new(picture.Resize(Math.Max(1, (int)(picture.Width * scale)), Math.Max(2, (int)(picture.Height * scale) / 2 * 2)));
    }

    protected override Measurement Measure(RenderOptions options, int maxWidth) => new(picture.Width, picture.Width);

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        for (var y = 0; y + 1 < picture.Height; y += 2)
        {
            for (var x = 0; x < Math.Min(picture.Width, maxWidth); x++) yield return new Segment("▀", new Style(At(x, y), At(x, y + 1)));
            yield return Segment.LineBreak;
        }
    }

    private Color At(int x, int y)
    {
        var pixel = picture.Rgb.Slice((y * picture.Width + x) * 3, 3);
        return new Color(pixel[0], pixel[1], pixel[2]);
    }
}
