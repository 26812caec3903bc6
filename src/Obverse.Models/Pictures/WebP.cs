using System.Buffers.Binary;

namespace Obverse.Models;

/// <summary>WebP by libwebp's simple interface: the same bytes as Pillow in both directions.</summary>
internal static unsafe class WebP
{
    private const int AbiVersion = 0x0209;   // decode.h of 1.2; only the high byte is compared
    private const int MaxSide = 16383;

    private static readonly Codec Library = new("WebP", "libwebp7", "libwebp.so.7", "libwebp.dylib", "libwebp");

    public static Raster Decode(ReadOnlySpan<byte> file, string name)
    {
        var declared = BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) + 8L;
        if (declared > file.Length) throw new PictureException(name, $"WebP truncated: {file.Length} bytes of {declared}");
        var features = stackalloc int[10];   // WebPBitstreamFeatures: width, height, alpha, animation, format, padding
        fixed (byte* bytes = file)
        {
            var status = ((delegate* unmanaged<byte*, nuint, int*, int, int>)Library["WebPGetFeaturesInternal"])(bytes, (nuint)file.Length, features, AbiVersion);
            if (status != 0) throw new PictureException(name, $"WebP truncated or damaged in its header (libwebp status {status})");
            int width = features[0], height = features[1];
            if (Picture.Refusal(width, height, file.Length) is { } why) throw new PictureException(name, $"WebP of {width} x {height}: {why}");
            if (features[3] != 0) return FirstFrame(file, name, width, height);
            var alpha = features[2] != 0;
            var samples = new byte[width * height * (alpha ? 4 : 3)];
            fixed (byte* to = samples)
            {
                var decode = (delegate* unmanaged<byte*, nuint, byte*, nuint, int, byte*>)Library[alpha ? "WebPDecodeRGBAInto" : "WebPDecodeRGBInto"];
                if (decode(bytes, (nuint)file.Length, to, (nuint)samples.Length, width * (alpha ? 4 : 3)) is null) throw new PictureException(name, "WebP truncated or damaged");
            }

            return new Raster(alpha ? PixelMode.Rgba : PixelMode.Rgb, width, height, samples) { Orientation = Orientation(file) };
        }
    }

    public static byte[] Encode(Picture picture, int quality, bool lossless)
    {
        if (picture.Width > MaxSide || picture.Height > MaxSide) throw new PictureException("WebP", $"cannot hold {picture.Width} x {picture.Height}; wanted at most {MaxSide} a side");
        byte* made = null;
        var channels = picture.HasAlpha ? 4 : 3;
        var function = Library[$"WebPEncode{(lossless ? "Lossless" : "")}{(picture.HasAlpha ? "RGBA" : "RGB")}"];
        try
        {
            nuint size;
            fixed (byte* pixels = picture.HasAlpha ? picture.Join() : picture.RgbArray)
            {
                size = lossless
                    ? ((delegate* unmanaged<byte*, int, int, int, byte**, nuint>)function)(pixels, picture.Width, picture.Height, picture.Width * channels, &made)
                    : ((delegate* unmanaged<byte*, int, int, int, float, byte**, nuint>)function)(pixels, picture.Width, picture.Height, picture.Width * channels, quality, &made);
            }

            if (size == 0) throw new PictureException("WebP", $"cannot encode {picture.Width} x {picture.Height}");
            return new ReadOnlySpan<byte>(made, (int)size).ToArray();
        }
        finally
        {
            if (made is not null) ((delegate* unmanaged<byte*, void>)Library["WebPFree"])(made);
        }
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

    private static int Get24(ReadOnlySpan<byte> from) => from[0] | from[1] << 8 | from[2] << 16;

    private static int Orientation(ReadOnlySpan<byte> file)
    {
        foreach (var (type, start, length) in Chunks(file, 12))
        {
            if (type == "EXIF") return Exif.Orientation(file.Slice(start, length));
        }

        return 1;
    }

    // The simple interface refuses animations; a frame is a still picture without its wrapping.
    private static Raster FirstFrame(ReadOnlySpan<byte> file, string name, int width, int height)
    {
        foreach (var (type, start, length) in Chunks(file, 12))
        {
            if (type != "ANMF" || length < 16) continue;
            var frame = file.Slice(start, length);
            int left = Get24(frame) * 2, top = Get24(frame[3..]) * 2, w = Get24(frame[6..]) + 1, h = Get24(frame[9..]) + 1;
            if (left + w > width || top + h > height) throw new PictureException(name, $"WebP damaged: its first frame leaves the canvas of {width} x {height}");
            var still = Wrap(frame[16..], w, h);
            var raster = Decode(still, name);
            if (raster.Width != w || raster.Height != h) throw new PictureException(name, "WebP damaged: its first frame has another size than declared");
            var rgba = new byte[width * height * 4];
            var from = raster.Mode == PixelMode.Rgba ? raster.Samples : raster.ToPicture(false).Join();
            for (var y = 0; y < h; y++) from.AsSpan(y * w * 4, w * 4).CopyTo(rgba.AsSpan(((top + y) * width + left) * 4));
            return raster.Mode == PixelMode.Rgb && w == width && h == height
                ? raster with { Orientation = Orientation(file) }
                : new Raster(PixelMode.Rgba, width, height, rgba) { Orientation = Orientation(file) };
        }

        throw new PictureException(name, "animated WebP without a frame");
    }

    /// <summary>A still WebP file out of the chunks of a frame: an ALPH chunk wants a VP8X before it.</summary>
    private static byte[] Wrap(ReadOnlySpan<byte> frame, int width, int height)
    {
        var body = new MemoryStream();
        if (frame.StartsWith("ALPH"u8))
        {
            var extended = new byte[10];
            extended[0] = 0x10;
            Put24(extended.AsSpan(4), width - 1);
            Put24(extended.AsSpan(7), height - 1);
            WriteChunk(body, "VP8X"u8, extended);
        }

        body.Write(frame);
        var file = new MemoryStream();
        WriteChunk(file, "RIFF"u8, [.. "WEBP"u8, .. body.ToArray()]);
        return file.ToArray();
    }
}
