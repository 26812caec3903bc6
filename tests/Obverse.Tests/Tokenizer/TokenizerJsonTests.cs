using System.Text.Json;
using System.Text.Json.Nodes;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Tokenizer;

/// <summary>One file in place of two: tokenizer.json made of the fixtures' vocabulary gives transformers' ids; what is not CLIP's is refused by name.</summary>
public sealed class TokenizerJsonTests(ITestOutputHelper output) : IDisposable
{
    private const string Pattern = @"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

    private static readonly BpeTokenizer Small = BpeTrainer.Train(["a photo of a cat", "a photo of a dog"], 12);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ids_equal_those_of_the_two_files(bool pairs)
    {
        var vocabulary = JsonSerializer.Deserialize<Dictionary<string, int>>(File.ReadAllText(Fixtures.Require("clip/tokenizer/vocab.json")))!;
        var merges = File.ReadLines(Fixtures.Require("clip/tokenizer/merges.txt")).Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal));
        Write(Json(vocabulary, merges.Select(line => line.Split(' ')), pairs));
        var tokenizer = BpeTokenizer.Load(folder.Path);
        var (count, decoded) = (0, 0);
        foreach (var row in File.ReadLines(Fixtures.Require("clip/tokenizer/strings.jsonl")).Where(line => line.Length > 0).Select(line => JsonSerializer.Deserialize<JsonElement>(line)))
        {
            int[] ids = [.. row.GetProperty("hf").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(ids, tokenizer.Encode(row.GetProperty("text").GetString()!));
            Assert.Equal(row.GetProperty("hf_decoded").GetString(), tokenizer.Decode(ids));
            (count, decoded) = (count + 1, decoded + 1);
        }

        Assert.True(count > 0, "no strings");
        output.WriteLine($"tokenizer.json, merges as {(pairs ? "pairs" : "strings")}: {count} strings with equal ids, {decoded} decoded equal");
    }

    [Theory]
    [InlineData("/model/type", "\"Unigram\"", "model 'Unigram'")]
    [InlineData("/model/end_of_word_suffix", "\"\"", "end_of_word_suffix ''")]
    [InlineData("/model/continuing_subword_prefix", "\"##\"", "continuing_subword_prefix '##'")]
    [InlineData("/model/byte_fallback", "true", "byte_fallback = true")]
    [InlineData("/model/dropout", "0.1", "dropout = 0.1")]
    [InlineData("/normalizer", "{\"type\":\"BertNormalizer\",\"lowercase\":true}", "normalizer BertNormalizer")]
    [InlineData("/normalizer", "null", "normalizer ")]
    [InlineData("/pre_tokenizer", "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}", "pre_tokenizer ByteLevel")]
    [InlineData("/pre_tokenizer/pretokenizers/0/pattern", "{\"Regex\":\"\\\\w+\"}", "splits by '\\w+'")]
    [InlineData("/post_processor/type", "\"BertProcessing\"", "post_processor 'BertProcessing'")]
    [InlineData("/added_tokens/0/content", "\"<cat-toy>\"", "added token '<cat-toy>'")]
    public void What_is_not_CLIPs_is_refused_by_name(string where, string value, string says)
    {
        var json = SmallJson();
        Set(json, where, JsonNode.Parse(value));
        Write(json);
        var wrong = Assert.Throws<NotSupportedException>(() => BpeTokenizer.Load(folder.Path));
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/model/vocab", "[]", "no \"vocab\"")]
    [InlineData("/model/merges", "[]", "no merges")]
    [InlineData("/model/merges/1", "\"a\"", "merge 2 is")]
    [InlineData("/model/merges/1", "[\"a\"]", "merge 2 is")]
    [InlineData("/model/merges/1", "[\"q\",\"zz\"]", "'zz' wanted")]
    [InlineData("/model/vocab/a", "\"x\"", "whole number")]
    [InlineData("/model/vocab/a", "2000000000", "id 2000000000")]
    [InlineData("/model", "7", "no \"model\"")]
    [InlineData("/added_tokens/0/id", "3", "has the ids")]
    [InlineData("/padding", "{\"pad_id\":100000}", "pad_id 100000")]
    public void What_is_damaged_is_said_in_one_line(string where, string value, string says)
    {
        var json = SmallJson();
        Set(json, where, JsonNode.Parse(value));
        Write(json);
        var wrong = Assert.Throws<InvalidDataException>(() => BpeTokenizer.Load(folder.Path));
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong.Message);
    }

    [Theory]
    [InlineData("tokenizer_config.json", """{"pad_token":"!"}""", 0)]
    [InlineData("tokenizer_config.json", """{"pad_token":{"content":"<|endoftext|>","lstrip":false}}""", -1)]
    [InlineData("special_tokens_map.json", """{"pad_token":"<|endoftext|>"}""", -1)]
    [InlineData("special_tokens_map.json", """{"pad_token":"!","unk_token":"<|endoftext|>"}""", 0)]
    [InlineData("special_tokens_map.json", """{"pad_token":null}""", -1)]
    public void Padding_is_what_the_files_beside_say(string name, string json, int wanted)
    {
        Write(SmallJson());
        File.WriteAllText(Path.Combine(folder.Path, name), json);
        var tokenizer = BpeTokenizer.Load(folder.Path);
        Assert.Equal(wanted < 0 ? tokenizer.EndId : 0, tokenizer.PaddingId); // "!" is the first symbol
        Assert.Equal(tokenizer.PaddingId, tokenizer.EncodeRow("a cat", 16)[^1]);
    }

    [Theory]
    [InlineData("""{"pad_token":"<pad>"}""", "'<pad>' is not in the vocabulary")]
    [InlineData("""{"pad_token":"<|e\ndoftext|>"}""", "'<|e doftext|>' is not in the vocabulary")]
    [InlineData("""{"pad_token":7}""", "a text wanted")]
    [InlineData("[]", "a JSON object wanted")]
    [InlineData("{", "not JSON")]
    public void Padding_that_cannot_be_is_refused(string json, string says)
    {
        Write(SmallJson());
        File.WriteAllText(Path.Combine(folder.Path, "special_tokens_map.json"), json);
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => BpeTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_word_that_is_cut_is_named()
    {
        var body = Small.Encode("a photo of a cat").Length;
        Assert.Null(Small.FirstCut("a photo of a cat", body + 2));
        Assert.Equal(("cat", 5), Small.FirstCut("A photo of a cat", body + 1));
        Assert.Equal(("dog", 6), Small.FirstCut("a photo of a cat dog 7", body + 2));
    }

    private void Write(JsonNode json) => File.WriteAllText(Path.Combine(folder.Path, "tokenizer.json"), json.ToJsonString());

    private static JsonNode SmallJson()
    {
        var printable = Enumerable.Range(33, 94).Concat(Enumerable.Range(161, 12)).Concat(Enumerable.Range(174, 82)).Concat(Enumerable.Range(256, 68)).Select(value => ((char)value).ToString()).ToList();
        var ids = printable.Concat(printable.Select(letter => letter + "</w>")).Concat(Small.Merges.Select(merge => merge.Left + merge.Right)).Append("<|startoftext|>").Append("<|endoftext|>").Select((symbol, id) => (symbol, id)).ToDictionary(s => s.symbol, s => s.id);
        return Json(ids, Small.Merges.Select(merge => new[] { merge.Left, merge.Right }), pairs: true);
    }

    private static JsonNode Json(Dictionary<string, int> vocabulary, IEnumerable<string[]> merges, bool pairs) => JsonSerializer.SerializeToNode(new
    {
        added_tokens = ((string[])["<|startoftext|>", "<|endoftext|>"]).Select(content => new { id = vocabulary[content], content, special = true }),
        normalizer = new { type = "Sequence", normalizers = (object[])[new { type = "NFC" }, new { type = "Replace", pattern = new { Regex = @"\s+" }, content = " " }, new { type = "Lowercase" }] },
        pre_tokenizer = new { type = "Sequence", pretokenizers = (object[])[new { type = "Split", pattern = new { Regex = Pattern }, behavior = "Removed", invert = true }, new { type = "ByteLevel", add_prefix_space = false }] },
        post_processor = new { type = "RobertaProcessing" },
        padding = (object?)null,
        model = new { type = "BPE", dropout = (double?)null, end_of_word_suffix = "</w>", continuing_subword_prefix = "", vocab = vocabulary, merges = merges.Select(merge => pairs ? (object)merge : string.Join(' ', merge)) },
    })!;

    private static void Set(JsonNode json, string where, JsonNode? value)
    {
        var path = where[1..].Split('/');
        foreach (var part in path[..^1]) json = json is JsonArray list ? list[int.Parse(part)]! : json[part]!;
        if (json is JsonArray array) array[int.Parse(path[^1])] = value;
        else json[path[^1]] = value;
    }
}
