using System.Buffers.Binary;
using SkiaSharp;

namespace Obverse.Imaging;

/// <summary>WebP by Skia, which has libwebp in it: the pixels that Pillow reads.</summary>
internal static unsafe class WebP
{
    private const int MaxSide = 16383;

    // Of 0 to 100; a sheet of drawings packs 5 % tighter than with 0, in twice the time.
    private const int LosslessEffort = 70;

    /// <summary>The picture, or the first frame of an animation on its canvas.</summary>
    public static Raster Decode(ReadOnlySpan<byte> file, string name)
    {
        var declared = BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L;
        if (declared > file.Length) throw new PictureException(name, $"WebP truncated: {file.Length} bytes of {declared}");
        fixed (byte* bytes = file)
        {
            using var codec = Codec.Open(bytes, file.Length) ?? throw new PictureException(name, "WebP truncated or damaged in its header");
            var (width, height, alpha) = (codec.Info.Width, codec.Info.Height, codec.Info.AlphaType != SKAlphaType.Opaque);
            if (Picture.Refusal(width, height, file.Length) is { } why) throw new PictureException(name, $"WebP of {width} x {height}: {why}");
            var raster = new Raster(PixelMode.Rgba, width, height, Codec.Pixels(codec, alpha, "WebP", name)) { Orientation = Orientation(file) };
            return alpha ? raster : raster with { Mode = PixelMode.Rgb, Samples = raster.ToRgb(false) };
        }
    }

    public static byte[] Encode(Picture picture, int quality, bool lossless)
    {
        if (picture.Width > MaxSide || picture.Height > MaxSide) throw new PictureException("WebP", $"cannot hold {picture.Width} x {picture.Height}; wanted at most {MaxSide} a side");
        var options = lossless ? new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, LosslessEffort) : new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossy, quality);
        return Codec.Encode(picture, "WebP", pixels => pixels.Encode(options));
    }

    /// <summary>The chunks of a WebP file, or of one frame of an animation, that lie wholly within it.</summary>
    internal static List<(string Type, int Start, int Length)> Chunks(ReadOnlySpan<byte> bytes, int at)
    {
        var chunks = new List<(string, int, int)>();
        while (bytes.Length - at >= 8)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 4)..]);
            if (length > bytes.Length - at - 8) break;
            chunks.Add((System.Text.Encoding.Latin1.GetString(bytes.Slice(at, 4)), at + 8, (int)length));
            at += 8 + (int)length + ((int)length & 1);
        }

        return chunks;
    }

    internal static void WriteChunk(Stream to, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, data.Length);
        to.Write(type);
        to.Write(length);
        to.Write(data);
        if ((data.Length & 1) != 0) to.WriteByte(0);
    }

    internal static void Put24(Span<byte> to, int value) => (to[0], to[1], to[2]) = ((byte)value, (byte)(value >> 8), (byte)(value >> 16));

    private static int Orientation(ReadOnlySpan<byte> file)
    {
        foreach (var (type, start, length) in Chunks(file, 12))
        {
            if (type == "EXIF") return Exif.Orientation(file.Slice(start, length));
        }

        return 1;
    }
}
