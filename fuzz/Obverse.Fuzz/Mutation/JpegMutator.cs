namespace Obverse.Fuzz;

/// <summary>JPEG's segments changed, dropped, doubled and swapped, with their lengths put right; what follows a start of scan counts as part of it.</summary>
internal static class JpegMutator
{
    public static byte[] Mutate(Random random, byte[] input)
    {
        var segments = new List<(byte Marker, byte[] Data, byte[] Tail)>();
        for (var at = 2; at + 4 <= input.Length && input[at] == 0xFF;)
        {
            var length = input[at + 2] << 8 | input[at + 3];
            if (length < 2 || at + 2 + length > input.Length) break;
            var end = at + 2 + length;
            var next = end;
            if (input[at + 1] == 0xDA)
            {
                // To the next marker that is neither a stuffed byte nor a restart.
                while (next + 1 < input.Length && !(input[next] == 0xFF && input[next + 1] is not (0 or (>= 0xD0 and <= 0xD7)))) next++;
            }

            segments.Add((input[at + 1], input[(at + 4)..end], input[end..next]));
            at = next;
        }

        if (segments.Count == 0) return input;
        var which = random.Next(segments.Count);
        switch (random.Next(6))
        {
            case 0:
                segments.RemoveAt(which);
                break;
            case 1:
                segments.Insert(random.Next(segments.Count), segments[which]);
                break;
            case 2:
                var other = random.Next(segments.Count);
                (segments[which], segments[other]) = (segments[other], segments[which]);
                break;
            case 3:
                segments[which] = segments[which] with { Marker = (byte)random.Next(0xC0, 0x100) };
                break;
            default:
                segments[which] = segments[which].Tail.Length > 0 && random.Next(2) == 0
                    ? segments[which] with { Tail = ByteMutator.Mutate(random, segments[which].Tail, [segments[which].Tail]) }
                    : segments[which] with { Data = ByteMutator.Mutate(random, segments[which].Data, [segments[random.Next(segments.Count)].Data]) };
                break;
        }

        var file = new MemoryStream();
        file.Write([0xFF, 0xD8]);
        foreach (var (marker, data, tail) in segments)
        {
            var length = data.Length + 2;
            file.Write([0xFF, marker, (byte)(length >> 8), (byte)length]);
            file.Write(data);
            file.Write(tail);
        }

        file.Write([0xFF, 0xD9]);
        return file.ToArray();
    }
}
