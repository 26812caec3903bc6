using System.Runtime.InteropServices;
using Obverse.Files;

namespace Obverse.Torch;

/// <summary>A file's bytes, mapped by libtorch, or memory of its own: tensors may lie over them, and the memory stays as long as one of them does.</summary>
public sealed unsafe class MappedBytes : IDisposable
{
    private readonly bool isFile;
    private readonly Dictionary<long, int> views = []; // how many tensors were made over the bytes at an offset and are still there

    private MappedBytes(string name, Tensor tensor, bool isFile) => (Name, Tensor, this.isFile) = (name, tensor, isFile);

    /// <summary>The file, for messages.</summary>
    public string Name { get; }

    /// <summary>All bytes, [n] of UInt8.</summary>
    public Tensor Tensor { get; }

    public long Length => Tensor.Elements;

    /// <summary>Maps a file: a page costs memory when it is touched; what is written to one stays in this process.</summary>
    /// <exception cref="WeightsException">There is no such file, or it cannot be read.</exception>
    public static MappedBytes Open(string path)
    {
        if (!File.Exists(path)) throw new WeightsException($"{path}: no such file");
        long length;
        using (var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read)) length = stream.Length; // not FileInfo's: of a link, as a hub cache has them, that is the link's own
        return new(path, TensorScope.Unscoped(() => length == 0 ? Tensor.Empty([0], DType.UInt8) : Tensor.Mapped(Path.GetFullPath(path), length)), isFile: length > 0);
    }

    /// <summary>Memory that nobody has written to yet.</summary>
    public static MappedBytes Allocate(string name, long length) => new(name, TensorScope.Unscoped(() => Tensor.Empty([length], DType.UInt8)), isFile: false);

    /// <summary>A copy of bytes that are in memory already.</summary>
    public static MappedBytes Of(ReadOnlySpan<byte> bytes, string name)
    {
        var made = Allocate(name, bytes.Length);
        bytes.CopyTo(made.Tensor.Span<byte>());
        return made;
    }

    /// <summary>
    /// A tensor over these bytes where they are aligned, else a copy. The bytes stay as long as it does. When the last one made here over them goes, a file's pages are given back, with what
    /// was written to them: a file that is widened or converted tensor by tensor is never in memory as a whole.
    /// </summary>
    public Tensor View(long at, DType type, ReadOnlySpan<long> shape)
    {
        var view = Tensor.At(at, type, shape);
        if (!isFile) return view;
        var length = view.Elements * Safetensors.ElementSize(type);
        lock (views) views[at] = views.GetValueOrDefault(at) + 1;
        var bytes = Tensor.Alias();
        view.Released = () =>
        {
            lock (views)
            {
                if (--views[at] == 0 && !bytes.IsClosed) GiveBack(bytes.Data, at, length);
            }

            bytes.Dispose();
        };
        return view;
    }

    /// <summary>Tells the system that a range is not needed now; it comes back from the file if it is read again.</summary>
    public void GiveBack(long at, long count)
    {
        if (isFile) GiveBack(Tensor.Data, at, count);
    }

    /// <summary>Bytes to read; <paramref name="count"/> of them are there or it fails.</summary>
    public ReadOnlySpan<byte> Span(long at, int count) => at >= 0 && count >= 0 && at <= Length - count ? new((byte*)Tensor.Data + at, count) : throw new WeightsException($"{Name}: {count} bytes wanted at {at}, it has {Length}");

    // Whole pages only: their memory counts no more.
    private static void GiveBack(nint start, long at, long count)
    {
        if (!OperatingSystem.IsLinux() || count <= 0) return;
        var page = (nuint)Environment.SystemPageSize;
        var (from, to) = (((nuint)start + (nuint)at + page - 1) / page * page, ((nuint)start + (nuint)(at + count)) / page * page);
        if (to > from) _ = MAdvise(from, to - from, 4); // MADV_DONTNEED; it is advice: what it answers does not matter
    }

    public void Dispose() => Tensor.Dispose();

    [DllImport("libc", EntryPoint = "madvise")]
    private static extern int MAdvise(nuint from, nuint length, int advice);
}
