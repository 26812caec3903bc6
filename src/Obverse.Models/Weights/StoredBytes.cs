using System.IO.Compression;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>The bytes of a storage: a range of the file, or, where that is deflated, memory that they are unpacked into when they are first wanted.</summary>
internal sealed unsafe class StoredBytes(TensorMemory file, string name, bool isDeflated, long at, long packed, long length) : IDisposable
{
    private readonly Lock unpacking = new();
    private TensorMemory? unpacked;

    public StoredBytes(TensorMemory file, ZipMember member) : this(file, member.Name, member.IsDeflated, member.At, member.Packed, member.Length)
    {
    }

    public long Length => length;

    /// <summary>What it costs to have it, beside the tensors: nothing where the file is mapped.</summary>
    public long Cost => isDeflated ? length : 0;

    /// <summary>Where its bytes are; deflated ones after a check that there are as many as the directory says.</summary>
    public (TensorMemory Memory, long At) Locate()
    {
        if (!isDeflated) return (file, at);
        lock (unpacking) return (unpacked ??= Unpack(), 0);
    }

    /// <summary>The same for somebody who lets go of the memory again. Unpacked bytes that one tensor alone will ever want are not kept for a second time.</summary>
    public (TensorMemory Memory, long At) Hold(bool once)
    {
        if (once && isDeflated) return (Unpack(), 0);
        var place = Locate();
        place.Memory.Retain();
        return place;
    }

    public void Dispose() => unpacked?.Release();

    private TensorMemory Unpack()
    {
        var memory = TensorMemory.Allocate($"{file.Name}: {name}", length);
        try
        {
            using var source = new UnmanagedMemoryStream(file.Start + at, packed);
            using var inflater = new DeflateStream(source, CompressionMode.Decompress);
            for (long done = 0; done < length;)
            {
                var read = inflater.Read(new Span<byte>(memory.Start + done, (int)Math.Min(1 << 20, length - done)));
                if (read == 0) throw new InvalidDataException($"it ends after {done} bytes");
                done += read;
            }

            if (inflater.ReadByte() >= 0) throw new InvalidDataException("it is longer");
            file.GiveBack(at, packed);
            return memory;
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            memory.Release();
            throw new WeightsException($"{file.Name}: member '{TensorWords.Shown(name)}' does not unpack to its {length} bytes: {e.Message}", e);
        }
    }
}
