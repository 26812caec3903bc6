using System.Buffers.Binary;
using System.IO.Compression;

namespace Obverse.Imaging;

/// <summary>PNG by hand on the platform's zlib: Skia hands out neither palette indices nor 16-bit grey, and replays are compared by the bytes that are written.</summary>
internal static partial class Png
{
    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(n =>
    {
        var c = (uint)n;
        for (var k = 0; k < 8; k++) c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
        return c;
    })];

    public readonly record struct Chunk(string Type, int Start, int Length)
    {
        /// <summary>Whether type and data match their CRC-32.</summary>
        public bool Intact(ReadOnlySpan<byte> file) =>
            Crc(file.Slice(Start - 4, Length + 4)) == BinaryPrimitives.ReadUInt32BigEndian(file[(Start + Length)..]);
    }

    public static uint Crc(ReadOnlySpan<byte> bytes) => ~Crc(uint.MaxValue, bytes);

    private static uint Crc(uint c, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes) c = CrcTable[(byte)(c ^ b)] ^ (c >> 8);
        return c;
    }

    public static void WriteChunk(Stream to, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] body = [.. type, .. data];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        to.Write(number);
        to.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
        to.Write(number);
    }

    /// <summary>Every chunk up to IEND, each within the file.</summary>
    public static List<Chunk> Chunks(ReadOnlySpan<byte> file, string name)
    {
        if (!PngText.IsPng(file)) throw new PictureException(name, "no PNG signature");
        var chunks = new List<Chunk>();
        for (var at = 8; ;)
        {
            if (file.Length - at < 12) throw new PictureException(name, $"PNG truncated at byte {file.Length}; wanted chunks up to IEND");
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            var type = string.Create(4, file.Slice(at + 4, 4).ToArray(), (text, bytes) => { for (var i = 0; i < 4; i++) text[i] = (char)bytes[i]; });
            if (!type.All(char.IsAsciiLetter)) throw new PictureException(name, $"PNG damaged at byte {at}: no chunk type there");
            if (length > file.Length - at - 12) throw new PictureException(name, $"PNG truncated: chunk {type} wants {length} bytes, {file.Length - at - 12} are left");
            chunks.Add(new Chunk(type, at + 8, (int)length));
            if (type == "IEND") return chunks;
            at += 12 + (int)length;
        }
    }

    public static Raster Decode(ReadOnlySpan<byte> file, string name)
    {
        var chunks = Chunks(file, name);
        if (chunks[0] is not { Type: "IHDR", Length: 13 }) throw new PictureException(name, $"PNG starts with {chunks[0].Type}; wanted IHDR");
        byte[]? palette = null, transparency = null;
        var orientation = 1;
        var packed = new MemoryStream();
        foreach (var chunk in chunks)
        {
            var critical = char.IsAsciiLetterUpper(chunk.Type[0]);
            if (!critical && chunk.Type is not ("tRNS" or "eXIf")) continue;   // gAMA, sRGB, iCCP, cHRM: not applied, as in Pillow
            if (!chunk.Intact(file)) throw new PictureException(name, $"PNG damaged: CRC of chunk {chunk.Type} is wrong");
            var data = file.Slice(chunk.Start, chunk.Length);
            switch (chunk.Type)
            {
                case "PLTE": palette = data.ToArray(); break;
                case "tRNS": transparency = data.ToArray(); break;
                case "eXIf": orientation = Exif.Orientation(data); break;
                case "IDAT": packed.Write(data); break;
                case "IHDR" or "IEND": break;
                default: throw new PictureException(name, $"PNG has the unknown critical chunk {chunk.Type}");
            }
        }

        var header = file.Slice(chunks[0].Start, 13);
        long width = BinaryPrimitives.ReadUInt32BigEndian(header), height = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        if (Picture.Refusal(width, height, file.Length) is { } why) throw new PictureException(name, $"PNG of {width} x {height}: {why}");
        int depth = header[8], colour = header[9];
        var channels = (colour, depth) switch
        {
            (0, 1 or 2 or 4 or 8 or 16) or (3, 1 or 2 or 4 or 8) => 1,
            (2, 8 or 16) => 3,
            (4, 8 or 16) => 2,
            (6, 8 or 16) => 4,
            _ => throw new PictureException(name, $"PNG of colour type {colour} with {depth} bits; no such PNG"),
        };
        if (header[10] != 0 || header[11] != 0 || header[12] > 1) throw new PictureException(name, $"PNG with compression {header[10]}, filter {header[11]}, interlace {header[12]}; wanted 0, 0, 0 or 1");
        if (colour == 3 && (palette is null || palette.Length % 3 != 0 || palette.Length is 0 or > 768)) throw new PictureException(name, $"palette PNG with {palette?.Length ?? 0} bytes of palette; wanted 3 to 768");

        // Deflate makes at most 1032 bytes of one: a short file cannot ask for a large buffer.
        var rowBytes = (width * depth * channels + 7) / 8;
        if (packed.Length * 1032 < rowBytes * height / 2) throw new PictureException(name, $"PNG truncated: {packed.Length} bytes of pixel data cannot hold {width} x {height}");

        var reader = new PixelReader((int)width, (int)height, depth, channels, colour, colour == 3 ? null : transparency);
        try
        {
            packed.Position = 0;
            using var unpacked = new ZLibStream(packed, CompressionMode.Decompress);
            reader.Read(unpacked, interlaced: header[12] == 1, name);
        }
        catch (Exception e) when (e is InvalidDataException or IOException and not PictureException) // zlib asks for a dictionary: an IOException of .NET's own
        {
            throw new PictureException(name, $"PNG damaged: its pixel data does not unpack ({e.Message})", e);
        }

        var raster = new Raster(reader.Mode, (int)width, (int)height, reader.Samples) { KeyAlpha = reader.KeyAlpha, Orientation = orientation };
        if (colour != 3) return raster;
        var table = new byte[768];
        palette!.CopyTo(table, 0);
        return raster with { Palette = table, PaletteAlpha = transparency is null ? null : [.. transparency.Take(256), .. Enumerable.Repeat((byte)255, Math.Max(0, 256 - transparency.Length))] };
    }

    private static int Paeth(int left, int up, int corner)
    {
        int a = Math.Abs(up - corner), b = Math.Abs(left - corner), c = Math.Abs(left + up - 2 * corner);
        return a <= b && a <= c ? left : b <= c ? up : corner;
    }

    /// <summary>Undoes filters and interlacing, and widens every sample to a byte (16-bit grey: two).</summary>
    private sealed class PixelReader
    {
        private static readonly (int X, int Y, int StepX, int StepY)[] Adam7 =
            [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];

        private readonly int width, height, depth, channels, size;
        private readonly bool indexed;
        private readonly int[]? key;

        public PixelReader(int width, int height, int depth, int channels, int colour, byte[]? transparency)
        {
            (this.width, this.height, this.depth, this.channels) = (width, height, depth, channels);
            indexed = colour == 3;
            Mode = colour switch
            {
                0 => depth switch { 1 => PixelMode.Bilevel, 16 => PixelMode.Grey16, _ => PixelMode.Grey },
                2 => PixelMode.Rgb,
                3 => PixelMode.Palette,
                4 => PixelMode.GreyAlpha,
                _ => PixelMode.Rgba,
            };
            size = Raster.Size(Mode);
            Samples = new byte[width * height * size];
            if (transparency is not null && colour is 0 or 2 && transparency!.Length >= channels * 2)
            {
                key = [.. Enumerable.Range(0, channels).Select(c => transparency[c * 2] << 8 | transparency[c * 2 + 1])];
                KeyAlpha = new byte[width * height];
            }
        }

        public PixelMode Mode { get; }

        public byte[] Samples { get; }

        public byte[]? KeyAlpha { get; }

        public void Read(Stream unpacked, bool interlaced, string name)
        {
            foreach (var (x0, y0, stepX, stepY) in interlaced ? Adam7 : [(0, 0, 1, 1)])
            {
                int columns = (width - x0 + stepX - 1) / stepX, rows = (height - y0 + stepY - 1) / stepY;
                if (columns <= 0 || rows <= 0) continue;
                var bytes = (int)(((long)columns * depth * channels + 7) / 8);
                byte[] row = new byte[bytes + 1], above = new byte[bytes + 1];
                for (var y = 0; y < rows; y++)
                {
                    var got = unpacked.ReadAtLeast(row, row.Length, throwOnEndOfStream: false);
                    if (got < row.Length) throw new PictureException(name, $"PNG truncated: pixel data ends in row {y0 + y * stepY} of {height}");
                    Unfilter(row, above, Math.Max(1, depth * channels / 8), name);
                    Place(row.AsSpan(1), columns, x0, stepX, y0 + y * stepY);
                    (row, above) = (above, row);
                }
            }
        }

        private static void Unfilter(byte[] row, byte[] above, int size, string name)
        {
            switch (row[0])
            {
                case 0: break;
                case 1:
                    for (var i = 1 + size; i < row.Length; i++) row[i] += row[i - size];
                    break;
                case 2:
                    for (var i = 1; i < row.Length; i++) row[i] += above[i];
                    break;
                case 3:
                    for (var i = 1; i < row.Length; i++) row[i] += (byte)(((i > size ? row[i - size] : 0) + above[i]) / 2);
                    break;
                case 4:
                    for (var i = 1; i < row.Length; i++) row[i] += (byte)(i > size ? Paeth(row[i - size], above[i], above[i - size]) : above[i]);
                    break;
                default:
                    throw new PictureException(name, $"PNG damaged: row filter {row[0]}; wanted 0 to 4");
            }
        }

        private void Place(ReadOnlySpan<byte> row, int columns, int x0, int stepX, int y)
        {
            if (depth == 8 && stepX == 1 && key is null)
            {
                row.CopyTo(Samples.AsSpan(y * width * size));
                return;
            }

            for (var i = 0; i < columns; i++)
            {
                var at = y * width + x0 + i * stepX;
                var keyed = key is not null;
                for (var c = 0; c < channels; c++)
                {
                    var n = i * channels + c;
                    var value = depth switch
                    {
                        8 => row[n],
                        16 => row[n * 2] << 8 | row[n * 2 + 1],
                        _ => (row[n * depth / 8] >> (8 - depth - n * depth % 8)) & ((1 << depth) - 1),
                    };
                    keyed = keyed && value == key![c];
                    if (Mode == PixelMode.Grey16) BinaryPrimitives.WriteUInt16LittleEndian(Samples.AsSpan(at * 2), (ushort)value);
                    else Samples[at * size + c] = (byte)(depth == 16 ? value >> 8 : depth == 8 || indexed ? value : value * 255 / ((1 << depth) - 1));
                }

                if (KeyAlpha is not null) KeyAlpha[at] = (byte)(keyed ? 0 : 255);
            }
        }
    }
}
