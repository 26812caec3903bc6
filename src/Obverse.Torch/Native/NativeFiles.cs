namespace Obverse.Torch;

/// <summary>Where the project's own native libraries are: beside the program, or in .build/ of the repository that it was built in.</summary>
public static class NativeFiles
{
    public static IEnumerable<string> Places(string file)
    {
        yield return Path.Combine(AppContext.BaseDirectory, file);
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at)) yield return Path.Combine(at, ".build", file);
    }
}
