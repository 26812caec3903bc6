using System.Runtime.InteropServices;

namespace Obverse.Models;

/// <summary>JPEG by libjpeg-turbo's TurboJPEG interface: the same bytes as Pillow in both directions.</summary>
internal static unsafe class Jpeg
{
    // turbojpeg.h of 2.1
    private const int PixelRgb = 0, PixelGrey = 6, PixelCmyk = 11, SpaceGrey = 2, SpaceCmyk = 3, SpaceYcck = 4, Sampling420 = 2;
    private const int AccurateDct = 4096, LimitScans = 32768;

    private static readonly Codec Library = new("JPEG", "libturbojpeg0", "libturbojpeg.so.0", "libturbojpeg.dylib", "turbojpeg");

    public static ReadOnlySpan<byte> Signature => [0xFF, 0xD8, 0xFF];

    public static Raster Decode(ReadOnlySpan<byte> file, string name)
    {
        var handle = ((delegate* unmanaged<nint>)Library["tjInitDecompress"])();
        if (handle == 0) throw new PictureException(name, "JPEG decoder did not start");
        try
        {
            fixed (byte* bytes = file)
            {
                int width = -1, height = -1, sampling = -1, space = -1;
                var header = (delegate* unmanaged<nint, byte*, CULong, int*, int*, int*, int*, int>)Library["tjDecompressHeader3"];
                // An unusual chroma sampling is an error of the header call alone: the sizes are set, and decoding works.
                if (header(handle, bytes, new CULong((nuint)file.Length), &width, &height, &sampling, &space) != 0 && (width < 1 || height < 1 || space < 0))
                {
                    throw new PictureException(name, $"JPEG truncated or damaged in its header ({Error(handle)})");
                }

                if (Picture.Refusal(width, height) is { } why) throw new PictureException(name, $"JPEG of {width} x {height}: {why}");
                // Huffman coding spends a bit at least on a block of 64 pixels of the finest component; arithmetic coding can do with less.
                if (file.Length * 2048L < (long)width * height && (!IsArithmetic(file) || Picture.Refusal(width, height, file.Length) is not null)) throw new PictureException(name, $"JPEG truncated: {file.Length} bytes cannot hold {width} x {height}");
                var (mode, format) = space switch
                {
                    SpaceGrey => (PixelMode.Grey, PixelGrey),
                    SpaceCmyk or SpaceYcck => (PixelMode.Cmyk, PixelCmyk),
                    _ => (PixelMode.Rgb, PixelRgb),
                };
                var samples = new byte[width * height * Raster.Size(mode)];
                fixed (byte* to = samples)
                {
                    var decompress = (delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int>)Library["tjDecompress2"];
                    if (decompress(handle, bytes, new CULong((nuint)file.Length), to, width, 0, height, format, AccurateDct | LimitScans) != 0)
                    {
                        var fatal = ((delegate* unmanaged<nint, int>)Library["tjGetErrorCode"])(handle) != 0;
                        var message = Error(handle);
                        if (fatal || !Harmless(message) || !HasEnd(file)) throw new PictureException(name, $"JPEG truncated or damaged ({message})");
                    }
                }

                // Adobe writes inverted inks and everyone follows; Pillow inverts them all.
                if (mode == PixelMode.Cmyk) for (var i = 0; i < samples.Length; i++) samples[i] = (byte)(255 - samples[i]);
                return new Raster(mode, width, height, samples) { Orientation = Orientation(file) };
            }
        }
        finally
        {
            ((delegate* unmanaged<nint, int>)Library["tjDestroy"])(handle);
        }
    }

    public static byte[] Encode(Picture picture, int quality)
    {
        var handle = ((delegate* unmanaged<nint>)Library["tjInitCompress"])();
        if (handle == 0) throw new PictureException("JPEG", "encoder did not start");
        byte* made = null;
        try
        {
            CULong size = default;
            fixed (byte* rgb = picture.RgbArray)
            {
                var compress = (delegate* unmanaged<nint, byte*, int, int, int, int, byte**, CULong*, int, int, int, int>)Library["tjCompress2"];
                if (compress(handle, rgb, picture.Width, 0, picture.Height, PixelRgb, &made, &size, Sampling420, quality, AccurateDct) != 0)
                {
                    throw new PictureException("JPEG", $"cannot encode {picture.Width} x {picture.Height} ({Error(handle)})");
                }
            }

            return new ReadOnlySpan<byte>(made, (int)size.Value).ToArray();
        }
        finally
        {
            if (made is not null) ((delegate* unmanaged<byte*, void>)Library["tjFree"])(made);
            ((delegate* unmanaged<nint, int>)Library["tjDestroy"])(handle);
        }
    }

    // SOF9 to SOF15, among which CC is no frame: JPEG's arithmetic modes (ITU T.81, table B.1).
    private static bool IsArithmetic(ReadOnlySpan<byte> file)
    {
        for (var at = 2; at + 4 <= file.Length && file[at] == 0xFF; at += 2 + (file[at + 2] << 8 | file[at + 3]))
        {
            if (file[at + 1] is >= 0xC9 and <= 0xCF and not 0xCC) return true;
            if (file[at + 1] is 0xDA || (file[at + 2] << 8 | file[at + 3]) < 2) return false;
        }

        return false;
    }

    private static string Error(nint handle) =>
        Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)Library["tjGetErrorStr2"])(handle)) ?? "no reason given";

    // Only the first warning is kept, and cameras do write these two; whether the end is there is then looked up.
    private static bool Harmless(string warning) =>
        warning.Contains("extraneous bytes before marker", StringComparison.Ordinal) || warning.Contains("Invalid SOS parameters", StringComparison.Ordinal);

    private static bool HasEnd(ReadOnlySpan<byte> file) => file.LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xD9]) > file.LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);

    private static int Orientation(ReadOnlySpan<byte> file)
    {
        for (var at = 2; at + 4 <= file.Length && file[at] == 0xFF;)
        {
            int marker = file[at + 1], length = file[at + 2] << 8 | file[at + 3];
            if (marker == 0xFF) { at++; continue; }                     // fill byte
            if (marker == 0xDA || length < 2 || at + 2 + length > file.Length) break;
            var data = file.Slice(at + 4, length - 2);
            if (marker == 0xE1 && data.StartsWith("Exif\0\0"u8)) return Exif.Orientation(data);
            at += 2 + length;
        }

        return 1;
    }
}
