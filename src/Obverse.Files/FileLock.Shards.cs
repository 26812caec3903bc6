using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace Obverse.Files;

// A folder that several processes fill, each with its own share.
public sealed partial class FileLock
{
    /// <summary>Takes every <paramref name="shard"/>.Of-th thing of a folder from the Index-th on, (1, 1) being all of it; the folder is made if it is not there.</summary>
    /// <exception cref="IOException">Another process has some of them: the message says which process, on which machine, since when.</exception>
    public static FileLock TakeFolder(string folder, (int Index, int Of)? shard = null)
    {
        if (File.Exists(folder)) throw new IOException($"{folder}: is a file; a folder was wanted");
        Directory.CreateDirectory(folder);
        var (index, of) = shard ?? (1, 1);
        var path = PathOf(of == 1 ? folder : Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"shard-{index}-of-{of}")));
        var taken = TryTake(path, folder) ?? throw Taken(folder, path);
        // Mine is taken first: of two that look at the same time, both may give way, never none.
        foreach (var other in Directory.EnumerateFiles(folder, "*" + Suffix).Where(other => Path.GetFileName(other) != Path.GetFileName(path)))
        {
            if (ShareOf(Path.GetFileName(other)) is not var (its, ofIts) || (index - its) % (int)BigInteger.GreatestCommonDivisor(of, ofIts) != 0 || !IsHeld(other)) continue;
            taken.Dispose();
            throw Taken(folder, other);
        }

        return taken;
    }

    private static (int Index, int Of)? ShareOf(string name) => name == Suffix ? (1, 1)
        : Share().Match(name) is { Success: true } match && int.TryParse(match.Groups[1].Value, out var index) && int.TryParse(match.Groups[2].Value, out var of) && of > 0 ? (index, of) : null;

    [GeneratedRegex(@"^\.shard-(\d+)-of-(\d+)\.obverse\.lock$")]
    private static partial Regex Share();
}
