using System.IO.Compression;
using System.Text;
using Obverse.Jobs;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Tokenizer;

public class BpeTrainerTests
{
    private static readonly string[] Lines =
    [
        "a photo of a cat", "a photo of a dog", "the cat sat on the mat", "the dog's ball and the cat's toy", "A CAT! two cats, 3 dogs",
        "photographs of the sea at night", "the theatre of the absurd", "naïve café", "日本 日本 日本",
    ];

    [Fact]
    public void The_most_frequent_pair_is_merged_first_and_equal_pairs_by_id()
    {
        var tokenizer = BpeTrainer.Train(["ab ab ab cd cd cd xy"], 3, atLeast: 1);
        Assert.Equal([("a", "b</w>"), ("c", "d</w>"), ("x", "y</w>")], tokenizer.Merges);
        Assert.Equal(512 + 3 + 2, tokenizer.VocabularySize);
        Assert.Equal([512, 513, 514], tokenizer.Encode("ab cd xy"));
        Assert.Equal((515, 516), (tokenizer.StartId, tokenizer.EndId));
    }

    [Fact]
    public void Counts_kept_up_to_date_choose_what_counting_afresh_would()
    {
        var words = Lines.SelectMany(line => BpeTrainer.Train(Lines, 1).Words(line)).ToList();
        var expected = CountedAfresh(words, 60);
        Assert.Equal(expected, BpeTrainer.Train(Lines, 60).Merges);
    }

    [Fact]
    public void The_order_of_the_lines_does_not_matter() =>
        Assert.Equal(BpeTrainer.Train(Lines, 80).Merges, BpeTrainer.Train(Lines.Reverse(), 80).Merges);

    [Theory]
    [InlineData("small.txt")]
    [InlineData("small.txt.gz")]
    public void What_is_saved_loads_as_the_same_tokenizer(string name)
    {
        var trained = BpeTrainer.Train(Lines, 80);
        using var folder = new TemporaryFolder();
        var path = folder.Path(name);
        trained.Save(path);
        var loaded = BpeTokenizer.Load(path);
        Assert.Equal(trained.Merges, loaded.Merges);
        Assert.Equal(trained.VocabularySize, loaded.VocabularySize);
        foreach (var line in Lines.Append("unseen wörds 😀 in 2024")) Assert.Equal(trained.Encode(line), loaded.Encode(line));
    }

    [Fact]
    public void Fewer_merges_come_where_the_text_has_no_more_pairs() => Assert.Single(BpeTrainer.Train(["ab ab c"], 10).Merges);

    [Fact]
    public void A_text_without_pairs_is_refused() => Assert.Throws<ArgumentException>(() => BpeTrainer.Train(["a b c"], 10));

    [Fact]
    public void Ninety_thousand_captions_take_seconds()
    {
        var random = new Random(7);
        var words = Enumerable.Range(0, 20_000).Select(_ => new string([.. Enumerable.Range(0, random.Next(2, 11)).Select(_ => (char)('a' + Math.Min(random.Next(26), random.Next(26))))])).ToArray();
        var lines = Enumerable.Range(0, 90_000).Select(_ => string.Join(' ', Enumerable.Range(0, 6).Select(_ => words[(int)(words.Length * Math.Pow(random.NextDouble(), 3))]))).ToArray();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var tokenizer = BpeTrainer.Train(lines, 10_000);
        Assert.Equal(10_000, tokenizer.Merges.Count);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{clock.Elapsed}");
    }

    private static List<(string, string)> CountedAfresh(List<string> words, int merges)
    {
        var order = new Dictionary<string, int>();
        var spelled = new List<List<string>>();
        var alphabet = Enumerable.Range(33, 94).Concat(Enumerable.Range(161, 12)).Concat(Enumerable.Range(174, 82)).ToList();
        var rest = Enumerable.Range(0, 256).Except(alphabet).ToList();
        var letters = alphabet.Select(value => ((char)value).ToString()).Concat(rest.Select((_, n) => ((char)(256 + n)).ToString())).ToList();
        var values = alphabet.Concat(rest).ToList();
        foreach (var letter in letters) order[letter] = order.Count;
        foreach (var letter in letters) order[letter + "</w>"] = order.Count;
        foreach (var word in words)
        {
            var parts = Encoding.UTF8.GetBytes(word).Select(value => letters[values.IndexOf(value)]).ToList();
            parts[^1] += "</w>";
            spelled.Add(parts);
        }

        var learned = new List<(string, string)>();
        for (var n = 0; n < merges; n++)
        {
            var counts = new Dictionary<(string, string), int>();
            foreach (var word in spelled)
            {
                for (var i = 0; i + 1 < word.Count; i++) counts[(word[i], word[i + 1])] = counts.GetValueOrDefault((word[i], word[i + 1])) + 1;
            }

            var best = counts.OrderByDescending(pair => pair.Value).ThenBy(pair => order[pair.Key.Item1]).ThenBy(pair => order[pair.Key.Item2]).First();
            if (best.Value < 2) break;
            learned.Add(best.Key);
            order.TryAdd(best.Key.Item1 + best.Key.Item2, order.Count);
            foreach (var word in spelled)
            {
                for (var i = 0; i + 1 < word.Count; i++)
                {
                    if ((word[i], word[i + 1]) != best.Key) continue;
                    word[i] += word[i + 1];
                    word.RemoveAt(i + 1);
                }
            }
        }

        return learned;
    }

    internal sealed class TemporaryFolder : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("obverse-");

        public string Path(string name) => System.IO.Path.Combine(folder.FullName, name);

        public string Write(string name, string text, bool gzip = false)
        {
            using Stream file = gzip ? new GZipStream(File.Create(Path(name)), CompressionLevel.Fastest) : File.Create(Path(name));
            file.Write(Encoding.UTF8.GetBytes(text));
            return Path(name);
        }

        public void Dispose() => folder.Delete(recursive: true);
    }
}
