using SkiaSharp;

namespace Obverse.Imaging;

/// <summary>JPEG by Skia, which has libjpeg-turbo in it: the pixels that Pillow reads, and writes.</summary>
internal static unsafe class Jpeg
{
    private const int Band = 64;   // rows a time: Skia hands out four bytes a pixel, of which three are wanted

    public static ReadOnlySpan<byte> Signature => [0xFF, 0xD8, 0xFF];

    public static Raster Decode(ReadOnlySpan<byte> file, string name)
    {
        var head = Head.Read(file);
        // ITU T.81, table B.1: sequential and progressive, by Huffman or arithmetic codes.
        if (head.Frame is not (0 or 0xC0 or 0xC1 or 0xC2 or 0xC9 or 0xCA)) throw new PictureException(name, $"JPEG of a kind that is not read (SOF type 0x{head.Frame:x2}: lossless or hierarchical)");
        if (head.Precision is not (0 or 8)) throw new PictureException(name, $"JPEG of a kind that is not read (precision {head.Precision}; wanted 8 bits)");
        fixed (byte* bytes = file)
        {
            using var codec = Codec.Open(bytes, file.Length) ?? throw new PictureException(name, "JPEG truncated or damaged in its header");
            var (width, height) = (codec.Info.Width, codec.Info.Height);
            if (Picture.Refusal(width, height) is { } why) throw new PictureException(name, $"JPEG of {width} x {height}: {why}");
            // Huffman coding spends a bit at least on a block of 64 pixels of the finest component; arithmetic coding can do with less.
            if (file.Length * 2048L < (long)width * height && head.Frame < 0xC9) throw new PictureException(name, $"JPEG truncated: {file.Length} bytes cannot hold {width} x {height}");
            if (Picture.Refusal(width, height, file.Length) is { } lie) throw new PictureException(name, $"JPEG of {width} x {height}: {lie}");

            // CMYK comes as RGB, which Skia makes as Pillow's convert("RGB") does: C * K / 255 of the inverted inks that Adobe writes and everyone follows.
            var layout = Codec.Layout(width, height, alpha: false);
            var raster = codec.Info.ColorType == SKColorType.Gray8
                ? new Raster(PixelMode.Grey, width, height, Rows(codec, layout.WithColorType(SKColorType.Gray8), name))
                : new Raster(PixelMode.Rgb, width, height, Rows(codec, layout, name));
            // Every row may be there of a file that is not: the end has to be. Damage among the codes goes unseen, as in Pillow: Skia keeps libjpeg's warnings to itself.
            if (file[Math.Min(head.Scan, file.Length)..].IndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]) < 0) throw new PictureException(name, $"JPEG truncated at byte {file.Length}: no end of the picture");
            return raster with { Orientation = head.Orientation };
        }
    }

    public static byte[] Encode(Picture picture, int quality) =>
        Codec.Encode(picture, "JPEG", pixels => pixels.Encode(new SKJpegEncoderOptions(quality, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore)));

    // By rows and not by GetPixels, which calls a progressive file that is cut off a success.
    private static byte[] Rows(SKCodec codec, SKImageInfo layout, string name)
    {
        var (width, height) = (layout.Width, layout.Height);
        if (codec.StartScanlineDecode(layout) is not SKCodecResult.Success and var result) throw new PictureException(name, $"JPEG truncated or damaged ({result})");
        var grey = layout.BytesPerPixel == 1;
        var samples = new byte[width * height * (grey ? 1 : 3)];
        var band = grey ? samples : new byte[width * Math.Min(Band, height) * 4];
        for (var y = 0; y < height;)
        {
            var wanted = grey ? height : Math.Min(Band, height - y);
            int got;
            fixed (byte* to = band) got = codec.GetScanlines((nint)to, wanted, layout.RowBytes);
            if (got < wanted) throw new PictureException(name, $"JPEG truncated or damaged: {y + got} rows of {height}");
            if (!grey) Codec.DropAlpha(band.AsSpan(0, wanted * layout.RowBytes), samples.AsSpan(y * width * 3));
            y += wanted;
        }

        return samples;
    }

    /// <summary>What stands before the first scan; 0 where nothing is said.</summary>
    private readonly record struct Head(int Frame, int Precision, int Orientation, int Scan)
    {
        public static Head Read(ReadOnlySpan<byte> file)
        {
            int frame = 0, precision = 0, orientation = 0, at = 2;
            while (at + 4 <= file.Length)
            {
                int marker = file[at + 1], length = file[at + 2] << 8 | file[at + 3];
                if (file[at] != 0xFF || marker is 0 or 0xFF)   // libjpeg steps over fill bytes and over what is no marker
                {
                    at++;
                    continue;
                }

                if (marker is 0x01 or (>= 0xD0 and <= 0xD8))   // alone, without a length
                {
                    at += 2;
                    continue;
                }

                if (marker is 0xD9 or 0xDA || length < 2 || at + 2 + length > file.Length) break;
                var data = file.Slice(at + 4, length - 2);
                if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC) && !data.IsEmpty) (frame, precision) = (marker, data[0]);
                if (marker == 0xE1 && orientation == 0 && data.StartsWith("Exif\0\0"u8)) orientation = Exif.Orientation(data);
                at += 2 + length;
            }

            return new Head(frame, precision, Math.Max(1, orientation), at);
        }
    }
}
