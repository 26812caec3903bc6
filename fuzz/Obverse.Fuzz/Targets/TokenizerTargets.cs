using System.Text;
using System.Text.Json;
using Obverse.Models;

namespace Obverse.Fuzz;

/// <summary>The files of tokenizers, and the texts that tokenizers are given.</summary>
internal static class TokenizerTargets
{
    private static readonly BpeTokenizer small = BpeTrainer.Train(["a photo of a cat", "a photo of a dog", "the cat's hat and the dog's ball", "\u65e5\u672c \u65e5\u672c caf\u00e9 caf\u00e9"], 24);
    private static readonly BpeTokenizer[] flavours = [small, small.As(TokenizerFlavour.OpenClip), small.As(TokenizerFlavour.HuggingFace)];
    private static readonly string merges = string.Concat(small.Merges.Select(merge => $"{merge.Left} {merge.Right}\n"));

    public static Target Merges { get; } = Files("tokenizer-bpe", ".txt.gz", GzipMutator.Mutate, () => [GzipMutator.Pack(Encoding.UTF8.GetBytes("#version: 0.2\n" + merges)), Encoding.UTF8.GetBytes("header\n" + merges)],
        input => BpeTokenizer.Load(Scratch.Write(input is [0x1f, 0x8b, ..] ? "bpe.txt.gz" : "bpe.txt", input)));

    public static Target MergesOfTransformers { get; } = Files("tokenizer-merges", ".txt", null, () => [Encoding.UTF8.GetBytes("#version: 0.2\n" + merges), Encoding.UTF8.GetBytes(merges)],
        input =>
        {
            var folder = Path.Combine(Scratch.Folder, "merges");
            if (!File.Exists(Path.Combine(folder, "vocab.json"))) Scratch.Write("merges/vocab.json", Vocabulary());
            Scratch.Write("merges/merges.txt", input);
            return BpeTokenizer.Load(folder);
        });

    public static Target Vocabularies { get; } = Files("tokenizer-vocab", ".json", JsonMutator.Mutate, () => [Vocabulary()],
        input =>
        {
            var folder = Path.Combine(Scratch.Folder, "vocab");
            if (!File.Exists(Path.Combine(folder, "merges.txt"))) Scratch.Write("vocab/merges.txt", Encoding.UTF8.GetBytes(merges));
            Scratch.Write("vocab/vocab.json", input);
            return BpeTokenizer.Load(folder);
        });

    public static Target Whole { get; } = Files("tokenizer-json", ".json", JsonMutator.Mutate, () => [TokenizerJson(pairs: false), TokenizerJson(pairs: true)],
        input => BpeTokenizer.Load(Scratch.Write("tokenizer.json", input)));

    public static Target SpecialTokens { get; } = Files("tokenizer-special", ".json", JsonMutator.Mutate,
        () => [Encoding.UTF8.GetBytes("""{"bos_token":{"content":"<|startoftext|>","lstrip":false},"eos_token":"<|endoftext|>","pad_token":"!","unk_token":"<|endoftext|>"}"""), Encoding.UTF8.GetBytes("""{"pad_token":"<|endoftext|>","added_tokens_decoder":{"49406":{"content":"<|startoftext|>"}},"model_max_length":77,"tokenizer_class":"CLIPTokenizer"}""")],
        input =>
        {
            Scratch.Write("special/vocab.json", Vocabulary());
            Scratch.Write("special/merges.txt", Encoding.UTF8.GetBytes(merges));
            Scratch.Write("special/special_tokens_map.json", input);
            return BpeTokenizer.Load(Path.Combine(Scratch.Folder, "special"));
        });

    public static Target Text { get; } = new("tokenizer-text", ".utf16")
    {
        Seeds = () => [.. ((string[])["", "a photo of a cat", "it's a dog's life, isn't it?", "caf\u00e9 \u65e5\u672c \ud83d\ude00", "&lt;b&gt; &amp;amp; tea", "it\u2019s \ufb01ne", "<|endoftext|>"]).Select(TextMutator.Bytes)],
        Structured = TextMutator.Mutate,
        Read = input =>
        {
            var text = TextMutator.Text(input);
            foreach (var tokenizer in flavours)
            {
                var ids = tokenizer.Encode(text);
                var row = tokenizer.EncodeRow(text, 77);
                if (row.Length != 77 || row[0] != tokenizer.StartId || !row.Contains(tokenizer.EndId)) throw new InvalidOperationException("a row without its start and end");
                tokenizer.Decode(ids);
            }
        },
        Documented = [],
        Allowance = length => (1 << 25) + 4096 * length, // the constant: the table of remembered words grows by doubling, and some input pays for it
    };

    private static Target Files(string name, string extension, Func<Random, byte[], byte[]>? structured, Func<IReadOnlyList<byte[]>> seeds, Func<byte[], BpeTokenizer> load) => new(name, extension)
    {
        Seeds = seeds,
        Structured = structured,
        Read = input =>
        {
            // What loads must work.
            var tokenizer = load(input);
            tokenizer.Decode(tokenizer.EncodeRow("A photo of the cat's caf\u00e9 <|endoftext|>", 16));
        },
        Documented = [typeof(InvalidDataException), typeof(FileNotFoundException), typeof(NotSupportedException)],
        Allowance = length => (1 << 22) + 4096 * length,
    };

    private static Dictionary<string, int> Symbols()
    {
        var ids = new Dictionary<string, int>();
        foreach (var letter in ByteAlphabet.Ordered) ids[letter.ToString()] = ids.Count;
        foreach (var letter in ByteAlphabet.Ordered) ids[letter + ByteAlphabet.EndOfWord] = ids.Count;
        foreach (var (left, right) in small.Merges) ids[left + right] = ids.Count;
        ids["<|startoftext|>"] = ids.Count;
        ids["<|endoftext|>"] = ids.Count;
        return ids;
    }

    private static byte[] Vocabulary() => JsonSerializer.SerializeToUtf8Bytes(Symbols());

    private static byte[] TokenizerJson(bool pairs) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        version = "1.0",
        added_tokens = ((string[])["<|startoftext|>", "<|endoftext|>"]).Select(word => new { id = Symbols()[word], content = word, single_word = false, lstrip = false, rstrip = false, normalized = word[2] == 's', special = true }),
        normalizer = new { type = "Sequence", normalizers = (object[])[new { type = "NFC" }, new { type = "Replace", pattern = new { Regex = "\\s+" }, content = " " }, new { type = "Lowercase" }] },
        pre_tokenizer = new
        {
            type = "Sequence",
            pretokenizers = (object[])[new { type = "Split", pattern = new { Regex = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" }, behavior = "Removed", invert = true }, new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = true }],
        },
        post_processor = new { type = "RobertaProcessing", sep = (object[])["<|endoftext|>", Symbols()["<|endoftext|>"]], cls = (object[])["<|startoftext|>", Symbols()["<|startoftext|>"]], trim_offsets = false, add_prefix_space = false },
        decoder = new { type = "ByteLevel", add_prefix_space = true, trim_offsets = true, use_regex = true },
        model = new { type = "BPE", dropout = (object?)null, unk_token = "<|endoftext|>", continuing_subword_prefix = "", end_of_word_suffix = "</w>", fuse_unk = false, vocab = Symbols(), merges = small.Merges.Select(merge => pairs ? (object)new[] { merge.Left, merge.Right } : $"{merge.Left} {merge.Right}") },
    });
}
