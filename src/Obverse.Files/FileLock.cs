using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Obverse.Files;

/// <summary>
/// A name that one process at a time writes to: a lock of the operating system on a hidden file beside it, so that whatever ends the process lets go of it, and a second file that says who holds it
/// (the locked one cannot be read). Both are removed at the end.
/// </summary>
public sealed partial class FileLock : IDisposable
{
    internal const string Suffix = ".obverse.lock", OwnerSuffix = ".obverse.owner";
    private const int Tries = 20, PauseMilliseconds = 10; // who only looks whether it is held holds it for a moment

    private static readonly ConcurrentDictionary<string, FileLock> open = new();

    private readonly string path;
    private readonly FileStream file;

    private FileLock(string path, FileStream file)
    {
        (this.path, this.file) = (path, file);
        open[path] = this;
    }

    /// <summary>Takes the name, or returns null where another process (or another lock of this one) has it.</summary>
    /// <param name="target">The file or folder that is going to be written; it need not be there.</param>
    /// <exception cref="IOException">The folder is missing or cannot be written; the message names the path.</exception>
    public static FileLock? TryTake(string target) => TryTake(PathOf(target), target);

    private static FileLock? TryTake(string path, string target)
    {
        for (var tries = 0; ; tries++)
        {
            if (Open(path, target) is { } taken) return taken;
            if (tries == Tries) return null;
            Thread.Sleep(PauseMilliseconds);
        }
    }

    /// <summary>Takes the name, or says who has it.</summary>
    /// <exception cref="IOException">It is taken: the message says by which process, on which machine, since when.</exception>
    public static FileLock Take(string target) => TryTake(target) ?? throw Taken(target, PathOf(target));

    public void Dispose()
    {
        if (!open.TryRemove(path, out _)) return;
        // The name goes first, while the lock is still held: whoever comes next makes a file of its own.
        Delete(Owners(path));
        if (!OperatingSystem.IsWindows()) Delete(path);
        file.Dispose();
        if (OperatingSystem.IsWindows()) Delete(path);
    }

    private static IOException Taken(string target, string path)
    {
        var owner = "another process";
        try
        {
            owner = Visible.Of(File.ReadAllText(Owners(path)).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // which has not said yet who it is, or has gone meanwhile
        }

        return new($"{target}: being written by {owner}; wait for it, or give another name");
    }

    private static FileLock? Open(string path, string target)
    {
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0); // .NET: flock(LOCK_EX | LOCK_NB)
        }
        catch (IOException e) when (IsTaken(e))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            if (e is DirectoryNotFoundException) FileNames.MustHaveFolder(target);
            throw new IOException($"{target}: cannot be written: {(e is UnauthorizedAccessException or FileNotFoundException ? $"no file can be made in {Path.GetDirectoryName(Path.GetFullPath(path))}" : e.Message.ReplaceLineEndings(" "))}", e);
        }

        try
        {
            // The holder before may have removed the name between opening and locking; then this lock is on a file that nobody else finds. A length tells which file the name means.
            var mark = RandomNumberGenerator.GetInt32(1, 1 << 16);
            file.SetLength(mark);
            if (new FileInfo(path) is not { Exists: true } named || named.Length != mark)
            {
                file.Dispose();
                return null;
            }

            File.WriteAllText(Owners(path), string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}, since {DateTime.Now:yyyy-MM-dd HH:mm:ss}"));
            return new(path, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Delete(path);
            file.Dispose();
            throw new IOException($"{target}: cannot be written: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }

    private static bool IsHeld(string path)
    {
        try
        {
            using var free = Open(path, path);
            return free is null && File.Exists(path);
        }
        catch (IOException)
        {
            return true; // another's file in a folder that is not ours to write
        }
    }

    /// <summary>Removes what killed processes left in a folder.</summary>
    internal static void Sweep(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*" + Suffix)) IsHeld(path);
    }

    private static string PathOf(string target)
    {
        var full = Path.GetFullPath(target);
        var (folder, name) = Directory.Exists(full) ? (full, "") : (Path.GetDirectoryName(full) ?? full, Path.GetFileName(full));
        if (FileNames.IsTooLong("." + name + OwnerSuffix)) name = string.Concat(name.AsSpan(0, 32), "-", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 8)));
        return Path.Combine(folder, name.Length == 0 ? Suffix : "." + name + Suffix);
    }

    private static string Owners(string path) => path[..^Suffix.Length] + OwnerSuffix;

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the next one who looks removes it
        }
    }

    // EWOULDBLOCK is 11 on Linux, 35 on macOS; Windows says ERROR_SHARING_VIOLATION.
    /// <summary>For a program that ends at once: removes the files of its locks.</summary>
    public static void AbandonAll()
    {
        foreach (var held in open.Values) held.Dispose();
    }

    internal static bool IsTaken(IOException e) => e.GetType() == typeof(IOException) && (OperatingSystem.IsWindows() ? (e.HResult & 0xffff) == 32 : e.HResult is 11 or 35);
}
