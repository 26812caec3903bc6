using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Bytes that tensors may lie over: a mapped file, or memory of our own. Users are counted; the last one out lets go of it.</summary>
internal sealed unsafe class TensorMemory
{
    private readonly FileStream? file;
    private readonly MemoryMappedFile? map;
    private readonly MemoryMappedViewAccessor? view;
    private int users = 1;

    private TensorMemory(string path)
    {
        file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        (Name, Length) = (path, file.Length);
        if (Length == 0) return;
        map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        view = map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.CopyOnWrite);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Start = start;
    }

    private TensorMemory(string name, long length)
    {
        (Name, Length) = (name, length);
        Start = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(1, length), 64);
    }

    public string Name { get; }
    public long Length { get; }
    public byte* Start { get; }

    /// <summary>Maps a file: a page costs memory when it is touched; what is written to one stays in this process.</summary>
    public static TensorMemory Open(string path) => File.Exists(path) ? new(path) : throw new WeightsException($"{path}: no such file");

    /// <summary>A file that is in memory already, copied.</summary>
    public static TensorMemory Of(ReadOnlySpan<byte> bytes, string name)
    {
        var memory = new TensorMemory(name, (long)bytes.Length);
        bytes.CopyTo(new(memory.Start, bytes.Length));
        return memory;
    }

    public static TensorMemory Allocate(string name, long length) => new(name, length);

    /// <summary>Bytes that the caller has checked to be there.</summary>
    public ReadOnlySpan<byte> Span(long at, int count) => at >= 0 && count >= 0 && at <= Length - count ? new(Start + at, count) : throw new WeightsException($"{Name}: {count} bytes wanted at {at}, it has {Length}");

    /// <summary>Copies out; from a file it is read past the map, so that its pages are not counted beside the copy.</summary>
    public void CopyTo(long at, long count, byte* target)
    {
        if (at < 0 || count < 0 || at > Length - count) throw new WeightsException($"{Name}: {count} bytes wanted at {at}, it has {Length}");
        if (file is null)
        {
            Buffer.MemoryCopy(Start + at, target, count, count);
            return;
        }

        for (long done = 0; done < count;)
        {
            var read = RandomAccess.Read(file.SafeFileHandle, new Span<byte>(target + done, (int)Math.Min(1 << 26, count - done)), at + done);
            if (read == 0) throw new WeightsException($"{Name}: it was cut off while it was read");
            done += read;
        }
    }

    public void Retain() => Interlocked.Increment(ref users);

    public void Release()
    {
        if (Interlocked.Decrement(ref users) != 0) return;
        if (file is null)
        {
            NativeMemory.AlignedFree(Start);
            return;
        }

        view?.SafeMemoryMappedViewHandle.ReleasePointer();
        view?.Dispose();
        map?.Dispose();
        file.Dispose();
    }

    /// <summary>Tells the system that the whole pages of a range of a mapped file are not needed: they come back from the file if they are read again.</summary>
    public void GiveBack(long at, long count)
    {
        if (file is null || !OperatingSystem.IsLinux()) return;
        var page = (nuint)Environment.SystemPageSize;
        var (from, to) = (((nuint)(Start + at) + page - 1) / page * page, (nuint)(Start + at + count) / page * page);
        if (to > from) _ = MAdvise(from, to - from, 4); // MADV_DONTNEED; advice: what it answers does not matter
    }

    [DllImport("libc", EntryPoint = "madvise")]
    private static extern int MAdvise(nuint from, nuint length, int advice);
}
