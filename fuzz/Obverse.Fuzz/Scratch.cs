namespace Obverse.Fuzz;

/// <summary>A folder of this process, in memory where the system has one there, for readers that want a path.</summary>
internal static class Scratch
{
    private static readonly Lazy<string> folder = new(() =>
    {
        var made = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"obverse-fuzz-{Environment.ProcessId}")).FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete(made);
        return made;
    });

    public static string Folder => folder.Value;

    public static string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static void Delete(string made)
    {
        if (Directory.Exists(made)) Directory.Delete(made, recursive: true);
    }
}
