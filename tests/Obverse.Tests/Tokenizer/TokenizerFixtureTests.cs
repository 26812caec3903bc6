using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Obverse.Jobs;
using Obverse.Models;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Tokenizer;

/// <summary>Against what openai/CLIP, open_clip and transformers gave for the same strings: every id equal.</summary>
public class TokenizerFixtureTests(ITestOutputHelper output)
{
    private const string MergeFile = "clip/tokenizer/bpe_simple_vocab_16e6.txt.gz";

    private static readonly Lazy<BpeTokenizer> OpenAi = new(() => BpeTokenizer.Load(Fixtures.Require(MergeFile)));

    [SkippableFact]
    public void Ids_words_and_decoded_text_equal_openai_clips() => AllEqual(OpenAi.Value, (tokenizer, row) =>
    [
        ("clean", row.GetProperty("clean").GetString()!, TextCleaning.Clean(row.GetProperty("text").GetString()!, tokenizer.Flavour)),
        ("words", Strings(row.GetProperty("words")), string.Join('|', tokenizer.Words(row.GetProperty("text").GetString()!))),
        ("openai", Strings(row.GetProperty("openai")), Joined(tokenizer.Encode(row.GetProperty("text").GetString()!))),
        ("openai_decoded", row.GetProperty("openai_decoded").GetString()!, tokenizer.Decode(Ints(row.GetProperty("openai")))),
        ("openai_too_long", row.GetProperty("openai_too_long").GetBoolean().ToString(), IsCut(tokenizer, row.GetProperty("text").GetString()!).ToString()),
    ]);

    [SkippableFact]
    public void Ids_equal_open_clips() => AllEqual(OpenAi.Value.As(TokenizerFlavour.OpenClip), (tokenizer, row) =>
    [
        ("open_clip", Strings(row.GetProperty("open_clip")), Joined(tokenizer.Encode(row.GetProperty("text").GetString()!))),
    ]);

    [SkippableFact]
    public void Ids_and_decoded_text_equal_transformers() => AllEqual(BpeTokenizer.Load(Fixtures.Require("clip/tokenizer")), (tokenizer, row) =>
    [
        ("hf", Strings(row.GetProperty("hf")), Joined(tokenizer.Encode(row.GetProperty("text").GetString()!))),
        ("hf_decoded", row.GetProperty("hf_decoded").GetString()!, tokenizer.Decode(Ints(row.GetProperty("hf")))),
    ]);

    [SkippableFact]
    public void Padded_rows_equal_all_three()
    {
        var tensors = Safetensors(Fixtures.Require("clip/tokenizer/rows.safetensors"));
        var texts = Rows().ToDictionary(row => row.GetProperty("i").GetInt32(), row => row.GetProperty("text").GetString()!);
        var index = MemoryMarshal.Cast<byte, int>(tensors["index"].Bytes).ToArray();
        var folder = BpeTokenizer.Load(Fixtures.Require("clip/tokenizer"));
        foreach (var (name, tokenizer) in new[] { ("openai", OpenAi.Value), ("open_clip", OpenAi.Value.As(TokenizerFlavour.OpenClip)), ("hf", folder) })
        {
            var width = tensors[name].Shape[1];
            var expected = MemoryMarshal.Cast<byte, int>(tensors[name].Bytes).ToArray();
            for (var i = 0; i < index.Length; i++)
            {
                var row = tokenizer.EncodeRow(texts[index[i]], width, out _);
                Assert.True(row.AsSpan().SequenceEqual(expected.AsSpan(i * width, width)), $"{name} {index[i]}: {Joined(row)}");
            }

            output.WriteLine($"{name}: {index.Length} rows of {width} equal");
        }
    }

    [SkippableTheory]
    [InlineData("a photo of a cat", "320 1125 539 320 2368")]
    [InlineData("a photo of a cat.", "320 1125 539 320 2368 269")]
    [InlineData("A Photo of a CAT!!", "320 1125 539 320 2368 748")]
    [InlineData("it's a dog's life, isn't it?", "585 568 320 1929 568 970 267 2923 713 585 286")]
    [InlineData("hello   world\n", "3306 1002")]
    [InlineData("R2-D2 in 2024", "337 273 268 323 273 530 273 271 273 275")]
    [InlineData("café 日本 😀", "15304 39121 19277 361 7334")]
    [InlineData("&lt;b&gt; &amp;amp; tea", "283 321 285 261 3274")]
    [InlineData("a beautiful photo of Antelope Canyon's light beams, detailed", "320 1215 1125 539 39177 9755 568 1395 23993 267 12609")]
    [InlineData("antidisestablishmentarianism", "3120 4262 7726 12658 1585 44351")]
    [InlineData("!", "256")]
    [InlineData("", "")]
    [InlineData("<|endoftext|>", "49407")]
    [InlineData("xxx", "8352")]
    public void Known_texts_have_their_known_ids(string text, string expected) => Assert.Equal(expected, string.Join(' ', OpenAi.Value.Encode(text)));

    private void AllEqual(BpeTokenizer tokenizer, Func<BpeTokenizer, JsonElement, (string What, string Expected, string Given)[]> compare)
    {
        var wrong = new List<string>();
        var (count, comparisons) = (0, 0);
        foreach (var row in Rows())
        {
            count++;
            foreach (var (what, expected, given) in compare(tokenizer, row))
            {
                comparisons++;
                if (expected != given) wrong.Add($"{row.GetProperty("i").GetInt32()} {what} of {JsonSerializer.Serialize(row.GetProperty("text").GetString())}: {JsonSerializer.Serialize(expected)} wanted, {JsonSerializer.Serialize(given)} found");
            }
        }

        output.WriteLine($"{tokenizer.Flavour}: {count} strings, {comparisons} comparisons, {wrong.Count} wrong");
        Assert.True(count > 0, "no strings");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {count} strings:\n" + string.Join('\n', wrong.Take(20)));
    }

    private static IEnumerable<JsonElement> Rows() =>
        File.ReadLines(Fixtures.Require("clip/tokenizer/strings.jsonl")).Where(line => line.Length > 0).Select(line => JsonSerializer.Deserialize<JsonElement>(line));

    private static bool IsCut(BpeTokenizer tokenizer, string text)
    {
        tokenizer.EncodeRow(text, 77, out var cut);
        return cut;
    }

    private static string Strings(JsonElement list) => string.Join('|', list.EnumerateArray().Select(item => item.ToString()));
    private static string Joined(IEnumerable<int> ids) => string.Join('|', ids);
    private static IEnumerable<int> Ints(JsonElement list) => list.EnumerateArray().Select(item => item.GetInt32());

    private static Dictionary<string, (int[] Shape, byte[] Bytes)> Safetensors(string path)
    {
        var file = File.ReadAllBytes(path);
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        return JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(file.AsSpan(8, header))!
            .Where(entry => entry.Key != "__metadata__")
            .ToDictionary(entry => entry.Key, entry =>
            {
                var ends = Ints(entry.Value.GetProperty("data_offsets")).ToArray();
                return (Ints(entry.Value.GetProperty("shape")).ToArray(), file[(8 + header + ends[0])..(8 + header + ends[1])]);
            });
    }
}
