using System.Buffers.Binary;

namespace Obverse.Imaging;

/// <summary>Finds the orientation in an EXIF block (a TIFF directory); anything damaged counts as "as stored".</summary>
internal static class Exif
{
    public static int Orientation(ReadOnlySpan<byte> block)
    {
        if (block.StartsWith("Exif\0\0"u8)) block = block[6..];
        if (block.Length < 8) return 1;
        var little = block.StartsWith("II*\0"u8);
        if (!little && !block.StartsWith("MM\0*"u8)) return 1;
        var directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(block[4..]) : BinaryPrimitives.ReadUInt32BigEndian(block[4..]);
        if (directory > block.Length - 2) return 1;
        var entries = Short(block, (int)directory, little);
        for (var i = 0; i < entries; i++)
        {
            var at = (int)directory + 2 + i * 12;   // tag, type, count, value
            if (at + 12 > block.Length) return 1;
            if (Short(block, at, little) != 0x0112) continue;
            var value = Short(block, at + 8, little);
            return value is >= 1 and <= 8 ? value : 1;
        }

        return 1;
    }

    private static int Short(ReadOnlySpan<byte> block, int at, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(block[at..]) : BinaryPrimitives.ReadUInt16BigEndian(block[at..]);
}
