using Obverse.Files;

namespace Obverse.Imaging;

/// <summary>A decoded picture: 8-bit RGB, row after row from the top left, with an opacity plane where the file had one.</summary>
public sealed class Picture
{
    /// <summary>Longest side read or written. Real photographs stay below; damaged headers seldom do.</summary>
    public const int MaxSide = 30_000;

    /// <summary>Most pixels read or written: 805 MB as RGB.</summary>
    public const long MaxPixels = 1L << 28;

    /// <summary>Most pixels that are believed whatever the file's length: a plain picture packs into almost nothing.</summary>
    public const long UnquestionedPixels = 1 << 24;

    /// <summary>Most pixels a byte that a file is believed to hold above <see cref="UnquestionedPixels"/>: what deflate can make of one-bit pixels, twice.</summary>
    public const long PixelsPerByte = 16_512;

    /// <summary>Most pixels of a plain picture: above it a file spends a byte at least on <see cref="PlainPixelsPerByte"/> pixels, which every photograph does, or is not believed.</summary>
    public const long PlainPixels = 1 << 26;

    /// <inheritdoc cref="PlainPixels"/>
    public const long PlainPixelsPerByte = 64;

    /// <summary>Longest file read.</summary>
    public const long MaxFileBytes = 1 << 29;

    private readonly byte[] rgb;
    private readonly byte[]? alpha;

    /// <param name="width">In pixels, at least 1.</param>
    /// <param name="height">In pixels, at least 1.</param>
    /// <param name="rgb">[height, width, 3]; not copied: do not change it afterwards.</param>
    /// <param name="alpha">[height, width], 0 = transparent, or null when opaque; not copied.</param>
    public Picture(int width, int height, byte[] rgb, byte[]? alpha = null)
    {
        if (Refusal(width, height) is { } why) throw new ArgumentException($"a picture of {width} x {height}: {why}");
        if (rgb.Length != (long)width * height * 3) throw new ArgumentException($"a picture of {width} x {height} wants {(long)width * height * 3} bytes of RGB, not {rgb.Length}");
        if (alpha is not null && alpha.Length != (long)width * height) throw new ArgumentException($"a picture of {width} x {height} wants {(long)width * height} bytes of alpha, not {alpha.Length}");
        Width = width;
        Height = height;
        this.rgb = rgb;
        this.alpha = alpha;
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>[Height, Width, 3]. The colour under alpha 0 is what the file had there.</summary>
    public ReadOnlySpan<byte> Rgb => rgb;

    /// <summary>[Height, Width], 255 = opaque; empty where there is none.</summary>
    public ReadOnlySpan<byte> Alpha => alpha;

    public bool HasAlpha => alpha is not null;

    internal byte[] RgbArray => rgb;

    internal byte[]? AlphaArray => alpha;

    /// <summary>Reads a PNG, JPEG, WebP, GIF (first frame) or BMP file; its content says which.</summary>
    /// <param name="path">The file.</param>
    /// <param name="upright">Rotate or mirror it as its EXIF orientation says.</param>
    /// <param name="clipSixteenBit">Make 8 bits of 16-bit grey by clipping at 255, as Pillow does, instead of taking the high byte.</param>
    /// <exception cref="PictureException">Missing, empty, truncated, damaged, of an unknown format or absurdly large.</exception>
    public static Picture Load(string path, bool upright = true, bool clipSixteenBit = false) =>
        Decode(ReadFile(path), path, upright, clipSixteenBit);

    /// <summary>Decodes the bytes of a file; <paramref name="name"/> is what errors call it.</summary>
    /// <exception cref="PictureException">Empty, truncated, damaged, of an unknown format or absurdly large.</exception>
    public static Picture Decode(ReadOnlySpan<byte> file, string name, bool upright = true, bool clipSixteenBit = false)
    {
        var raster = Raster.Decode(file, name);
        return (upright ? raster.Upright() : raster).ToPicture(clipSixteenBit);
    }

    /// <summary>Writes .png, .jpg/.jpeg or .webp, whole or not at all.</summary>
    /// <param name="path">Its extension picks the format. Missing folders are not made.</param>
    /// <param name="quality">1 to 100, for JPEG and WebP.</param>
    /// <param name="text">Keywords and texts to store, PNG only (see <see cref="PngText"/>).</param>
    /// <exception cref="PictureException">Unknown extension, or a format that cannot hold what was asked.</exception>
    /// <exception cref="IOException">The path cannot be written; the message names it.</exception>
    public void Save(string path, int quality = 90, IEnumerable<KeyValuePair<string, string>>? text = null)
    {
        var extension = Path.GetExtension(path).ToLowerInvariant();
        if (text is not null && extension != ".png") throw new PictureException(path, $"text can be stored in .png only, not '{extension}'");
        if (extension == ".png")
        {
            var texts = text is null ? [] : PngText.ChunksOf(text);
            AtomicFile.Write(path, stream => Png.Write(stream, this, texts)); // row by row: a file of hundreds of megabytes does not lie in memory too
            return;
        }

        var bytes = extension switch
        {
            ".jpg" or ".jpeg" => EncodeJpeg(quality),
            ".webp" => EncodeWebp(quality),
            _ => throw new PictureException(path, $"cannot write '{extension}'; wanted .png, .jpg or .webp"),
        };
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    /// <summary>A PNG file, 8-bit RGB or RGBA; lossless.</summary>
    public byte[] EncodePng() => Png.Encode(this);

    /// <summary>A baseline JPEG file with chroma halved both ways (4:2:0): the pixels that Pillow's holds, in tighter codes; alpha is dropped.</summary>
    public byte[] EncodeJpeg(int quality = 90) => Jpeg.Encode(this, Quality(quality));

    /// <summary>A WebP file. Lossless keeps every visible pixel; the colour under alpha 0 is lost. At most 16,383 pixels a side.</summary>
    public byte[] EncodeWebp(int quality = 90, bool lossless = false) => WebP.Encode(this, Quality(quality), lossless);

    /// <summary>The picture as it looks on white paper, without alpha: what every model is shown. Colours that the file hides under alpha 0 are gone. One without alpha is itself.</summary>
    public Picture OnWhite() => alpha is null ? this : new Picture(Width, Height, new Raster(PixelMode.Rgb, Width, Height, rgb) { KeyAlpha = alpha }.OnWhite(clipSixteenBit: false));

    /// <summary>The colours alone, those under alpha 0 too.</summary>
    public Picture WithoutAlpha() => alpha is null ? this : new Picture(Width, Height, rgb);

    /// <summary>Resized as Pillow does it, to the bit; with alpha the colours are weighted by opacity.</summary>
    public Picture Resize(int width, int height, ResampleFilter filter = ResampleFilter.Bicubic, PassOrder order = PassOrder.Pillow13)
    {
        if (alpha is null) return new Picture(width, height, Resample.Bytes(rgb, Width, Height, 3, width, height, filter, order));
        var (colours, opacity) = Split(Resample.Premultiplied(Join(), Width, Height, 4, width, height, filter, order));
        return new Picture(width, height, colours, opacity);
    }

    /// <summary>The picture itself, or shrunk in its shape to no more than N pixels.</summary>
    public Picture AtMost(long pixels)
    {
        if ((long)Width * Height <= pixels) return this;
        var scale = Math.Sqrt(pixels / ((double)Width * Height));
        return Resize(Math.Max(1, (int)(Width * scale)), Math.Max(1, (int)(Height * scale)));
    }

    /// <summary>The part of <paramref name="width"/> x <paramref name="height"/> pixels whose top left corner is at (<paramref name="left"/>, <paramref name="top"/>).</summary>
    public Picture Crop(int left, int top, int width, int height)
    {
        if (left < 0 || top < 0 || width < 1 || height < 1 || left > Width - width || top > Height - height)
        {
            throw new ArgumentOutOfRangeException(nameof(left), $"crop {width} x {height} at ({left}, {top}) leaves the picture of {Width} x {Height}");
        }

        return new Picture(width, height, Raster.Crop(rgb, Width, 3, left, top, width, height), alpha is null ? null : Raster.Crop(alpha, Width, 1, left, top, width, height));
    }

    public override string ToString() => $"Picture {Width} x {Height}{(HasAlpha ? " with alpha" : "")}";

    internal byte[] Join()
    {
        var joined = new byte[Width * Height * 4];
        for (var i = 0; i < Width * Height; i++)
        {
            rgb.AsSpan(i * 3, 3).CopyTo(joined.AsSpan(i * 4));
            joined[i * 4 + 3] = alpha is null ? (byte)255 : alpha[i];
        }

        return joined;
    }

    internal static (byte[] Rgb, byte[] Alpha) Split(byte[] rgba)
    {
        var rgb = new byte[rgba.Length / 4 * 3];
        var alpha = new byte[rgba.Length / 4];
        Codec.DropAlpha(rgba, rgb);
        for (var i = 0; i < alpha.Length; i++) alpha[i] = rgba[i * 4 + 3];

        return (rgb, alpha);
    }

    /// <summary>The bytes of a picture's file; a pipe or a device is refused, as it may never end.</summary>
    /// <exception cref="PictureException">Missing, unreadable, no file, or absurdly long.</exception>
    public static byte[] ReadFile(string path)
    {
        if (OrdinaryFile.Problem(path) is { } problem) throw new PictureException(path, $"{problem}; wanted a picture file");
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            return ReadBytes(file, file.Length, path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new PictureException(path, Directory.Exists(path) ? "is a folder; wanted a picture" : "not found", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException and not PictureException)
        {
            throw new PictureException(path, Directory.Exists(path) ? "is a folder; wanted a picture" : $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The bytes of a picture in an archive, which says how many they are: no more are taken into memory.</summary>
    /// <exception cref="PictureException">Absurdly long, or not as long as was said.</exception>
    public static byte[] ReadBytes(Stream stream, long length, string name)
    {
        if (length is < 0 or > MaxFileBytes) throw new PictureException(name, $"{length} bytes is no picture; wanted at most {MaxFileBytes >> 20} MB");
        var bytes = new byte[length];
        try
        {
            return stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length ? bytes : throw new PictureException(name, $"ends before the {length} bytes that it should have");
        }
        catch (InvalidDataException damaged)
        {
            throw new PictureException(name, $"cannot be unpacked: {damaged.Message}", damaged);
        }
    }

    /// <summary>Why a picture of this size is refused, or null; asked before anything is allocated.</summary>
    internal static string? Refusal(long width, long height) =>
        width < 1 || height < 1 ? "wanted at least 1 x 1"
        : width > MaxSide || height > MaxSide ? $"wanted at most {MaxSide} a side"
        : width * height > MaxPixels ? $"wanted at most {MaxPixels} pixels"
        : null;

    /// <summary>The same for a file of <paramref name="fileLength"/> bytes, of a format that itself sets no bound: a few bytes may not ask for a gigabyte.</summary>
    internal static string? Refusal(long width, long height, long fileLength) =>
        Refusal(width, height) ?? (width * height > Math.Min(Math.Max(UnquestionedPixels, fileLength * PixelsPerByte), Math.Max(PlainPixels, fileLength * PlainPixelsPerByte)) ? $"{fileLength} bytes are not believed to hold {width * height} pixels" : null);

    private static int Quality(int quality) =>
        quality is >= 1 and <= 100 ? quality : throw new ArgumentOutOfRangeException(nameof(quality), quality, "quality runs from 1 to 100");
}
