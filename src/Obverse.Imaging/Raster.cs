namespace Obverse.Imaging;

/// <summary>How a file stores a pixel; Pillow's name beside it.</summary>
internal enum PixelMode
{
    Bilevel,    // 1: one byte, 0 or 255
    Grey,       // L
    Grey16,     // I;16: two bytes, low one first
    GreyAlpha,  // LA
    Palette,    // P: an index
    Rgb,        // RGB
    Rgba,       // RGBA
}

/// <summary>A decoded file still in its own mode: CLIP's original preprocessing resizes before it converts to RGB, which a <see cref="Picture"/> could no longer do.</summary>
internal sealed record Raster(PixelMode Mode, int Width, int Height, byte[] Samples)
{
    /// <summary>256 RGB triples, black where the file had none.</summary>
    public byte[]? Palette { get; init; }

    /// <summary>256 opacities.</summary>
    public byte[]? PaletteAlpha { get; init; }

    /// <summary>[Height, Width]: 0 where a grey or RGB pixel has the colour that the file declares transparent, else 255.</summary>
    public byte[]? KeyAlpha { get; init; }

    /// <summary>EXIF 1 to 8; 1 = as stored.</summary>
    public int Orientation { get; init; } = 1;

    public int BytesPerPixel => Size(Mode);

    public static int Size(PixelMode mode) => mode switch
    {
        PixelMode.Rgb => 3,
        PixelMode.Rgba => 4,
        PixelMode.GreyAlpha or PixelMode.Grey16 => 2,
        _ => 1,
    };

    public static Raster Decode(ReadOnlySpan<byte> file, string name)
    {
        if (file.IsEmpty) throw new PictureException(name, "empty file; wanted a PNG, JPEG, WebP, GIF or BMP picture");
        if (file.StartsWith(Png.Signature)) return Png.Decode(file, name);
        if (file.StartsWith(Jpeg.Signature)) return Jpeg.Decode(file, name);
        if (file.Length >= 12 && file.StartsWith("RIFF"u8) && file[8..12].SequenceEqual("WEBP"u8)) return WebP.Decode(file, name);
        if (file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8)) return Gif.Decode(file, name);
        if (file.StartsWith("BM"u8) && file.Length > 2) return Bmp.Decode(file, name);
        var start = Convert.ToHexString(file[..Math.Min(8, file.Length)]);
        if (Foreign(file) is { } other) throw new PictureException(name, $"{other}, which is not read; wanted PNG, JPEG, WebP, GIF or BMP");
        throw new PictureException(name, $"unknown format (starts with {start}, {file.Length} bytes); wanted PNG, JPEG, WebP, GIF or BMP");
    }

    // What people try, by name: a phone's pictures, a browser's saved error page.
    private static string? Foreign(ReadOnlySpan<byte> file) =>
        file.Length >= 12 && file[4..8].SequenceEqual("ftyp"u8) ? file[8..12].SequenceEqual("avif"u8) || file[8..12].SequenceEqual("avis"u8) ? "an AVIF picture" : file[8..11].SequenceEqual("hei"u8) || file[8..12].SequenceEqual("mif1"u8) ? "a HEIC picture" : "an MP4 film or its kin"
        : file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8) ? "a TIFF picture or a camera's raw file"
        : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x0A]) || file.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 12, (byte)'J', (byte)'X', (byte)'L', (byte)' ']) ? "a JPEG XL picture"
        : file.StartsWith((ReadOnlySpan<byte>)[0, 0, 0, 12, (byte)'j', (byte)'P', (byte)' ', (byte)' ']) || file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]) ? "a JPEG 2000 picture"
        : file.StartsWith((ReadOnlySpan<byte>)[0, 0, 1, 0]) ? "an icon (ICO)"
        : file.StartsWith("8BPS"u8) ? "a Photoshop file"
        : file.StartsWith("%PDF"u8) ? "a PDF"
        : file.StartsWith("<svg"u8) || file.StartsWith("<?xml"u8) ? "an SVG drawing or other XML"
        : file.StartsWith("<!DOCTYPE"u8) || file.StartsWith("<!doctype"u8) || file.StartsWith("<html"u8) ? "a web page, not a picture (a download that failed?)"
        : file.StartsWith("version https://git-lfs"u8) ? "a Git LFS pointer in place of the picture"
        : null;

    /// <summary>Whether every entry i of a palette is the grey i.</summary>
    public static bool IsGreyRamp(ReadOnlySpan<byte> palette)
    {
        for (var i = 0; i < palette.Length; i++) if (palette[i] != i / 3) return false;
        return true;
    }

    public static Raster Of(Picture picture) => picture.HasAlpha
        ? new Raster(PixelMode.Rgba, picture.Width, picture.Height, picture.Join())
        : new Raster(PixelMode.Rgb, picture.Width, picture.Height, picture.RgbArray);

    public Picture ToPicture(bool clipSixteenBit) => new(Width, Height, ToRgb(clipSixteenBit), ToAlpha());

    /// <summary>The same picture rotated and mirrored as its EXIF orientation asks.</summary>
    public Raster Upright()
    {
        if (Orientation is < 2 or > 8) return this;
        var (width, height) = Orientation >= 5 ? (Height, Width) : (Width, Height);
        return this with
        {
            Width = width,
            Height = height,
            Samples = Orient(Samples, Width, Height, BytesPerPixel, Orientation),
            KeyAlpha = KeyAlpha is null ? null : Orient(KeyAlpha, Width, Height, 1, Orientation),
            Orientation = 1,
        };
    }

    /// <summary>[Height, Width, 3] as Pillow's convert("RGB"): alpha is dropped, palettes are looked up.</summary>
    public byte[] ToRgb(bool clipSixteenBit)
    {
        if (Mode == PixelMode.Rgb) return Samples;
        var count = Width * Height;
        var rgb = new byte[count * 3];
        if (Mode == PixelMode.Rgba)
        {
            Codec.DropAlpha(Samples, rgb);
            return rgb;
        }

        for (var i = 0; i < count; i++)
        {
            var to = rgb.AsSpan(i * 3, 3);
            switch (Mode)
            {
                case PixelMode.Bilevel or PixelMode.Grey:
                    to.Fill(Samples[i]);
                    break;
                case PixelMode.Grey16:
                    to.Fill(clipSixteenBit && Samples[i * 2 + 1] != 0 ? (byte)255 : Samples[i * 2 + (clipSixteenBit ? 0 : 1)]);
                    break;
                case PixelMode.GreyAlpha:
                    to.Fill(Samples[i * 2]);
                    break;
                case PixelMode.Palette:
                    Palette.AsSpan(Samples[i] * 3, 3).CopyTo(to);
                    break;
            }
        }

        return rgb;
    }

    /// <summary>Whether any pixel shows what lies behind it.</summary>
    public bool IsTransparent => ToAlpha() is { } alpha && alpha.AsSpan().ContainsAnyExcept((byte)255);

    /// <summary>[Height, Width, 3] over opaque white, as Pillow's alpha_composite has it: 7 bits more than a byte, every division rounded. Of what has alpha 0 no colour is left.</summary>
    public byte[] OnWhite(bool clipSixteenBit)
    {
        var rgb = ToRgb(clipSixteenBit);
        if (ToAlpha() is not { } alpha) return rgb;
        if (ReferenceEquals(rgb, Samples)) rgb = [.. rgb];
        for (var i = 0; i < rgb.Length; i++)
        {
            var a = alpha[i / 3];
            var colour = (uint)a * 255 * 255 * 128 / (255 * 255);   // outa255 = a * 255 + 255 * (255 - a)
            var sum = rgb[i] * colour + 255 * (255 * 128 - colour) + (128 << 7);
            rgb[i] = a == 0 ? (byte)255 : (byte)((((sum >> 8) + sum) >> 8) >> 7);
        }

        return rgb;
    }

    /// <summary>[Height, Width], or null where every pixel is opaque by its mode.</summary>
    public byte[]? ToAlpha()
    {
        if (KeyAlpha is not null) return KeyAlpha;
        var (step, at) = Mode switch { PixelMode.GreyAlpha => (2, 1), PixelMode.Rgba => (4, 3), PixelMode.Palette when PaletteAlpha is not null => (1, 0), _ => (0, 0) };
        if (step == 0) return null;
        var alpha = new byte[Width * Height];
        for (var i = 0; i < alpha.Length; i++) alpha[i] = step == 1 ? PaletteAlpha![Samples[i]] : Samples[i * step + at];
        return alpha;
    }

    /// <summary>A rectangle of rows of <paramref name="size"/>-byte pixels.</summary>
    public static byte[] Crop(byte[] pixels, int stride, int size, int left, int top, int width, int height)
    {
        var cut = new byte[width * height * size];
        for (var y = 0; y < height; y++) pixels.AsSpan(((top + y) * stride + left) * size, width * size).CopyTo(cut.AsSpan(y * width * size));
        return cut;
    }

    // EXIF 2.32, tag 0x0112: which corner of the stored picture is its first row and column.
    private static byte[] Orient(byte[] pixels, int width, int height, int size, int orientation)
    {
        var oriented = new byte[pixels.Length];
        var toWidth = orientation >= 5 ? height : width;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (tx, ty) = orientation switch
                {
                    2 => (width - 1 - x, y),
                    3 => (width - 1 - x, height - 1 - y),
                    4 => (x, height - 1 - y),
                    5 => (y, x),
                    6 => (height - 1 - y, x),
                    7 => (height - 1 - y, width - 1 - x),
                    _ => (y, width - 1 - x),
                };
                pixels.AsSpan((y * width + x) * size, size).CopyTo(oriented.AsSpan((ty * toWidth + tx) * size));
            }
        }

        return oriented;
    }
}
