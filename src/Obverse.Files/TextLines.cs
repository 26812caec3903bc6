using System.Text;

namespace Obverse.Files;

/// <summary>Files of lines.</summary>
public static class TextLines
{
    private const long Longest = 1 << 30; // bytes

    private static readonly UTF8Encoding utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Every line, empty ones too, as rows must keep their places; "-" is standard input.</summary>
    /// <exception cref="InvalidDataException">Bytes that are no UTF-8 text, by their line; or no line at all.</exception>
    /// <exception cref="OperationCanceledException">Stopped while standard input was waited for.</exception>
    public static string[] Read(string path, CancellationToken stop = default)
    {
        if (path != "-" && !File.Exists(path)) throw new FileNotFoundException($"{path}: {(Directory.Exists(path) ? "is a folder; a text file was wanted" : "no such file")}");
        var text = path == "-" ? Typed(stop) : Decode(Bytes(path), path);
        if (text.IndexOf('\0', StringComparison.Ordinal) is >= 0 and var nothing) throw new InvalidDataException($"{path}, line {text.AsSpan(0, nothing).Count('\n') + 1}: U+0000 is in it; lines of text were wanted"); // of standard input and UTF-16 too
        string[] lines = [.. text.Split('\n').Select(line => line.TrimEnd('\r'))];
        if (lines[^1].Length == 0) lines = lines[..^1]; // after the last line's end
        return lines.Length > 0 ? lines : throw new InvalidDataException($"{path}: holds no line");
    }

    // A thread of the pool waits for it: nothing can end the wait itself.
    private static string Typed(CancellationToken stop)
    {
        if (!stop.CanBeCanceled) return Console.In.ReadToEnd();
        var input = Console.In;
        var text = Task.Run(input.ReadToEnd, CancellationToken.None);
        text.Wait(stop);
        return text.Result;
    }

    // A device or a pipe may never end: what is no text is seen in its first bytes.
    private static byte[] Bytes(string path)
    {
        using var file = File.OpenRead(path);
        var (all, block) = (new MemoryStream(), new byte[1 << 16]);
        for (int n; (n = file.Read(block)) > 0;)
        {
            var isFirst = all.Length == 0;
            all.Write(block, 0, n);
            if (isFirst && !IsUtf16(block.AsSpan(0, n)) && block.AsSpan(0, n).IndexOf((byte)0) is >= 0 and var zero) throw NoText(path, block.AsSpan(0, zero), "U+0000 is in it");
            if (all.Length > Longest) throw new InvalidDataException($"{path}: is longer than {Longest >> 20} MB; a file of lines was wanted");
        }

        return all.ToArray();
    }

    private static bool IsUtf16(ReadOnlySpan<byte> bytes) => bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..];

    private static string Decode(byte[] bytes, string path)
    {
        if (IsUtf16(bytes)) return new StreamReader(new MemoryStream(bytes)).ReadToEnd(); // as Windows' editors save it
        var start = bytes.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? 3 : 0;
        if (bytes.AsSpan().IndexOf((byte)0) is >= 0 and var zero) throw NoText(path, bytes.AsSpan(0, zero), "U+0000 is in it");
        try
        {
            return utf8.GetString(bytes, start, bytes.Length - start);
        }
        catch (DecoderFallbackException wrong)
        {
            var at = start + Math.Max(0, wrong.Index);
            throw NoText(path, bytes.AsSpan(0, Math.Min(at, bytes.Length)), $"{(wrong.BytesUnknown is { Length: > 0 } unknown ? $"the bytes {Convert.ToHexString(unknown)} are" : "it is")} no UTF-8");
        }
    }

    private static InvalidDataException NoText(string path, ReadOnlySpan<byte> before, string problem) => new($"{path}, line {before.Count((byte)'\n') + 1}: {problem}; lines of text in UTF-8 were wanted");
}
