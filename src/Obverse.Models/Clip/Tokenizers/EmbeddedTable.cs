namespace Obverse.Models;

/// <summary>The lines of a table that lies beside the code and travels in the assembly; lines that start with # say where it is from.</summary>
internal static class EmbeddedTable
{
    public static IEnumerable<string> Lines(string name)
    {
        using var reader = new StreamReader(typeof(EmbeddedTable).Assembly.GetManifestResourceStream("Obverse.Models.Tokenizers." + name)
            ?? throw new InvalidDataException($"Obverse.Models was built without its table {name}"));
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#')) yield return line;
        }
    }
}
