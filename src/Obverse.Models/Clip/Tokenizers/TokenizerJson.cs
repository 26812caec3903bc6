using System.Text.Json;

namespace Obverse.Models;

/// <summary>
/// <c>tokenizer.json</c> of the tokenizers library, in one file what vocab.json and merges.txt are in two. The format can hold any tokenizer; ours does what CLIP's does, so every
/// stage is compared with CLIP's and another one is refused by its name.
/// </summary>
internal static class TokenizerJson
{
    // transformers, convert_slow_tokenizer.py (CLIPConverter). Older files name the special words in the pattern too, and need no brackets round a class.
    private const string Pattern = @"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", Specials = @"<\|startoftext\|>|<\|endoftext\|>|";

    public static BpeTokenizer Load(string path, TokenizerFlavour? flavour)
    {
        try
        {
            return Read(path, flavour);
        }
        catch (InvalidOperationException) // bytes that are no UTF-8, or half of a surrogate pair: found only where the text is asked for
        {
            throw new InvalidDataException($"{path}: holds bytes that are no text, UTF-8 wanted");
        }
    }

    private static BpeTokenizer Read(string path, TokenizerFlavour? flavour)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"{path}: no such file; a tokenizer was wanted", path);
        using var json = SpecialTokens.Parse(path);
        var root = json.RootElement;
        if (root.ValueKind != JsonValueKind.Object || Part(root, "model") is not { ValueKind: JsonValueKind.Object } model) throw new InvalidDataException($"{path}: no \"model\" found, a tokenizer wanted");
        NotSupportedException Other(string what) => new($"{path}: {what}; only CLIP's tokenizer is built");

        if (Word(model, "type") is var type && type is not (null or "BPE")) throw Other($"model '{type}'");
        if (Word(model, "end_of_word_suffix") is var suffix && suffix != ByteAlphabet.EndOfWord) throw Other($"end_of_word_suffix '{suffix}'");
        if (Word(model, "continuing_subword_prefix") is { Length: > 0 } prefix) throw Other($"continuing_subword_prefix '{prefix}'");
        foreach (var option in (string[])["dropout", "byte_fallback", "ignore_merges"])
        {
            if (Part(model, option) is { ValueKind: not JsonValueKind.Null } value && value.GetRawText() is var given and not ("false" or "0" or "0.0")) throw Other($"{option} = {Shown(given)}");
        }

        Normalizer(Part(root, "normalizer"));
        PreTokenizer(Part(root, "pre_tokenizer"));
        var last = Part(root, "post_processor") is { } post ? Word(post, "type") : null;
        if (last is not (null or "RobertaProcessing" or "TemplateProcessing")) throw Other($"post_processor '{last}'");

        var ids = Vocabulary(path, model);
        foreach (var added in Items(Part(root, "added_tokens")))
        {
            if (Word(added, "content") is not { } content || Whole(added, "id") is not { } id) throw new InvalidDataException($"{path}: an added token without content or id");
            if (content != TokenizerFlavour.HuggingFace.StartWord && content != TokenizerFlavour.HuggingFace.EndWord) throw Other($"added token '{Shown(content)}'");
            if (ids.TryGetValue(content, out var known) && known != id) throw new InvalidDataException($"{path}: '{content}' has the ids {known} and {id}");
            ids[content] = id;
        }

        var tokenizer = BpeTokenizer.FromVocabulary(ids, Merges(path, model), path, path, flavour);
        if (Part(root, "padding") is not { ValueKind: JsonValueKind.Object } padding || Whole(padding, "pad_id") is not { } pad) return tokenizer;
        return pad >= 0 && pad < tokenizer.VocabularySize ? tokenizer.With(pad) : throw new InvalidDataException($"{path}: pad_id {pad}, ids from 0 to {tokenizer.VocabularySize - 1} wanted");

        void Normalizer(JsonElement? stage)
        {
            var types = Stages(stage, "normalizers").Select(part => Word(part, "type") is "Replace" && Regex(part) == @"\s+" && Word(part, "content") == " " ? "Spaces" : Word(part, "type")).ToList();
            if (types is not (["NFC", "Spaces", "Lowercase"] or ["NFC", "Lowercase"] or ["Spaces", "NFC", "Lowercase"])) throw Other($"normalizer {Shown(string.Join(", ", types))}");
        }

        void PreTokenizer(JsonElement? stage)
        {
            var parts = Stages(stage, "pretokenizers");
            if (parts.Count != 2 || Word(parts[0], "type") != "Split" || Word(parts[1], "type") != "ByteLevel") throw Other($"pre_tokenizer {Shown(string.Join(", ", parts.Select(part => Word(part, "type"))))}");
            var pattern = Regex(parts[0]) ?? "";
            if (Bare(pattern.StartsWith(Specials, StringComparison.Ordinal) ? pattern[Specials.Length..] : pattern) != Bare(Pattern)) throw Other($"pre_tokenizer splits by '{Shown(pattern)}'");
            if (Part(parts[1], "add_prefix_space") is { ValueKind: JsonValueKind.True }) throw Other("pre_tokenizer with add_prefix_space");
        }
    }

    private static Dictionary<string, int> Vocabulary(string path, JsonElement model)
    {
        if (Part(model, "vocab") is not { ValueKind: JsonValueKind.Object } vocabulary) throw new InvalidDataException($"{path}: no \"vocab\" found, an object of symbol and id wanted");
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var symbol in vocabulary.EnumerateObject()) ids[symbol.Name] = symbol.Value.ValueKind == JsonValueKind.Number && symbol.Value.TryGetInt32(out var id) ? id : throw new InvalidDataException($"{path}: '{Shown(symbol.Name)}' has the id {Shown(symbol.Value.GetRawText())}, a whole number wanted");
        return ids;
    }

    // "a b", or since tokenizers 0.20 ["a", "b"].
    private static (string, string)[] Merges(string path, JsonElement model)
    {
        var merges = new List<(string, string)>();
        foreach (var merge in Items(Part(model, "merges")))
        {
            var parts = merge.ValueKind == JsonValueKind.Array ? [.. merge.EnumerateArray().Select(part => SpecialTokens.Text(part) ?? "")] : (SpecialTokens.Text(merge) ?? "").Split(' ');
            if (parts is not [{ Length: > 0 } left, { Length: > 0 } right]) throw new InvalidDataException($"{path}: merge {merges.Count + 1} is {Shown(merge.GetRawText())}, two symbols wanted");
            merges.Add((left, right));
        }

        return merges.Count > 0 ? [.. merges] : throw new InvalidDataException($"{path}: no merges found, at least one wanted");
    }

    private static List<JsonElement> Stages(JsonElement? stage, string list) =>
        stage is not { ValueKind: JsonValueKind.Object } one ? [] : Word(one, "type") == "Sequence" ? [.. Items(Part(one, list))] : [one];

    private static string? Regex(JsonElement part) => Part(part, "pattern") is { ValueKind: JsonValueKind.Object } pattern ? Word(pattern, "Regex") : null;
    private static string Bare(string pattern) => pattern.Replace(@"[\p{L}]", @"\p{L}", StringComparison.Ordinal).Replace(@"[\p{N}]", @"\p{N}", StringComparison.Ordinal);
    private static IEnumerable<JsonElement> Items(JsonElement? list) => list is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];
    private static JsonElement? Part(JsonElement of, string name) => of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var part) ? part : null;
    private static string? Word(JsonElement of, string name) => Part(of, name) is { } part ? SpecialTokens.Text(part) : null;
    private static int? Whole(JsonElement of, string name) => Part(of, name) is { ValueKind: JsonValueKind.Number } part && part.TryGetInt32(out var number) ? number : null;
    private static string Shown(string text) => (text.Length > 80 ? text[..80] + "\u2026" : text).ReplaceLineEndings(" ");
}
