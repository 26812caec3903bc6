namespace Obverse.Torch;

/// <summary>Writes a file whole or not at all: to a temporary name beside it, flushed to disk, then renamed.</summary>
public static class AtomicFile
{
    /// <exception cref="IOException">The file cannot be written; the message names it, and nothing is left behind.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        var full = Path.GetFullPath(path);
        var temporary = $"{full}.{Environment.ProcessId}.{Environment.CurrentManagedThreadId}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
        }
        catch (Exception e)
        {
            try { File.Delete(temporary); }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException) { }

            if (e is IOException or UnauthorizedAccessException) throw new IOException($"cannot write {path}: {e.Message.Replace(temporary, Path.GetFileName(path), StringComparison.Ordinal)}", e);
            throw;
        }
    }

    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));
}
