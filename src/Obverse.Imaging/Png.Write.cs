using System.Buffers.Binary;
using System.IO.Compression;

namespace Obverse.Imaging;

// Row by row, into one IDAT chunk whose length is filled in at the end.
internal static partial class Png
{
    public static byte[] Encode(Picture picture)
    {
        var file = new MemoryStream();
        Write(file, picture);
        return file.ToArray();
    }

    /// <param name="to">A stream that can seek.</param>
    /// <param name="picture">8-bit RGB or RGBA.</param>
    /// <param name="texts">Chunks to put before the pixels.</param>
    public static void Write(Stream to, Picture picture, ReadOnlySpan<byte> texts = default)
    {
        var channels = picture.HasAlpha ? 4 : 3;
        to.Write(Signature);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, picture.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), picture.Height);
        header[8] = 8;
        header[9] = (byte)(picture.HasAlpha ? 6 : 2);
        WriteChunk(to, "IHDR"u8, header);
        to.Write(texts);
        using (var data = new DataChunk(to))
        using (var zlib = new ZLibStream(data, CompressionLevel.Optimal, leaveOpen: true))
        {
            var (row, above) = (new byte[picture.Width * channels], new byte[picture.Width * channels]);
            var tries = Enumerable.Range(0, 5).Select(_ => new byte[row.Length + 1]).ToArray();
            for (var y = 0; y < picture.Height; y++)
            {
                Row(picture, y, row);
                zlib.Write(BestFilter(row, above, channels, tries));
                (row, above) = (above, row);
            }
        }

        WriteChunk(to, "IEND"u8, []);
    }

    private static void Row(Picture picture, int y, byte[] row)
    {
        var rgb = picture.Rgb.Slice(y * picture.Width * 3, picture.Width * 3);
        if (!picture.HasAlpha)
        {
            rgb.CopyTo(row);
            return;
        }

        var alpha = picture.Alpha.Slice(y * picture.Width, picture.Width);
        for (var x = 0; x < alpha.Length; x++)
        {
            rgb.Slice(x * 3, 3).CopyTo(row.AsSpan(x * 4));
            row[x * 4 + 3] = alpha[x];
        }
    }

    // PNG 3rd edition, 12.7: the filter with the smallest sum of absolute values usually packs best.
    private static byte[] BestFilter(ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int size, byte[][] tries)
    {
        var best = tries[0];
        var least = long.MaxValue;
        for (var filter = 0; filter < 5; filter++)
        {
            var to = tries[filter].AsSpan(1);
            tries[filter][0] = (byte)filter;
            for (var i = 0; i < size; i++) to[i] = (byte)(row[i] - filter switch { 2 or 4 => above[i], 3 => above[i] / 2, _ => 0 });   // nothing to the left
            switch (filter)
            {
                case 0: row.CopyTo(to); break;
                case 1: for (var i = size; i < row.Length; i++) to[i] = (byte)(row[i] - row[i - size]); break;
                case 2: for (var i = size; i < row.Length; i++) to[i] = (byte)(row[i] - above[i]); break;
                case 3: for (var i = size; i < row.Length; i++) to[i] = (byte)(row[i] - (row[i - size] + above[i]) / 2); break;
                default: for (var i = size; i < row.Length; i++) to[i] = (byte)(row[i] - Paeth(row[i - size], above[i], above[i - size])); break;
            }

            long sum = 0;
            foreach (var v in to) sum += Math.Abs((int)(sbyte)v);
            if (sum < least) (best, least) = (tries[filter], sum);
        }

        return best;
    }

    /// <summary>An IDAT chunk that grows: its checksum follows the bytes, its length is written when it is closed.</summary>
    private sealed class DataChunk : Stream
    {
        private readonly Stream to;
        private readonly long start;
        private uint crc = uint.MaxValue;

        public DataChunk(Stream to)
        {
            (this.to, start) = (to, to.Position);
            to.Write(stackalloc byte[4]);
            Write("IDAT"u8);
        }

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            crc = Crc(crc, buffer);
            to.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void Flush() => to.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (!disposing) return;
            Span<byte> number = stackalloc byte[4];
            var end = to.Position;
            BinaryPrimitives.WriteInt32BigEndian(number, checked((int)(end - start - 8)));
            to.Position = start;
            to.Write(number);
            to.Position = end;
            BinaryPrimitives.WriteUInt32BigEndian(number, ~crc);
            to.Write(number);
        }
    }
}
