using System.Buffers.Binary;

namespace Obverse.Fuzz;

/// <summary>WebP's chunks changed, dropped, doubled and swapped, and all lengths put right.</summary>
internal static class RiffMutator
{
    public static byte[] Mutate(Random random, byte[] input)
    {
        if (input.Length < 20) return input;
        var chunks = new List<(byte[] Type, byte[] Data)>();
        for (var at = 12; input.Length - at >= 8;)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(input.AsSpan(at + 4));
            if (length > input.Length - at - 8) break;
            chunks.Add((input[at..(at + 4)], input[(at + 8)..(at + 8 + (int)length)]));
            at += 8 + (int)length + ((int)length & 1);
        }

        if (chunks.Count == 0) return input;
        var which = random.Next(chunks.Count);
        switch (random.Next(5))
        {
            case 0:
                chunks.RemoveAt(which);
                break;
            case 1:
                chunks.Insert(random.Next(chunks.Count), chunks[which]);
                break;
            case 2:
                var other = random.Next(chunks.Count);
                (chunks[which], chunks[other]) = (chunks[other], chunks[which]);
                break;
            default:
                chunks[which] = chunks[which] with { Data = ByteMutator.Mutate(random, chunks[which].Data, [chunks[random.Next(chunks.Count)].Data]) };
                break;
        }

        var body = new MemoryStream();
        body.Write("WEBP"u8);
        Span<byte> number = stackalloc byte[4];
        foreach (var (type, data) in chunks)
        {
            body.Write(type);
            BinaryPrimitives.WriteInt32LittleEndian(number, data.Length);
            body.Write(number);
            body.Write(data);
            if ((data.Length & 1) != 0) body.WriteByte(0);
        }

        BinaryPrimitives.WriteInt32LittleEndian(number, (int)body.Length);
        return [.. "RIFF"u8, .. number, .. body.ToArray()];
    }
}
