using System.IO.Compression;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Fuzzing;

/// <summary>What fuzzing found, and what was found by reading for it: an input each.</summary>
[Collection("command line")] // alone: time and memory are watched
public class FoundByFuzzingTests
{
    [Fact]
    public void A_PNG_whose_zlib_stream_asks_for_a_dictionary_is_damaged()
    {
        var png = Convert.FromHexString("89504e470d0a1a0a0000000d4948445200000009000000070800000000fff038bc0000000674524e5300010001000125037480000000166558496649492a00080000000100120103000100000006000000b74ae3840000000c49444154783f00581c4a10001e016360603d52de0000000049454e44ae426082");
        Assert.Contains("does not unpack", Assert.Throws<PictureException>(() => Picture.Decode(png, "a.png")).Message);
    }

    [Fact]
    public void A_few_bytes_may_not_ask_for_a_gigabyte()
    {
        byte[] gif = [.. "GIF89a"u8, 0x20, 0x4E, 0x10, 0x27, 0, 0, 0, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B]; // 20,000 x 10,000 with a frame of 1 x 1
        Refused(gif, "not believed");
        var jpeg = new Picture(8, 8, new byte[192]).EncodeJpeg();
        var frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        (jpeg[frame + 5], jpeg[frame + 6], jpeg[frame + 7], jpeg[frame + 8]) = (0x27, 0x10, 0x27, 0x10); // 10,000 x 10,000
        Refused(jpeg, "cannot hold 10000 x 10000");

        static void Refused(byte[] file, string says)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Contains(says, Assert.Throws<PictureException>(() => Picture.Decode(file, "large")).Message);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    [Theory]
    [InlineData("""{"embed_dim":8,"embed_dim":8,"vision_cfg":{},"text_cfg":{}}""", "embed_dim")]
    [InlineData("""{"embed_dim":8,"vision_cfg":{"width":8,"head_width":0},"text_cfg":{}}""", "'head_width' is 0")]
    [InlineData("""{"embed_dim":8,"vision_cfg":{"width":8,"head_width":16},"text_cfg":{}}""", "divides the width")]
    [InlineData("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"heads":2147483647}}""", "'heads' is 2147483647")]
    [InlineData("""{"embed_dim":8,"vision_cfg":{},"text_cfg":{"width":8,"heads":3}}""", "divides the width")]
    [InlineData("""{"embed_dim":8,"vision_cfg":{"patch_size":0},"text_cfg":{}}""", "'patch_size' is 0")]
    [InlineData("""{"embed_dim":1e400,"vision_cfg":{},"text_cfg":{}}""", "embed_dim")]
    [InlineData("""{"embed_dim":8.5,"vision_cfg":{},"text_cfg":{}}""", "whole number")]
    [InlineData("""{"embed_dim":8,"vision_cfg":{"image_size":["a",3]},"text_cfg":{}}""", "image_size")]
    [InlineData("""{"model_cfg":{"embed_dim":8,"vision_cfg":{},"text_cfg":{}},"preprocess_cfg":{"std":[0,1,1]}}""", "divided by 0")]
    [InlineData("""{"model_cfg":{"embed_dim":8,"vision_cfg":{},"text_cfg":{}},"preprocess_cfg":{"mean":["a",1,1]}}""", "wanted a number")]
    [InlineData("""{"projection_dim":8,"vision_config":{"num_attention_heads":0},"text_config":{}}""", "'num_attention_heads' is 0")]
    [InlineData("{\n\"embed_dim\": 8,\n\"vision_cfg\": tr\n}", "not JSON")]
    public void A_configuration_that_no_tower_can_have_is_refused_in_one_line(string json, string says)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "config.json");
        File.WriteAllText(path, json);
        var wrong = Assert.ThrowsAny<Exception>(() => ClipConfig.Load(path));
        Assert.True(wrong is WeightsException or NotSupportedException, wrong.ToString());
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong.Message);
    }

    [Theory]
    [InlineData("null", "null found")]
    [InlineData("{\"a\":2147483647}", "wanted among them")]
    public void A_vocabulary_that_is_none_is_refused(string json, string says)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "vocab.json"), json);
        File.WriteAllText(Path.Combine(folder.Path, "merges.txt"), "a b\n");
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => BpeTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_merge_file_that_unpacks_without_end_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "bpe.txt.gz");
        using (var gzip = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            var block = new byte[1 << 20];
            for (var i = 0; i < 80; i++) gzip.Write(block);
        }

        Assert.Contains("unpacks to more than", Assert.Throws<InvalidDataException>(() => BpeTokenizer.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_without_end_take_time_by_their_length_and_not_its_square()
    {
        var tokenizer = BpeTrainer.Train(["a photo of a cat", "a photo of a dog", "the cat's hat and the dog's ball"], 20);
        const int length = 40_000;
        foreach (var text in (string[])[
            string.Concat(Enumerable.Repeat("\u0323\u0301\u0328", length / 3)), // marks out of order
            "&" + string.Concat(Enumerable.Repeat("amp;", length / 4)) + "lt;",
            string.Concat(Enumerable.Repeat("\x1b[", length / 3)) + new string('m', length / 3),
            string.Concat(Enumerable.Repeat("thecathat", length / 9)), // one word
            new string('a', length),
        ])
        {
            foreach (var flavour in (TokenizerFlavour[])[TokenizerFlavour.OpenAi, TokenizerFlavour.HuggingFace])
            {
                var best = double.MaxValue;
                for (var n = 0; n < 3 && best > 1; n++)
                {
                    var before = Environment.CpuUsage.TotalTime;
                    tokenizer.As(flavour).Encode(text);
                    best = Math.Min(best, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
                }

                Assert.True(best < 1, $"{flavour}: {best:0.0} s for {text[..8]}…");
            }
        }
    }

    [Fact]
    public void New_words_stay_cheap_when_the_memory_of_words_is_full()
    {
        var tokenizer = BpeTrainer.Train(["a photo of a cat", "a photo of a dog"], 12);
        string Words(int from, int count) => string.Join(' ', Enumerable.Range(from, count).Select(n => $"w{string.Concat(n.ToString().Select(digit => (char)('a' + digit - '0')))}"));
        static double Seconds(BpeTokenizer tokenizer, string text)
        {
            var before = Environment.CpuUsage.TotalTime;
            tokenizer.Encode(text);
            return (Environment.CpuUsage.TotalTime - before).TotalSeconds;
        }

        tokenizer.Encode(Words(0, 140_000)); // fills it: 131,072 words
        var (unknown, known) = (double.MaxValue, double.MaxValue);
        for (var n = 0; n < 5; n++)
        {
            unknown = Math.Min(unknown, Seconds(tokenizer, Words(200_000 + n * 20_000, 20_000)));
            known = Math.Min(known, Seconds(tokenizer, Words(n * 20_000, 20_000)));
        }

        Assert.True(unknown < 10 * known, $"{unknown * 50:0.00} microseconds for a new word, {known * 50:0.00} for a known one"); // 37 times before, twice now
    }

    [Fact]
    public void Long_words_have_the_ids_that_short_ones_are_merged_to()
    {
        var random = new Random(8);
        var tokenizer = BpeTrainer.Train(Enumerable.Range(0, 300).Select(_ => new string([.. Enumerable.Range(0, 12).Select(_ => "abc"[random.Next(3)])])), 60);
        for (var n = 0; n < 60; n++)
        {
            var word = new string([.. Enumerable.Range(0, random.Next(129, 700)).Select(_ => "abc"[random.Next(n % 3 + 1)])]);
            Assert.Equal(Plainly(tokenizer, word), string.Join(' ', tokenizer.Encode(word)));
        }

        // The published algorithm on strings: the best pair of the whole word, everywhere, again and again.
        static string Plainly(BpeTokenizer tokenizer, string word)
        {
            var ranks = tokenizer.Merges.Select((merge, rank) => (merge, rank)).ToDictionary(m => m.merge, m => m.rank);
            List<string> parts = [.. word.Select(c => c.ToString())];
            parts[^1] += "</w>";
            while (true)
            {
                var best = Enumerable.Range(0, parts.Count - 1).Select(i => (parts[i], parts[i + 1])).Where(ranks.ContainsKey).OrderBy(pair => ranks[pair]).FirstOrDefault();
                if (best.Item1 is null) break;
                for (var i = 0; i + 1 < parts.Count; i++)
                {
                    if ((parts[i], parts[i + 1]) != best) continue;
                    parts[i] += parts[i + 1];
                    parts.RemoveAt(i + 1);
                }
            }

            var ids = tokenizer.Merges.Select((merge, rank) => (Symbol: merge.Left + merge.Right, Id: 512 + rank)).Concat("abc".SelectMany(c => new[] { (c.ToString(), c - 33), (c + "</w>", 256 + c - 33) })).GroupBy(s => s.Item1).ToDictionary(g => g.Key, g => g.Last().Item2);
            foreach (var (symbol, rank) in tokenizer.Merges.Select((merge, rank) => (merge.Left + merge.Right, rank))) ids[symbol] = 512 + rank;
            return string.Join(' ', parts.Select(part => ids[part]));
        }
    }
}
