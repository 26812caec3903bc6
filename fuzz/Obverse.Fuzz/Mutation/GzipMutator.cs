using System.IO.Compression;

namespace Obverse.Fuzz;

/// <summary>Changes what a gzip file holds, and packs it again.</summary>
internal static class GzipMutator
{
    public static byte[] Mutate(Random random, byte[] input)
    {
        var plain = new MemoryStream();
        try
        {
            using var gzip = new GZipStream(new MemoryStream(input), CompressionMode.Decompress);
            var block = new byte[4096];
            for (int n; plain.Length < 1 << 20 && (n = gzip.Read(block)) > 0;) plain.Write(block, 0, n);
        }
        catch (InvalidDataException)
        {
            return input;
        }

        return Pack(ByteMutator.Mutate(random, plain.ToArray(), [plain.ToArray()]));
    }

    public static byte[] Pack(byte[] plain)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(plain);
        return packed.ToArray();
    }
}
