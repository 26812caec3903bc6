using System.Buffers.Binary;

namespace Obverse.Fuzz;

/// <summary>Changes the header as JSON and puts its length right, so that the change is read.</summary>
internal static class SafetensorsMutator
{
    public static byte[] Mutate(Random random, byte[] input)
    {
        if (input.Length < 10) return input;
        var length = BinaryPrimitives.ReadInt64LittleEndian(input);
        if (length < 2 || length > input.Length - 8) return input;
        var header = JsonMutator.Mutate(random, input[8..(8 + (int)length)]);
        var data = input.AsSpan(8 + (int)length);
        var padding = random.Next(2) == 0 ? (8 - header.Length % 8) % 8 : 0; // half of the tensors then lie where they must be copied
        var output = new byte[8 + header.Length + padding + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(output, header.Length + padding);
        header.CopyTo(output, 8);
        output.AsSpan(8 + header.Length, padding).Fill((byte)' ');
        data.CopyTo(output.AsSpan(8 + header.Length + padding));
        return output;
    }
}
