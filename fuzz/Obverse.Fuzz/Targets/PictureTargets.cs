using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Fuzz;

/// <summary>The five picture readers, by the way commands read: upright, then prepared for a CLIP of either family.</summary>
internal static class PictureTargets
{
    // Two copies of the samples, their RGB and their alpha.
    private const int BytesPerPixel = 16;

    public static Target Png { get; } = Of("png", "*.png", PngMutator.Mutate, [.. PictureSeeds.Pngs()], text: true);
    public static Target Jpeg { get; } = Of("jpeg", "*.jpg", JpegMutator.Mutate, [.. PictureSeeds.Jpegs()]);
    public static Target WebP { get; } = Of("webp", "*.webp", RiffMutator.Mutate, [.. PictureSeeds.WebPs()]);
    public static Target Gif { get; } = Of("gif", "*.gif", null, [.. PictureSeeds.Gifs()]);
    public static Target Bmp { get; } = Of("bmp", "*.bmp", null, [.. PictureSeeds.Bmps()]);

    private static Target Of(string name, string pattern, Func<Random, byte[], byte[]>? structured, byte[][] own, bool text = false) => new(name, pattern[1..])
    {
        Seeds = () => [.. own, .. Corpus.Files("clip/images/files", pattern, 4200)],
        Structured = structured,
        Read = input =>
        {
            var picture = Picture.Decode(input, "input");
            if (text) PngText.Read(input, "input");
            if ((long)picture.Width * picture.Height > 1 << 16) return; // resizing is another reader's business
            foreach (var family in Enum.GetValues<ClipFamily>()) new ClipPreprocess { Size = 16, Family = family }.Pixels(input, "input");
        },
        Documented = [typeof(PictureException)],
        Allowance = length => (1 << 22) + Math.Max(Picture.UnquestionedPixels, length * Picture.PixelsPerByte) * BytesPerPixel,
    };
}
