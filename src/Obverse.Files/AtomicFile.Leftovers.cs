using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Obverse.Files;

// What killed runs leave: the next one that writes into the folder takes it away.
public sealed partial class AtomicFile
{
    private static readonly TimeSpan old = TimeSpan.FromDays(1);
    private static readonly ConcurrentDictionary<string, bool> swept = new();
    private static readonly string host = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Environment.MachineName)).AsSpan(0, 4));

    /// <summary>".fox.png.3f2a91c0-4711-GUID.tmp": which machine's which process writes it. Of a long name the start, as the whole must not pass 255 bytes.</summary>
    internal static string TemporaryName(string name, int process) => $".{(name.Length > 32 ? name[..32].TrimEnd('\ud800', '\udbff') : name)}.{host}-{process}-{Guid.NewGuid():N}.tmp";

    // Once a folder and process: a folder of a hundred thousand pictures is not listed for each of them.
    private static void Sweep(string folder)
    {
        if (!swept.TryAdd(folder, true)) return;
        try
        {
            foreach (var path in Directory.EnumerateFiles(folder, ".*.tmp").Where(IsAbandoned)) Delete(path);
            FileLock.Sweep(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // a folder that cannot be listed can still be written to
        }
    }

    private static bool IsAbandoned(string path)
    {
        if (Name().Match(Path.GetFileName(path)) is not { Success: true } name || unfinished.ContainsKey(path)) return false;
        var isDead = name.Groups["host"].Value == host && int.TryParse(name.Groups["process"].Value, out var process) && (process == Environment.ProcessId || !IsRunning(process));
        if (!isDead && DateTime.UtcNow - File.GetLastWriteTimeUtc(path) < old) return false; // another machine's, or another process with that number
        try
        {
            using var free = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0); // refused while it is written
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"^\..+\.(?:(?<host>[0-9a-f]{8})-(?<process>\d+)-)?[0-9a-f]{32}\.tmp$")]
    private static partial Regex Name();
}
