namespace Obverse.Files;

/// <summary>A temporary folder, deleted on disposal.</summary>
public sealed class ScratchFolder : IDisposable
{
    public string Path { get; } = Make();

    private static string Make()
    {
        try
        {
            return Directory.CreateTempSubdirectory("obverse-").FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{System.IO.Path.GetTempPath()}: cannot hold temporary files ({e.Message.TrimEnd('.')}); set {(OperatingSystem.IsWindows() ? "TMP" : "TMPDIR")} to a folder that can be written", e);
        }
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
        }
    }
}
