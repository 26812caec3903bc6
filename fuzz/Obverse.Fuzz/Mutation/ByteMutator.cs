using System.Buffers.Binary;

namespace Obverse.Fuzz;

/// <summary>Changes that need no knowledge of the format.</summary>
internal static class ByteMutator
{
    private const int Longest = 1 << 18;

    private static readonly long[] interesting =
        [0, 1, -1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 20, int.MaxValue - 1, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 32, 1L << 60, long.MaxValue, long.MinValue];

    public static byte[] Mutate(Random random, byte[] input, IReadOnlyList<byte[]> others)
    {
        if (input.Length == 0) return [(byte)random.Next(256)];
        var bytes = (byte[])input.Clone();
        var at = random.Next(bytes.Length);
        switch (random.Next(11))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                for (var n = random.Next(1, 8); n > 0; n--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                return bytes;
            case 2 or 3:
                Number(random, bytes, at);
                return bytes;
            case 4: // headers are where the lengths are
                Number(random, bytes, random.Next(Math.Min(bytes.Length, 64)));
                return bytes;
            case 5: // insert
                var block = new byte[Size(random, 256)];
                if (random.Next(2) == 0) random.NextBytes(block);
                else Array.Fill(block, (byte)random.Next(256));
                return [.. bytes.AsSpan(0, at), .. block, .. bytes.AsSpan(at)];
            case 6: // delete
                return [.. bytes.AsSpan(0, at), .. bytes.AsSpan(Math.Min(bytes.Length, at + Size(random, bytes.Length)))];
            case 7: // duplicate, seldom many times
                var part = bytes.AsSpan(at, Math.Min(bytes.Length - at, Size(random, 512))).ToArray();
                var times = random.Next(40) == 0 ? Math.Max(1, random.Next(Longest) / part.Length) : random.Next(1, 4);
                return [.. bytes.AsSpan(0, at), .. Enumerable.Repeat(part, times).SelectMany(p => p), .. bytes.AsSpan(at)];
            case 8: // swap two blocks of one size
                var other = random.Next(bytes.Length);
                var length = Math.Min(Size(random, 128), bytes.Length - Math.Max(at, other));
                for (var i = 0; i < length; i++) (bytes[at + i], bytes[other + i]) = (bytes[other + i], bytes[at + i]);
                return bytes;
            case 9:
                return bytes[..at];
            default: // splice
                var with = others[random.Next(others.Count)];
                return with.Length == 0 ? bytes : [.. bytes.AsSpan(0, at), .. with.AsSpan(random.Next(with.Length))];
        }
    }

    private static int Size(Random random, int most) => random.Next(1, 1 + Math.Max(1, (int)(most * Math.Pow(random.NextDouble(), 3))));

    private static void Number(Random random, byte[] bytes, int at)
    {
        var value = interesting[random.Next(interesting.Length)];
        Span<byte> eight = stackalloc byte[8];
        var size = 1 << random.Next(4);
        if (random.Next(2) == 0) BinaryPrimitives.WriteInt64LittleEndian(eight, value);
        else
        {
            BinaryPrimitives.WriteInt64BigEndian(eight, value);
            eight = eight[(8 - size)..];
        }

        eight[..Math.Min(size, bytes.Length - at)].CopyTo(bytes.AsSpan(at));
    }
}
