using System.Collections.Concurrent;

namespace Obverse.Files;

/// <summary>A file that appears whole or not at all: written under a temporary name in the same folder, flushed to disk, then renamed.</summary>
public sealed partial class AtomicFile : IDisposable
{
    private static readonly ConcurrentDictionary<string, bool> unfinished = new();

    private FileStream? stream;
    private bool committed;

    private AtomicFile(string path, string temporary, FileStream stream)
    {
        Target = path;
        TemporaryPath = temporary;
        this.stream = stream;
    }

    /// <summary>The full path that <see cref="Commit"/> puts the file at.</summary>
    public string Target { get; }

    /// <summary>Where the bytes are until then; deleted by <see cref="Dispose"/> when nothing was committed.</summary>
    public string TemporaryPath { get; }

    public Stream Stream => stream ?? throw new ObjectDisposedException(nameof(AtomicFile), Target);

    /// <summary>Starts a file for <paramref name="path"/>; missing folders are not made.</summary>
    /// <exception cref="IOException">The folder is missing or cannot be written; the message names the path.</exception>
    public static AtomicFile Open(string path)
    {
        var target = Path.GetFullPath(path);
        if (Directory.Exists(target)) throw new IOException($"{path}: cannot be written: a folder of that name is in the way");
        var folder = Path.GetDirectoryName(target) ?? throw new IOException($"{path}: cannot be written: not a file name");
        if (FileNames.IsTooLong(Path.GetFileName(target))) throw new IOException($"{path}: cannot be written: its name is longer than {FileNames.LongestName}");
        FileNames.MustHaveFolder(path);
        Sweep(folder);
        var temporary = Path.Combine(folder, TemporaryName(Path.GetFileName(target), Environment.ProcessId));
        try
        {
            unfinished[temporary] = true;
            var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, 1 << 16);
            return new AtomicFile(target, temporary, stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            unfinished.TryRemove(temporary, out _);
            throw Failure(path, e);
        }
    }

    /// <summary>Writes the whole of <paramref name="path"/>; if <paramref name="write"/> or the disk fails, what was there before stays and nothing new is left behind.</summary>
    /// <exception cref="IOException">The path cannot be written or the disk is full; the message names the path.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        using var file = Open(path);
        try
        {
            write(file.Stream);
        }
        catch (Exception e) when (e.GetType() == typeof(IOException) || e is UnauthorizedAccessException)
        {
            throw Failure(path, e);   // a plain one comes from the disk; a derived one already says what went wrong
        }

        file.Commit();
    }

    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Flushes to disk and renames over the target.</summary>
    /// <exception cref="IOException">The disk is full or the rename failed; the message names the path.</exception>
    public void Commit()
    {
        try
        {
            stream ??= new FileStream(TemporaryPath, FileMode.Open, FileAccess.ReadWrite);   // another program wrote it
            stream.Flush(flushToDisk: true);
            stream.Dispose();
            stream = null;
            File.Move(TemporaryPath, Target, overwrite: true);
            committed = true;
            unfinished.TryRemove(TemporaryPath, out _);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failure(Target, e);
        }
    }

    /// <summary>Closes the temporary file so that another program can write it, and still be committed or thrown away.</summary>
    public void CloseStream()
    {
        stream?.Dispose();
        stream = null;
    }

    public void Dispose()
    {
        try
        {
            stream?.Dispose();   // flushes what is buffered: on a full disk that fails too
        }
        catch (IOException)
        {
        }

        stream = null;
        if (committed) return;
        committed = true;
        Delete(TemporaryPath);
    }

    /// <summary>For a program that ends at once: takes away what is half-written.</summary>
    public static void AbandonAll()
    {
        foreach (var path in unfinished.Keys) Delete(path);
    }

    private static void Delete(string temporary)
    {
        try
        {
            File.Delete(temporary);
            unfinished.TryRemove(temporary, out _);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static IOException Failure(string path, Exception e) => new($"{path}: cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
}
