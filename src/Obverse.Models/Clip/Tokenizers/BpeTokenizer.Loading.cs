using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Obverse.Models;

public sealed partial class BpeTokenizer
{
    /// <summary>CLIP's merge file goes on to 262,144 merges; every published vocabulary of 49,408 uses this many.</summary>
    public const int ClipMerges = 48_894;

    private const string Header = "\"obverse.bpe\"#version: 0.2";

    // Far above every published vocabulary; an id beyond would only cost memory.
    private const int MostIds = 1 << 20;

    // CLIP's own file has 3.2 million characters.
    private const int MostCharacters = 1 << 25;

    /// <summary>
    /// A merge file (<c>.txt</c> or <c>.txt.gz</c>: a header, then one merge a line), a <c>tokenizer.json</c>, or a folder in transformers' layout: <c>vocab.json</c> and
    /// <c>merges.txt</c>, or <c>tokenizer.json</c>, and the padding that the files beside them name. openai/CLIP's rules for a merge file unless a flavour is named; else transformers'.
    /// </summary>
    /// <exception cref="InvalidDataException">Damaged, or no tokenizer.</exception>
    /// <exception cref="NotSupportedException">A tokenizer, but not CLIP's.</exception>
    public static BpeTokenizer Load(string path, TokenizerFlavour? flavour = null)
    {
        if (Directory.Exists(path))
        {
            var (vocabulary, whole) = (Path.Combine(path, "vocab.json"), Path.Combine(path, "tokenizer.json"));
            var tokenizer = File.Exists(whole) && !(File.Exists(vocabulary) && File.Exists(Path.Combine(path, "merges.txt"))) ? TokenizerJson.Load(whole, flavour) : Load(vocabulary, Path.Combine(path, "merges.txt"), flavour);
            return SpecialTokens.Padding(path) is { } padding ? tokenizer.With(tokenizer.IdOf(padding.Word) ?? throw new InvalidDataException($"{padding.File}: pad_token '{Shown(padding.Word)}' is not in the vocabulary")) : tokenizer;
        }

        if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return TokenizerJson.Load(path, flavour);
        var merges = ReadMerges(path, hasHeader: true);
        return FromMerges(merges, flavour ?? TokenizerFlavour.OpenAi, path);
    }

    /// <summary>transformers' layout: ids from <c>vocab.json</c>, ranks from <c>merges.txt</c>.</summary>
    public static BpeTokenizer Load(string vocabularyPath, string mergesPath, TokenizerFlavour? flavour = null)
    {
        var merges = ReadMerges(mergesPath, hasHeader: false);
        Dictionary<string, int>? ids;
        try
        {
            ids = JsonSerializer.Deserialize<Dictionary<string, int>>(ReadBytes(vocabularyPath));
        }
        catch (JsonException wrong)
        {
            throw new InvalidDataException($"{vocabularyPath}: not a JSON object of symbol and id ({wrong.Message.Split('.')[0].ReplaceLineEndings(" ")})");
        }

        return FromVocabulary(ids ?? throw new InvalidDataException($"{vocabularyPath}: null found, a JSON object of symbol and id wanted"), merges, vocabularyPath, mergesPath, flavour);
    }

    internal static BpeTokenizer FromVocabulary(Dictionary<string, int> vocabulary, (string Left, string Right)[] merges, string vocabularyPath, string mergesPath, TokenizerFlavour? flavour)
    {
        var ids = new Dictionary<string, int>(vocabulary, StringComparer.Ordinal);
        foreach (var letter in ByteAlphabet.Ordered)
        {
            Need(letter.ToString());
            Need(letter + ByteAlphabet.EndOfWord);
        }

        foreach (var (left, right) in merges)
        {
            Need(left);
            Need(right);
            Need(left + right);
        }

        Need(TokenizerFlavour.HuggingFace.StartWord);
        Need(TokenizerFlavour.HuggingFace.EndWord);
        if (ids.Values.Min() < 0 || ids.Values.Max() >= MostIds) throw new InvalidDataException($"{vocabularyPath}: id {(ids.Values.Min() < 0 ? ids.Values.Min() : ids.Values.Max())} found, ids from 0 to {MostIds - 1} wanted");
        ids.Remove(TokenizerFlavour.HuggingFace.StartWord, out var start);
        ids.Remove(TokenizerFlavour.HuggingFace.EndWord, out var end);
        if (start == end) throw new InvalidDataException($"{vocabularyPath}: start and end are both {start}, two ids wanted");
        return new BpeTokenizer(merges, ids, start, end, flavour ?? TokenizerFlavour.HuggingFace);

        void Need(string symbol)
        {
            if (!ids.ContainsKey(symbol))
            {
                throw new InvalidDataException($"{vocabularyPath}: {ids.Count} symbols found, '{Shown(symbol)}' wanted among them (vocabulary too small, or of other merges than {mergesPath})");
            }
        }
    }

    private int? IdOf(string word) => word == TokenizerFlavour.HuggingFace.StartWord ? StartId : word == TokenizerFlavour.HuggingFace.EndWord ? EndId : ids.TryGetValue(word, out var id) || ids.TryGetValue(word + ByteAlphabet.EndOfWord, out id) ? id : null;

    private static string Shown(string text) => (text.Length > 60 ? text[..60] + "\u2026" : text).ReplaceLineEndings(" ");

    /// <summary>Writes CLIP's merge file format, gzipped where the name ends in <c>.gz</c>.</summary>
    public void Save(string path)
    {
        using var file = File.Create(path);
        using Stream packed = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(file, CompressionLevel.SmallestSize) : file;
        using var lines = new StreamWriter(packed, new UTF8Encoding(false)) { NewLine = "\n" };
        lines.WriteLine(Header);
        foreach (var (left, right) in merges) lines.WriteLine($"{left} {right}");
    }

    internal static BpeTokenizer FromMerges((string Left, string Right)[] merges, TokenizerFlavour flavour, string source)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var letter in ByteAlphabet.Ordered) ids[letter.ToString()] = ids.Count;
        foreach (var letter in ByteAlphabet.Ordered) ids[letter + ByteAlphabet.EndOfWord] = ids.Count;

        // By position, not by count: where two merges make one symbol, the later id is its id, as in openai/CLIP's table.
        for (var rank = 0; rank < merges.Length; rank++)
        {
            var (left, right) = merges[rank];
            foreach (var part in new[] { left, right })
            {
                if (!ids.ContainsKey(part)) throw new InvalidDataException($"{source}: merge {rank + 1} '{Shown(left)} {Shown(right)}' uses '{Shown(part)}', a symbol that an earlier merge makes was wanted");
            }

            ids[left + right] = 512 + rank;
        }

        return new BpeTokenizer(merges, ids, 512 + merges.Length, 513 + merges.Length, flavour);
    }

    private static byte[] ReadBytes(string path) =>
        File.Exists(path) ? File.ReadAllBytes(path) : throw new FileNotFoundException($"{path}: no such file; a tokenizer's vocabulary was wanted", path);

    // A few kilobytes of gzip can unpack to as many megabytes.
    private static string ReadSome(StreamReader reader, string path)
    {
        var text = new StringBuilder();
        var block = new char[1 << 14];
        for (int n; (n = reader.Read(block)) > 0;)
        {
            text.Append(block, 0, n);
            if (text.Length > MostCharacters) throw new InvalidDataException($"{path}: unpacks to more than {MostCharacters} characters, the most that is read");
        }

        return text.ToString();
    }

    private static (string Left, string Right)[] ReadMerges(string path, bool hasHeader)
    {
        var bytes = ReadBytes(path);
        var gzipped = bytes is [0x1f, 0x8b, ..];
        if (!gzipped && path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException($"{path}: starts with {(bytes.Length == 0 ? "nothing" : Convert.ToHexString(bytes.AsSpan(0, Math.Min(2, bytes.Length))))}, gzip's 1F8B wanted");
        }

        string text;
        try
        {
            using Stream plain = gzipped ? new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress) : new MemoryStream(bytes);
            using var reader = new StreamReader(plain, new UTF8Encoding(false, throwOnInvalidBytes: true));
            text = ReadSome(reader, path);
        }
        catch (Exception wrong) when (wrong is InvalidDataException or DecoderFallbackException or IOException)
        {
            throw new InvalidDataException($"{path}: damaged ({wrong.Message.ReplaceLineEndings(" ")}), {(gzipped ? "gzipped " : "")}UTF-8 text wanted");
        }

        var lines = text.Split('\n');
        var first = hasHeader || lines[0].StartsWith("#version", StringComparison.Ordinal) ? 1 : 0;
        var merges = new List<(string, string)>();
        for (var i = first; i < lines.Length && merges.Count < ClipMerges; i++)
        {
            var line = lines[i].TrimEnd('\r');
            if (line.Length == 0 && i == lines.Length - 1) break;
            var parts = line.Split(' ');
            if (parts.Length != 2 || parts[0].Length == 0 || parts[1].Length == 0)
            {
                throw new InvalidDataException($"{path}: line {i + 1} is '{Shown(line)}', two symbols and a space between wanted");
            }

            merges.Add((parts[0], parts[1]));
        }

        return merges.Count > 0 ? [.. merges] : throw new InvalidDataException($"{path}: no merges found, a header line and at least one merge wanted");
    }
}
