using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>An array of numpy's, row-major.</summary>
public sealed record NumpyArray(long[] Shape, double[] Values);

/// <summary>numpy's .npz: a zip of .npy arrays (numpy.lib.format, versions 1 to 3), of float32 and float64. Nothing else that Python may put there is read.</summary>
public static partial class Npz
{
    private const long LargestBytes = 1L << 31;

    /// <exception cref="InvalidDataException">No such file, by what is wrong with it.</exception>
    public static IReadOnlyDictionary<string, NumpyArray> Read(string path)
    {
        OrdinaryFile.MustBe(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"{path}: no such file");
        try
        {
            using var zip = ZipFile.OpenRead(path);
            var found = new Dictionary<string, NumpyArray>();
            foreach (var entry in zip.Entries.Where(entry => entry.FullName.EndsWith(".npy", StringComparison.Ordinal)))
            {
                if (entry.Length > LargestBytes) throw new InvalidDataException($"{entry.FullName} says it holds {entry.Length} bytes; at most {LargestBytes} are read");
                using var stream = entry.Open();
                found[entry.FullName[..^4]] = Array(stream, entry);
            }

            return found.Count > 0 ? found : throw new InvalidDataException("holds no .npy array");
        }
        catch (Exception wrong) when (wrong is InvalidDataException or EndOfStreamException or OverflowException)
        {
            throw new InvalidDataException($"{path}: {wrong.Message}; a .npz of numpy was wanted", wrong);
        }
    }

    /// <summary>Whole or not at all; float64.</summary>
    public static void Write(string path, IReadOnlyList<(string Name, Tensor Array)> arrays) => AtomicFile.Write(path, file =>
    {
        using var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
        foreach (var (name, array) in arrays)
        {
            using var stream = zip.CreateEntry($"{name}.npy", CompressionLevel.Fastest).Open();
            var shape = array.Shape.Length == 1 ? $"({array.Size(0)},)" : $"({string.Join(", ", array.Shape)})";
            var header = $"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}";
            header = header.PadRight((header.Length + 10 + 64) / 64 * 64 - 10 - 1) + "\n"; // numpy aligns the numbers to 64 bytes
            stream.WriteByte(0x93);
            stream.Write([.. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header)]);
            stream.Write(MemoryMarshal.AsBytes<double>(array.ToArray<double>()));
        }
    });

    private static NumpyArray Array(Stream stream, ZipArchiveEntry entry)
    {
        var start = new byte[8];
        stream.ReadExactly(start);
        if (start[0] != 0x93 || !start.AsSpan(1, 5).SequenceEqual("NUMPY"u8) || start[6] is < 1 or > 3) throw new InvalidDataException($"{entry.FullName} is no array");
        var size = new byte[start[6] == 1 ? 2 : 4];
        stream.ReadExactly(size);
        var length = size.Length == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(size) : BinaryPrimitives.ReadUInt32LittleEndian(size);
        if (length > entry.Length) throw new InvalidDataException($"{entry.FullName} has a header of {length} bytes");
        var header = new byte[length];
        stream.ReadExactly(header);
        var text = Encoding.Latin1.GetString(header);
        if (Header().Match(text) is not { Success: true } match) throw new InvalidDataException($"{entry.FullName}: its header is {text.Trim()}; row-major '<f4' or '<f8' was wanted");
        var wide = match.Groups[1].Value == "8";
        long[] shape = [.. match.Groups[2].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(side => long.Parse(side, CultureInfo.InvariantCulture))];
        var elements = shape.Aggregate(1L, (product, side) => checked(product * side));
        if (checked(elements * (wide ? 8 : 4)) != entry.Length - start.Length - size.Length - length) throw new InvalidDataException($"{entry.FullName}: [{string.Join(", ", shape)}] does not fit its {entry.Length} bytes");
        var bytes = new byte[elements * (wide ? 8 : 4)];
        stream.ReadExactly(bytes);
        return new(shape, wide ? MemoryMarshal.Cast<byte, double>(bytes).ToArray() : System.Array.ConvertAll(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), value => (double)value));
    }

    [GeneratedRegex(@"^\{'descr': '<f([48])', 'fortran_order': False, 'shape': \(([\d, ]*)\), *\}\s*$")]
    private static partial Regex Header();
}
