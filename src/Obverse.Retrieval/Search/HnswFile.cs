using System.Runtime.CompilerServices;
using Obverse.Torch;

namespace Obverse.Retrieval;

/// <summary>
/// USearch's file of a graph (versions 2), looked through before USearch gets it: it goes where the file says, so a link that leads to no row would be read from outside its memory. Whoever made an index may have made
/// this too.
/// </summary>
/// <remarks>
/// Rows and bytes a row (uint32), the rows; a head of 64 bytes: metric at 13, kind of numbers at 14, how many a row has at 33; a head of the graph of 40: rows, links, links of the lowest layer, highest layer, where to begin (uint64); each row's highest layer
/// (int16); then each row's number (uint64), highest layer again, and for each layer from the lowest how many links (uint32) and room for all it may have.
/// </remarks>
internal static unsafe class HnswFile
{
    private const int Head = 64, Graph = 40, BFloat16 = 4;

    /// <summary>Refuses what would lead outside.</summary>
    /// <param name="numbers">Rows are numbered below this.</param>
    /// <exception cref="InvalidDataException">Says what is wrong.</exception>
    public static void Check(Tensor bytes, long dimension, long numbers)
    {
        var (data, length) = (bytes.Data, bytes.Elements);
        T At<T>(long at) where T : unmanaged => Unsafe.ReadUnaligned<T>((byte*)data + (at >= 0 && at <= length - sizeof(T) ? at : throw new InvalidDataException("a graph that ends too early")));
        void Must(bool so, string what)
        {
            if (!so) throw new InvalidDataException($"a graph {what}");
        }

        var (count, width) = (At<uint>(0), At<uint>(4));
        Must(width == 2 * dimension, $"of other than {dimension} numbers a row");
        var head = 2 * sizeof(uint) + (long)count * width;
        var (graph, levels) = (head + Head, head + Head + Graph);
        var (links, lowest, top, entry) = (At<ulong>(graph + 8), At<ulong>(graph + 16), At<ulong>(graph + 24), At<ulong>(graph + 32));
        Must(At<byte>(head + 13) == 'i' && At<byte>(head + 14) == BFloat16 && At<ulong>(head + 33) == (ulong)dimension, "of another kind");
        Must(At<ulong>(graph) == count && Math.Max(links, lowest) < 1 << 16 && entry < count && (ulong)At<short>(levels + 2 * (long)entry) >= top, "that contradicts itself");

        var at = levels + 2L * count;
        for (var row = 0L; row < count; row++)
        {
            var level = At<short>(levels + 2 * row);
            Must(At<ulong>(at) < (ulong)numbers && At<short>(at + 8) == level && level >= 0, "of other rows");
            at += 10;
            for (var layer = 0; layer <= level; layer++)
            {
                var (used, room) = (At<uint>(at), (long)(layer == 0 ? lowest : links));
                Must(used <= room, "that contradicts itself");
                for (var link = at + 4; link < at + 4 + 4L * used; link += 4) Must(At<uint>(link) is var to && to < count && At<short>(levels + 2L * to) >= layer, "whose links lead to no row");
                at += 4 + 4 * room;
            }
        }

        Must(at == length, "that ends too late");
    }
}
