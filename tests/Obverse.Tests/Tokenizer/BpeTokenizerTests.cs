using System.Text;
using System.Text.Json;
using Obverse.Jobs;
using Obverse.Models;
using Xunit;
using TemporaryFolder = Obverse.Tests.Tokenizer.BpeTrainerTests.TemporaryFolder;

namespace Obverse.Tests.Tokenizer;

public class BpeTokenizerTests
{
    private static readonly BpeTokenizer Small = BpeTrainer.Train(["a photo of a cat", "a photo of a dog", "the cat's hat and the dog's ball"], 20);

    public static TheoryData<TokenizerFlavour> Flavours => [TokenizerFlavour.OpenAi, TokenizerFlavour.OpenClip, TokenizerFlavour.HuggingFace];

    [Theory]
    [MemberData(nameof(Flavours))]
    public void Any_text_encodes_and_decodes(TokenizerFlavour flavour)
    {
        var random = new Random(11);
        var tokenizer = Small.As(flavour);
        int[][] blocks = [[0, 0x80], [0x80, 0x250], [0x300, 0x370], [0x370, 0x530], [0x590, 0x700], [0x1100, 0x1200], [0x2000, 0x2400], [0xac00, 0xad00], [0xd800, 0xe000], [0xf900, 0x10000], [0x1d400, 0x1d500], [0x1f300, 0x1fa00]];
        for (var n = 0; n < 3000; n++)
        {
            var text = new StringBuilder();
            for (var length = random.Next(24); length > 0; length--)
            {
                var block = blocks[random.Next(blocks.Length)];
                var point = random.Next(block[0], block[1]);
                if (point > 0xffff) text.Append(new Rune(point).ToString());
                else text.Append((char)point);
            }

            var ids = tokenizer.Encode(text.ToString());
            Assert.All(ids, id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            tokenizer.Decode(ids);
        }
    }

    [Theory]
    [MemberData(nameof(Flavours))]
    public void Plain_words_come_back(TokenizerFlavour flavour)
    {
        var random = new Random(12);
        var tokenizer = Small.As(flavour);
        for (var n = 0; n < 2000; n++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(40)).Select(_ => (char)random.Next(' ', '\u007f'))]).Replace("&", "and").Replace("<", "").Replace(">", "");
            Assert.Equal(string.Join(' ', tokenizer.Words(text)), tokenizer.Decode(tokenizer.Encode(text)).TrimEnd());
        }
    }

    [Fact]
    public void A_row_is_start_text_end_and_padding()
    {
        var body = Small.Encode("a photo of a cat");
        Assert.Equal([Small.StartId, .. body, Small.EndId, 0, 0], Small.EncodeRow("a photo of a cat", body.Length + 4, out var cut));
        Assert.False(cut);

        var other = Small.As(TokenizerFlavour.HuggingFace);
        Assert.Equal([other.StartId, .. body, other.EndId, other.EndId], other.EncodeRow("a photo of a cat", body.Length + 3));

        Assert.Equal([Small.StartId, .. body[..^1], Small.EndId], Small.EncodeRow("a photo of a cat", body.Length + 1, out cut));
        Assert.True(cut);
        Assert.Throws<ArgumentOutOfRangeException>(() => Small.EncodeRow("a", 1));
    }

    [Fact]
    public void Another_padding_id_can_be_asked_for()
    {
        var body = Small.Encode("a cat");
        Assert.Equal([Small.StartId, .. body, Small.EndId, 7], Small.With(paddingId: 7).EncodeRow("a cat", body.Length + 3));
    }

    [Fact]
    public void Threads_share_one_tokenizer()
    {
        var texts = Enumerable.Range(0, 4000).Select(n => $"photo {n % 97} of cat{n % 13}").ToArray();
        var fresh = Small.As(TokenizerFlavour.OpenAi);
        var expected = texts.Select(Small.Encode).ToArray();
        var found = new int[texts.Length][];
        Parallel.For(0, texts.Length, n => found[n] = fresh.Encode(texts[n]));
        Assert.Equal(expected, found);
    }

    [Fact]
    public void Transformers_layout_keeps_its_own_ids()
    {
        using var folder = new TemporaryFolder();
        var symbols = new Dictionary<string, int>();
        for (var id = 0; id < Small.VocabularySize - 2; id++) symbols[Symbol(id)] = Small.VocabularySize - 1 - id;
        symbols["<|startoftext|>"] = 0;
        symbols["<|endoftext|>"] = 1;
        folder.Write("vocab.json", JsonSerializer.Serialize(symbols));
        folder.Write("merges.txt", "#version: 0.2\n" + string.Join('\n', Small.Merges.Select(merge => $"{merge.Left} {merge.Right}")) + "\n");
        var loaded = BpeTokenizer.Load(folder.Path(""));
        Assert.Equal(Small.Encode("the cat's photo").Select(id => Small.VocabularySize - 1 - id), loaded.Encode("the cat's photo"));
        Assert.Equal((0, 1, 1), (loaded.StartId, loaded.EndId, loaded.PaddingId));
        Assert.Equal("the cat 's photo", loaded.Decode(loaded.EncodeRow("The cat's photo", 24)));
    }

    [Theory]
    [InlineData("none.txt", null, "no such file")]
    [InlineData("plain.txt.gz", "header\na b\n", "gzip's 1F8B wanted")]
    [InlineData("empty.txt", "header\n", "no merges found")]
    [InlineData("three.txt", "header\na b\na b c\n", "line 3 is 'a b c'")]
    [InlineData("late.txt", "header\na b\nxy z\n", "merge 2 'xy z' uses 'xy'")]
    public void What_is_wrong_with_a_merge_file_is_said_in_one_line(string name, string? content, string says)
    {
        using var folder = new TemporaryFolder();
        if (content is not null) folder.Write(name, content);
        var wrong = Assert.ThrowsAny<Exception>(() => BpeTokenizer.Load(folder.Path(name)));
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
        Assert.Contains(name, wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong.Message);
    }

    [Fact]
    public void A_vocabulary_that_is_too_small_is_said_so()
    {
        using var folder = new TemporaryFolder();
        folder.Write("vocab.json", """{"a":0,"b":1}""");
        folder.Write("merges.txt", "a b\n");
        var wrong = Assert.Throws<InvalidDataException>(() => BpeTokenizer.Load(folder.Path("")));
        Assert.Contains("vocab.json: 2 symbols found", wrong.Message, StringComparison.Ordinal);
    }

    private static string Symbol(int id)
    {
        if (id >= 512) return Small.Merges[id - 512].Left + Small.Merges[id - 512].Right;
        var printable = Enumerable.Range(33, 94).Concat(Enumerable.Range(161, 12)).Concat(Enumerable.Range(174, 82)).Select(value => (char)value);
        var letters = printable.Concat(Enumerable.Range(256, 68).Select(value => (char)value)).ToArray();
        return letters[id % 256] + (id < 256 ? "" : "</w>");
    }
}
