using System.IO.Compression;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>The bytes of a storage: a range of the file, or, where that is deflated, memory that they are unpacked into when they are first wanted.</summary>
internal sealed unsafe class StoredBytes(MappedBytes file, string name, bool isDeflated, long at, long packed, long length) : IDisposable
{
    private readonly Lock unpacking = new();
    private MappedBytes? unpacked;

    public StoredBytes(MappedBytes file, ZipMember member) : this(file, member.Name, member.IsDeflated, member.At, member.Packed, member.Length)
    {
    }

    public long Length => length;

    /// <summary>What it costs to have it, beside the tensors: nothing where the file is mapped.</summary>
    public long Cost => isDeflated ? length : 0;

    /// <summary>Where its bytes are; deflated ones after a check that there are as many as the directory says.</summary>
    public (MappedBytes Memory, long At) Locate()
    {
        if (!isDeflated) return (file, at);
        lock (unpacking) return (unpacked ??= Unpack(), 0);
    }

    /// <summary>The same, and whether the caller is to let go of it: unpacked bytes that one tensor alone will ever want are not kept for a second time.</summary>
    public (MappedBytes Memory, long At, bool IsOurs) Hold(bool once)
    {
        if (once && isDeflated) return (Unpack(), 0, true);
        var (memory, start) = Locate();
        return (memory, start, false);
    }

    public void Dispose() => unpacked?.Dispose();

    private MappedBytes Unpack()
    {
        var memory = MappedBytes.Allocate($"{file.Name}: {name}", length);
        try
        {
            using var source = new UnmanagedMemoryStream((byte*)file.Tensor.Data + at, packed);
            using var inflater = new DeflateStream(source, CompressionMode.Decompress);
            for (long done = 0; done < length;)
            {
                var read = inflater.Read(new Span<byte>((byte*)memory.Tensor.Data + done, (int)Math.Min(1 << 20, length - done)));
                if (read == 0) throw new InvalidDataException($"it ends after {done} bytes");
                done += read;
            }

            if (inflater.ReadByte() >= 0) throw new InvalidDataException("it is longer");
            file.GiveBack(at, packed);
            return memory;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            memory.Dispose();
            throw new WeightsException($"{file.Name}: member '{TensorResolver.Shown(name)}' does not unpack to its {length} bytes: {e.Message}", e);
        }
    }
}
