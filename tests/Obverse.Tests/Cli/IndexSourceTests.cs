using System.IO.Compression;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class IndexSourceTests
{
    [Fact]
    public void A_file_of_captions_gives_a_row_a_caption_and_embeds_a_picture_once()
    {
        using var program = new Program();
        Directory.CreateDirectory(program["a/pictures"]);
        for (var i = 0; i < 3; i++) Noise(i).Save(program[$"a/pictures/{i}.png"]);
        File.WriteAllText(program["a/captions.jsonl"], """
            {"file": "pictures/0.png", "captions": ["a tabby cat", "a red cat"]}
            {"file": "pictures/1.png", "captions": ["a red fox"], "id": 7}

            {"file": "pictures/0.png", "captions": ["a red cat", "the red cat"]}
            {"file": "pictures/9.png", "captions": ["a photo of a dog"]}
            """);
        string[] build = ["index", "build", program["a/captions.jsonl"], "-o", program["folder/index"], "--model", program.Model, "--threads", "1", "--json"];
        var built = program.Run(build);
        Assert.Equal(0, built.Code);
        Assert.Contains("9.png", built.Error, StringComparison.Ordinal);
        int Result(string what) => built.Lines[^1].GetProperty(what).GetInt32();
        Assert.Equal((2, 4, 4, 2, 1, 1), (Result("pictures"), Result("rows"), Result("added"), Result("embedded"), Result("known"), Result("unreadable")));
        using var index = RetrievalIndex.Open(program["folder/index"]);
        Assert.Equal(["a tabby cat", "a red cat", "a red fox", "the red cat"], index.Captions);
        Assert.Equal([0, 0, 1, 0], index.Pictures.Select(picture => int.Parse(Path.GetFileNameWithoutExtension(picture.Path))));
        Assert.All(index.Pictures, picture => Assert.Equal(StoredFile.Hash(picture.Path), picture.Sha256));

        // Every row is what the encoder says of its own caption and picture.
        using var encoder = ClipEncoder.Load(program.Model);
        using var scope = new TensorScope();
        Assert.True((index.Texts - encoder.Embed([.. index.Captions])).Abs().Max().Item() < 1e-5);
        Assert.Equal(index.Images[0].ToFloats(), index.Images[3].ToFloats());
        Assert.NotEqual(index.Images[0].ToFloats(), index.Images[2].ToFloats());

        Assert.Equal(0, program.Run(build).Lines[^1].GetProperty("embedded").GetInt32());
    }

    [Theory]
    [InlineData("{\"file\": \"a.png\"}")]
    [InlineData("{\"file\": \"a.png\", \"captions\": []}")]
    [InlineData("{\"file\": \"a.png\", \"captions\": [\" \"]}")]
    [InlineData("{\"file\": \"\", \"captions\": [\"a cat\"]}")]
    [InlineData("{\"file\": \"a.png\", \"captions\": \"a cat\"}")]
    [InlineData("no JSON")]
    [InlineData("null")]
    public void A_line_that_is_none_is_named_by_its_number(string line)
    {
        using var program = new Program();
        Noise(0).Save(program["a.png"]);
        File.WriteAllText(program["c.jsonl"], $"{{\"file\": \"a.png\", \"captions\": [\"a cat\"]}}\n{line}\n");
        var built = program.Run("index", "build", program["c.jsonl"], "-o", program["i.safetensors"], "--model", program.Model);
        Assert.Equal(1, built.Code);
        Assert.Contains("c.jsonl, line 2: ", built.Line, StringComparison.Ordinal);
        Assert.False(File.Exists(program["i.safetensors"]));
    }

    [Fact]
    public void One_unreadable_picture_among_a_thousand_is_named_and_counted()
    {
        using var program = new Program();
        Directory.CreateDirectory(program["many"]);
        var random = new Random(1);
        for (var i = 0; i < 1000; i++)
        {
            var rgb = new byte[4 * 4 * 3];
            random.NextBytes(rgb);
            File.WriteAllBytes(program[$"many/{i:0000}.png"], i == 617 ? new Picture(4, 4, rgb).EncodePng()[..40] : new Picture(4, 4, rgb).EncodePng());
        }

        var built = program.Run("index", "build", program["many"], "-o", program["i.safetensors"], "--model", program.Model, "--threads", "1", "--json");
        Assert.Equal(0, built.Code);
        Assert.Single(built.Error.Split('\n'), line => line.Contains("0617.png", StringComparison.Ordinal));
        Assert.Equal((999, 1), (built.Lines[^1].GetProperty("pictures").GetInt32(), built.Lines[^1].GetProperty("unreadable").GetInt32()));
        using var index = RetrievalIndex.Open(program["i.safetensors"]);
        Assert.Equal(999, index.Count);
        Assert.DoesNotContain(index.Pictures, picture => picture.Path.EndsWith("0617.png", StringComparison.Ordinal));
    }

    [Fact]
    public void A_picture_set_gives_an_even_sample_by_seed_and_nothing_held_out()
    {
        using var program = new Program();
        WriteSet(program["set"]);
        string[] Captions(int count, int seed, params string[] more)
        {
            File.Delete(program["i.safetensors"]);
            var built = program.Run(["index", "build", program["set"], "--count", $"{count}", "--seed", $"{seed}", "--thumbnails", "8", "-o", program["i.safetensors"], "--model", program.Model, "--threads", "1", .. more]);
            Assert.True(built.Code == 0, built.Error);
            using var index = RetrievalIndex.Open(program["i.safetensors"]);
            Assert.All(index.Pictures, picture => Assert.Equal(("", 64), (picture.Path, picture.Sha256.Length)));
            Assert.Equal(8, index.Thumbnails!.Picture(0)!.Width);
            return [.. index.Captions];
        }

        var twelve = Captions(12, 0);
        Assert.Equal(new Dictionary<string, int> { ["a photo of an African elephant"] = 3, ["a photo of a goldfish"] = 3, ["a drawing of a tiger"] = 3, ["a drawing of an apple"] = 3 }, twelve.CountBy(caption => caption).ToDictionary());
        Assert.Equal(twelve, Captions(12, 0));
        Assert.NotEqual(twelve, Captions(12, 1));
        // Of four goldfish and twenty elephants all goldfish, and the rest.
        Assert.Equal(4, Captions(26, 0).Count(caption => caption == "a photo of a goldfish"));

        Assert.All(Captions(9, 0, "--photos"), caption => Assert.StartsWith("a photo of", caption, StringComparison.Ordinal));

        var more = program.Run("index", "build", program["set"], "--count", "99", "-o", program["j.safetensors"], "--model", program.Model);
        Assert.Equal((2, "obverse: 99 pictures were asked for; the set has 36 that may be taken"), (more.Code, more.Line));
        var nowhere = program.Run("index", "build", "pocket", "-o", program["j.safetensors"], "--model", program.Model);
        Assert.Equal(2, nowhere.Code);
        Assert.Contains("obverse data pocket", nowhere.Line, StringComparison.Ordinal);
        Assert.Equal(2, program.Run("index", "build", program["set/pocket.jsonl"], "--count", "9", "-o", program["j.safetensors"], "--model", program.Model).Code);
    }

    internal static Picture Noise(int seed)
    {
        using var scope = new TensorScope();
        using var random = new Generator((ulong)seed);
        return random.Uniform(0, 1, 1, 3, 3, 3).Resize(20, 24, Interpolation.Bicubic).ToPicture();
    }

    // 20 elephants, 4 goldfish; 6 tigers and 6 apples that may be taken, and a held-out style that may not.
    private static void WriteSet(string folder)
    {
        using var writer = new PictureSetWriter(folder);
        void Add(string style, string name, PictureFormat format, int number, string split = PictureSet.Train)
        {
            var picture = Noise(number).Resize(16, 16);
            using var packed = new MemoryStream();
            if (format == PictureFormat.Jpeg) packed.Write(picture.EncodeJpeg());
            else
            {
                using var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true);
                for (var i = 0; i < 256; i++) zlib.Write([.. picture.Rgb.Slice(3 * i, 3), (byte)(i < 128 ? 255 : 0)]);
            }

            var label = name.Replace(' ', '-');
            writer.Add(new PictureEntry { Style = style, Concept = label, Name = name, Names = [name], Label = label, Split = split, Source = $"{label}-{number}", Format = format, Width = 16, Height = 16 }, packed.ToArray());
        }

        var number = 0;
        foreach (var style in new[] { "noto", "fluent-emoji", "fxemoji" })
        {
            foreach (var name in new[] { "tiger", "apple" }) for (var i = 0; i < 2; i++) Add(style, name, PictureFormat.RgbaDeflate, number++);
        }

        for (var i = 0; i < 5; i++) Add("twemoji", "zebra", PictureFormat.RgbaDeflate, number++, PictureSet.HeldOut);
        for (var i = 0; i < 20; i++) Add("tiny-imagenet-train", "African elephant", PictureFormat.Jpeg, number++);
        for (var i = 0; i < 4; i++) Add("tiny-imagenet-train", "goldfish", PictureFormat.Jpeg, number++);
        writer.Commit();
    }
}
