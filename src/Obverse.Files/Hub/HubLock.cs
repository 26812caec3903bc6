namespace Obverse.Files;

/// <summary>A lock between processes, as the Python client's filelock has it: flock on a file that stays. A process that dies lets go of it.</summary>
internal sealed class HubLock : IDisposable
{
    private readonly FileStream file;

    private HubLock(FileStream file) => this.file = file;

    /// <summary>Waits for it; <paramref name="waiting"/> is called once where another holds it.</summary>
    public static async Task<HubLock> Take(string path, Action? waiting, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var first = true; ; first = false)
        {
            try
            {
                return new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1)); // .NET: flock(LOCK_EX | LOCK_NB)
            }
            catch (IOException e) when (FileLock.IsTaken(e))
            {
                if (first) waiting?.Invoke();
                await Task.Delay(100, stop).ConfigureAwait(false);
            }
        }
    }

    public void Dispose() => file.Dispose();
}
