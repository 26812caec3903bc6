namespace Obverse.Files;

/// <summary>Files of lines.</summary>
public static class TextLines
{
    /// <summary>Every line, empty ones too, as rows must keep their places; "-" is standard input.</summary>
    public static string[] Read(string path)
    {
        if (path != "-" && !File.Exists(path)) throw new FileNotFoundException($"{path}: {(Directory.Exists(path) ? "is a folder; a text file was wanted" : "no such file")}");
        var text = path == "-" ? Console.In.ReadToEnd() : File.ReadAllText(path);
        string[] lines = [.. text.Split('\n').Select(line => line.TrimEnd('\r'))];
        if (lines[^1].Length == 0) lines = lines[..^1]; // after the last line's end
        return lines.Length > 0 ? lines : throw new InvalidDataException($"{path}: holds no line");
    }
}
