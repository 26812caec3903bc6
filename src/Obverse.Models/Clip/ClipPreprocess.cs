using Obverse.Imaging;

namespace Obverse.Models;

/// <summary>The two published ways of preparing a picture for CLIP; their crops can lie one pixel apart.</summary>
public enum ClipFamily
{
    /// <summary>openai/CLIP and open_clip: resize in the mode of the file, drop alpha (<see cref="ClipPreprocess.OnWhite"/>), crop offset rounded half to even.</summary>
    OpenAi,

    /// <summary>transformers: RGB on white first, crop offset rounded down.</summary>
    HuggingFace,
}

/// <summary>A file made into the square of pixels that a CLIP checkpoint was trained on: shorter side to <see cref="Size"/>, bicubic, then the middle.</summary>
public sealed record ClipPreprocess
{
    /// <summary>Side of the square in pixels: 224 for most checkpoints.</summary>
    public int Size { get; init; } = 224;

    public ClipFamily Family { get; init; } = ClipFamily.OpenAi;

    /// <summary>Turn by EXIF orientation first. Neither library does inside its preprocessing; people expect it.</summary>
    public bool Upright { get; init; } = true;

    /// <summary>Turn 16-bit grey into white where it is above 255, as Pillow does, instead of keeping the high byte.</summary>
    public bool ClipSixteenBit { get; init; }

    /// <summary>Put what is transparent on white first, so that pictures that look alike are alike. openai/CLIP and open_clip do not: they see the colours that a file hides under alpha 0. transformers does, whatever stands here.</summary>
    public bool OnWhite { get; init; } = true;

    public PassOrder Order { get; init; } = PassOrder.Pillow13;

    /// <summary>To the bit what the library gets from Pillow 13: EXIF orientation is ignored, 16-bit grey is clipped, hidden colours show (<see cref="OnWhite"/>).</summary>
    public static ClipPreprocess Exact(ClipFamily family, int size) => new() { Family = family, Size = size, Upright = false, ClipSixteenBit = true, OnWhite = false };

    /// <summary>[Size, Size, 3] of a file.</summary>
    /// <exception cref="PictureException">As <see cref="Picture.Load"/>.</exception>
    public byte[] Pixels(string path) => Pixels(Picture.ReadFile(path), path);

    /// <summary>[Size, Size, 3] of the bytes of a file, which errors call <paramref name="name"/>.</summary>
    /// <exception cref="PictureException">As <see cref="Picture.Decode"/>.</exception>
    public byte[] Pixels(ReadOnlySpan<byte> file, string name)
    {
        var raster = Raster.Decode(file, name);
        return Pixels(Upright ? raster.Upright() : raster, name);
    }

    /// <summary>[Size, Size, 3] of a picture in memory, which counts as RGB or RGBA.</summary>
    public byte[] Pixels(Picture picture) => Pixels(Raster.Of(picture), "picture");

    private byte[] Pixels(Raster raster, string name)
    {
        if (Family == ClipFamily.HuggingFace || OnWhite && raster.IsTransparent) raster = new Raster(PixelMode.Rgb, raster.Width, raster.Height, raster.OnWhite(ClipSixteenBit));
        var (width, height) = (raster.Width, raster.Height);
        var shorter = Math.Min(width, height);
        var longer = (int)((double)Size * Math.Max(width, height) / shorter);   // cut off, not rounded
        if ((long)longer * Size > Picture.MaxPixels) throw new PictureException(name, $"{width} x {height} is too thin to resize to {Size} pixels on the shorter side");
        var (toWidth, toHeight) = width <= height ? (Size, longer) : (longer, Size);
        var samples = raster.Mode switch
        {
            PixelMode.Bilevel or PixelMode.Palette => Resample.Bytes(raster.Samples, width, height, 1, toWidth, toHeight, ResampleFilter.Nearest),
            PixelMode.Grey16 => Resample.Sixteen(raster.Samples, width, height, toWidth, toHeight, ResampleFilter.Bicubic, Order),
            PixelMode.GreyAlpha or PixelMode.Rgba => Resample.Premultiplied(raster.Samples, width, height, raster.BytesPerPixel, toWidth, toHeight, ResampleFilter.Bicubic, Order),
            _ => Resample.Bytes(raster.Samples, width, height, raster.BytesPerPixel, toWidth, toHeight, ResampleFilter.Bicubic, Order),
        };
        return (raster with { Width = Size, Height = Size, Samples = Raster.Crop(samples, toWidth, raster.BytesPerPixel, Offset(toWidth), Offset(toHeight), Size, Size), KeyAlpha = null }).ToRgb(ClipSixteenBit);
    }

    private int Offset(int length) =>
        Family == ClipFamily.OpenAi ? (int)Math.Round((length - Size) / 2.0, MidpointRounding.ToEven) : (length - Size) / 2;
}
