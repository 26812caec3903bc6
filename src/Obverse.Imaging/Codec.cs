using System.Runtime.Intrinsics;
using SkiaSharp;

namespace Obverse.Imaging;

/// <summary>What the formats share of Skia's codecs: pixels as the file stores them, neither rotated, colour-managed nor multiplied by their opacity.</summary>
internal static unsafe class Codec
{
    /// <summary>The codec of a file; the bytes stay where they are until it is disposed.</summary>
    public static SKCodec? Open(byte* bytes, int length)
    {
        using var data = SKData.Create((nint)bytes, length);
        return SKCodec.Create(data);
    }

    /// <summary>No colour space: without one, Skia leaves values alone whatever profile the file carries, as Pillow does.</summary>
    public static SKImageInfo Layout(int width, int height, bool alpha) => new(width, height, SKColorType.Rgba8888, alpha ? SKAlphaType.Unpremul : SKAlphaType.Opaque);

    /// <summary>RGBA of the whole picture, or of an animation's first frame.</summary>
    public static byte[] Pixels(SKCodec codec, bool alpha, string format, string name)
    {
        var (width, height) = (codec.Info.Width, codec.Info.Height);
        var rgba = new byte[width * height * 4];
        fixed (byte* to = rgba)
        {
            if (codec.GetPixels(Layout(width, height, alpha), (nint)to) is not SKCodecResult.Success and var result) throw new PictureException(name, $"{format} truncated or damaged ({result})");
        }

        return rgba;
    }

    /// <summary>Palette indices, which Skia itself hands out of no file: the file's palette is <see cref="GreyRamp"/>, so that they are its reds.</summary>
    public static byte[] Indices(byte[] file, string format, string name)
    {
        fixed (byte* bytes = file)
        {
            using var codec = Open(bytes, file.Length) ?? throw new PictureException(name, $"{format} truncated or damaged in its header");
            var rgba = Pixels(codec, codec.Info.AlphaType != SKAlphaType.Opaque, format, name);
            var indices = new byte[rgba.Length / 4];
            for (var i = 0; i < indices.Length; i++) indices[i] = rgba[i * 4];
            return indices;
        }
    }

    /// <summary>Entry i is the grey i, in <paramref name="size"/> bytes.</summary>
    public static byte[] GreyRamp(int size) => [.. Enumerable.Range(0, 256 * size).Select(i => (byte)(i / size))];

    /// <summary>A picture's pixels as Skia's encoders read them.</summary>
    public static byte[] Encode(Picture picture, string format, Func<SKPixmap, SKData?> encode)
    {
        fixed (byte* rgba = picture.Join())
        {
            using var pixels = new SKPixmap(Layout(picture.Width, picture.Height, picture.HasAlpha), (nint)rgba);
            using var encoded = encode(pixels);
            return encoded?.ToArray() ?? throw new PictureException(format, $"cannot encode {picture.Width} x {picture.Height}");
        }
    }

    /// <summary>The colours of RGBA pixels without their opacity.</summary>
    public static void DropAlpha(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        int from = 0, to = 0;
        var order = Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15);   // the last four are written over by the next
        for (; from + 16 <= rgba.Length && to + 16 <= rgb.Length; from += 16, to += 12) Vector128.Shuffle(Vector128.Create(rgba.Slice(from, 16)), order).CopyTo(rgb[to..]);
        for (; from < rgba.Length; from += 4, to += 3) rgba.Slice(from, 3).CopyTo(rgb[to..]);
    }
}
