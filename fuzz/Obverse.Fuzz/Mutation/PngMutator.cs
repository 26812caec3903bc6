using System.Buffers.Binary;
using System.IO.Compression;
using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Fuzz;

/// <summary>Chunks changed, dropped, doubled and swapped; pixel data changed before it is packed; check sums put right, so that the change gets past them.</summary>
internal static class PngMutator
{
    public static byte[] Mutate(Random random, byte[] input)
    {
        if (Split(input) is not { Count: > 1 } chunks) return input;
        var at = random.Next(chunks.Count);
        switch (random.Next(6))
        {
            case 0:
                chunks.RemoveAt(at);
                break;
            case 1:
                chunks.Insert(random.Next(chunks.Count), chunks[at]);
                break;
            case 2:
                var other = random.Next(chunks.Count);
                (chunks[at], chunks[other]) = (chunks[other], chunks[at]);
                break;
            case 3 or 4:
                chunks[at] = chunks[at] with { Data = ByteMutator.Mutate(random, chunks[at].Data, [chunks[random.Next(chunks.Count)].Data]) };
                break;
            default:
                chunks = Repacked(random, chunks);
                break;
        }

        var file = new MemoryStream();
        file.Write(Png.Signature);
        foreach (var (type, data) in chunks) Png.WriteChunk(file, type, data);
        return file.ToArray();
    }

    /// <summary>Right check sums for all chunks of a file that was changed as bytes.</summary>
    public static byte[] Mend(byte[] input)
    {
        if (Split(input) is not { Count: > 0 } chunks) return input;
        var file = new MemoryStream();
        file.Write(Png.Signature);
        foreach (var (type, data) in chunks) Png.WriteChunk(file, type, data);
        return file.ToArray();
    }

    private static List<(byte[] Type, byte[] Data)>? Split(byte[] input)
    {
        if (input.Length < 8) return null;
        var chunks = new List<(byte[], byte[])>();
        for (var at = 8; input.Length - at >= 12;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(input.AsSpan(at));
            if (length > input.Length - at - 12) break;
            chunks.Add((input[(at + 4)..(at + 8)], input[(at + 8)..(at + 8 + (int)length)]));
            at += 12 + (int)length;
        }

        return chunks;
    }

    private static List<(byte[] Type, byte[] Data)> Repacked(Random random, List<(byte[] Type, byte[] Data)> chunks)
    {
        var pixels = chunks.Where(c => c.Type.AsSpan().SequenceEqual("IDAT"u8)).ToList();
        if (pixels.Count == 0) return chunks;
        var plain = new MemoryStream();
        try
        {
            using var zlib = new ZLibStream(new MemoryStream([.. pixels.SelectMany(c => c.Data)]), CompressionMode.Decompress);
            var block = new byte[4096];
            for (int n; plain.Length < 1 << 20 && (n = zlib.Read(block)) > 0;) plain.Write(block, 0, n);
        }
        catch (InvalidDataException)
        {
            return chunks;
        }

        var changed = ByteMutator.Mutate(random, plain.ToArray(), [plain.ToArray()]);
        var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(changed);
        var first = chunks.FindIndex(c => c.Type.AsSpan().SequenceEqual("IDAT"u8));
        var left = chunks.Where(c => !c.Type.AsSpan().SequenceEqual("IDAT"u8)).ToList();
        left.Insert(Math.Min(first, left.Count), ("IDAT"u8.ToArray(), packed.ToArray()));
        return left;
    }
}
