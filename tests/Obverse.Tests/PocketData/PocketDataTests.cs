using Obverse.Evaluation;
using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests;

/// <summary>A picture set made of one small drawing a style and a zip of two "photographs".</summary>
public sealed class PocketDataTests : IDisposable
{
    // Enough of a JPEG for its size to be read: SOI, an APP0, SOF0 of 24 x 16, EOI.
    static readonly byte[] Jpeg = [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 24, 1, 1, 0x11, 0, 0xFF, 0xD9];

    readonly string folder = Directory.CreateTempSubdirectory("obverse-pocket-").FullName;
    string Parts => Path.Combine(folder, "parts");
    string Out => Path.Combine(folder, "out");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    static byte[] Drawing(int seed, int side = 4)
    {
        var rgba = new byte[side * side * 4];
        new Random(seed).NextBytes(rgba);
        return rgba;
    }

    void DrawParts()
    {
        Directory.CreateDirectory(Parts);
        for (var i = 0; i < EmojiStyle.All.Count; i++)
        {
            var packed = new MemoryStream();
            using (var deflate = new ZLibStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) deflate.Write(Drawing(i));
            var stem = Path.Combine(Parts, $"{EmojiStyle.All[i].Set}.{PocketData.Side}");
            File.WriteAllBytes(stem + ".blobs", packed.ToArray());
            File.WriteAllText(stem + ".jsonl",
                """{"icon":"crab","skipped":"the drawing process ended (SIGABRT)"}""" + "\n" +
                $$"""{"icon":"red-apple","concept":"red-apple","name":"red apple","emoji":"🍎","keywords":["fruit"],"offset":0,"length":{{packed.Length}},"width":4,"height":4}""" + "\n" +
                """{"finished":1}""" + "\n");
        }
    }

    string Zip()
    {
        var path = Path.Combine(folder, "two-classes.zip");
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        void Put(string name, byte[] bytes) { using var stream = zip.CreateEntry(name).Open(); stream.Write(bytes); }
        Put("n02/images/a.JPEG", Jpeg);
        Put("tabby_cat/b.jpg", Jpeg);
        Put("val/tabby_cat/c.jpg", Jpeg);
        Put("classes.json", Encoding.UTF8.GetBytes("""[{"wnid":"n02","names":["goldfish","Carassius auratus"],"folder":"n02"}]"""));
        return path;
    }

    [Fact]
    public void A_packed_set_reads_back()
    {
        DrawParts();
        var counts = PocketData.Pack(Out, Parts, [Zip()]);
        Assert.Equal(9, counts.Pictures);
        Assert.Equal(2, counts.Styles["two-classes"]);

        using var set = PictureSet.Open(Out);
        Assert.Equal(9, set.Count);
        Parallel.For(0, 700, i =>
        {
            var (rgba, width, height) = set.Read(i % 7);
            Assert.Equal((4, 4), (width, height));
            Assert.Equal(Drawing(i % 7), rgba);
        });
        Assert.Equal("red-apple", set.Entries[0].Concept);
        Assert.Equal(["fruit"], set.Entries[0].Keywords);
        Assert.Equal("twemoji", Assert.Single(set.Entries, entry => entry.IsHeldOut).Style);

        var (fish, cat) = (set.Entries[7], set.Entries[8]);
        Assert.Equal(["goldfish", "Carassius auratus"], fish.Names);
        Assert.Equal(("n02", PictureFormat.Jpeg, 24, 16), (fish.Label, fish.Format, fish.Width, fish.Height));
        Assert.Equal(("tabby_cat", "tabby cat", "tabby-cat"), (cat.Label, cat.Name, cat.Concept));
        Assert.Equal(Jpeg, set.Bytes(8));
        Assert.Throws<NotSupportedException>(() => set.Read(8));
        using var decoding = PictureSet.Open(Out, jpeg => (jpeg[..4], 1, 1));
        Assert.Equal(Jpeg[..4], decoding.Read(8).Rgba);
    }

    [Fact]
    public void A_build_killed_while_packing_leaves_the_old_set_and_the_next_one_gives_the_same_bytes()
    {
        DrawParts();
        PocketData.Pack(Out, Parts);
        var whole = File.ReadAllBytes(Path.Combine(Out, "pocket.pics"));

        using var cancel = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => PocketData.Pack(Out, Parts, progress: new Stop(cancel), cancel: cancel.Token));
        Assert.Equal(2, Directory.GetFiles(Out).Length);
        using (var set = PictureSet.Open(Out)) Assert.Equal(7, set.Count);

        File.WriteAllText(Path.Combine(Out, "pocket.pics.partial"), "what kill -9 leaves");
        PocketData.Pack(Out, Parts);
        Assert.Equal(whole, File.ReadAllBytes(Path.Combine(Out, "pocket.pics")));
        Assert.Equal(2, Directory.GetFiles(Out).Length);
    }

    sealed class Stop(CancellationTokenSource cancel) : IProgress<string> { public void Report(string value) => cancel.Cancel(); }

    [Fact]
    public void An_emoji_set_half_drawn_is_not_packed()
    {
        DrawParts();
        var lines = Path.Combine(Parts, $"noto.{PocketData.Side}.jsonl");
        File.WriteAllLines(lines, File.ReadAllLines(lines)[..2]);
        Assert.Contains("not finished", Assert.Throws<InvalidDataException>(() => PocketData.Pack(Out, Parts)).Message);
        Assert.Empty(Directory.GetFiles(Out));
    }

    [Fact]
    public void Files_that_do_not_belong_together_are_refused()
    {
        DrawParts();
        PocketData.Pack(Out, Parts);
        File.AppendAllText(Path.Combine(Out, "pocket.jsonl"), "\n");
        Assert.Contains("not made together", Assert.Throws<InvalidDataException>(() => PictureSet.Open(Out)).Message);
        Assert.Throws<FileNotFoundException>(() => PictureSet.Open(Parts));
        Assert.Throws<FileNotFoundException>(() => PocketData.Build(Out, [Path.Combine(folder, "nowhere.zip")], folder));
    }

    [Fact]
    public void The_two_models_share_no_drawing_and_neither_sees_the_held_out_style()
    {
        DrawParts();
        PocketData.Pack(Out, Parts, [Zip()]);
        using var set = PictureSet.Open(Out);
        var (clip, judge) = (set.SeenBy("pocket-clip").ToHashSet(), set.SeenBy("pocket-judge").ToHashSet());
        Assert.Equal([7, 8], clip.Intersect(judge).Order());
        Assert.Equal(8, clip.Union(judge).Count());
        Assert.DoesNotContain(EmojiStyle.HeldOut, EmojiStyle.SeenBy("pocket-clip").Concat(EmojiStyle.SeenBy("pocket-judge")));
    }

    [Fact]
    public void Captions_are_the_same_for_the_same_seed()
    {
        DrawParts();
        PocketData.Pack(Out, Parts, [Zip()]);
        using var set = PictureSet.Open(Out);
        Caption[] Say(int seed)
        {
            var random = new Random(seed);
            return [.. Enumerable.Range(0, 200).Select(i => Captions.Draw(set.Entries[i % set.Count], random))];
        }
        Assert.Equal(Say(3), Say(3));
        Assert.NotEqual(Say(3), Say(4));
        var one = new Random(1);
        var fluent = Enumerable.Range(0, 2000).Select(_ => Captions.Drawing(set.Entries[1], Backdrop.All.Single(backdrop => backdrop.Name == "blue"), one)).ToHashSet();
        Assert.Contains("a glossy red apple on a blue background", fluent);
        Assert.Contains("a 3D emoji of fruit on a blue background", fluent);
        Assert.All(Say(5), caption => Assert.DoesNotContain("{}", caption.Text));
    }

    [Theory]
    [InlineData("apple", "an apple")]
    [InlineData("unicorn", "a unicorn")]
    [InlineData("grapes", "grapes")]
    [InlineData("octopus", "an octopus")]
    [InlineData("woman lifting weights", "a woman lifting weights")]
    [InlineData("glass of milk", "a glass of milk")]
    [InlineData("busts in silhouette", "busts in silhouette")]
    [InlineData("Mount Fuji", "Mount Fuji")]
    [InlineData("Christmas tree", "a Christmas tree")]
    [InlineData("rice ball", "a rice ball")]
    [InlineData("3D emoji", "a 3D emoji")]
    [InlineData("OK button", "an OK button")]
    [InlineData("sushi", "sushi")]
    [InlineData("camping", "camping")]
    public void Articles(string name, string wanted) => Assert.Equal(wanted, English.WithArticle(name));

    [Fact]
    public void A_backdrop_shows_where_the_drawing_is_clear() =>
        Assert.Equal<byte>([10, 20, 30, 200, 100, 50, 105, 60, 40], new Backdrop("x", 10, 20, 30).Under([200, 100, 50, 0, 200, 100, 50, 255, 200, 100, 50, 128]));

    [SkippableFact]
    public void A_rasterising_run_goes_on_after_its_last_whole_line()
    {
        var script = Path.Combine(Fixtures.RepositoryRoot, "tools", "pocket-data");
        var packages = Environment.GetEnvironmentVariable("OBVERSE_POCKET_PACKAGES");
        Skip.If(packages is null || !Directory.Exists(packages), "OBVERSE_POCKET_PACKAGES names no node_modules folder with the emoji sets");
        var tools = Directory.CreateDirectory(Path.Combine(folder, "tools")).FullName;
        foreach (var file in Directory.GetFiles(script)) File.Copy(file, Path.Combine(tools, Path.GetFileName(file)));
        Directory.CreateSymbolicLink(Path.Combine(tools, "node_modules"), packages!);

        var stem = Path.Combine(Parts, "fxemoji.32");
        Node(tools);
        var whole = Pictures(stem);
        var lines = File.ReadAllLines(stem + ".jsonl");
        File.WriteAllText(stem + ".jsonl", string.Join("\n", lines[..300]) + "\n{\"icon\":\"half a li");
        File.AppendAllText(stem + ".blobs", "half a picture");
        Node(tools);
        Assert.Equal(whole, Pictures(stem));
        Assert.True(whole.Count > 800);

        void Node(string directory)
        {
            using var node = Process.Start(new ProcessStartInfo("node", ["rasterise.mjs", "--set", "fxemoji", "--out", Parts, "--size", "32", "--jobs", "1"]) { WorkingDirectory = directory, RedirectStandardOutput = true })!;
            node.StandardOutput.ReadToEnd();
            node.WaitForExit();
            Assert.Equal(0, node.ExitCode);
        }
        static Dictionary<string, string> Pictures(string stem)
        {
            var blobs = File.ReadAllBytes(stem + ".blobs");
            return File.ReadLines(stem + ".jsonl").Select(line => JsonDocument.Parse(line).RootElement).Where(line => line.TryGetProperty("length", out _))
                .ToDictionary(line => line.GetProperty("icon").GetString()!, line => Convert.ToHexString(blobs.AsSpan((int)line.GetProperty("offset").GetInt64(), line.GetProperty("length").GetInt32())));
        }
    }

    [Fact]
    public void There_are_eighty_templates_and_seven_of_them_are_simple()
    {
        Assert.Equal(80, ImageNetTemplates.All.Distinct().Count());
        Assert.Equal(7, ImageNetTemplates.Simple.Distinct().Count());
        Assert.All(ImageNetTemplates.Simple, template => Assert.Contains(template, ImageNetTemplates.All));
        Assert.All(ImageNetTemplates.All, template => Assert.Equal(2, template.Split("{}").Length));
    }

    [SkippableFact]
    public void The_templates_are_open_clips()
    {
        var lists = JsonSerializer.Deserialize<Dictionary<string, string[]>>(File.ReadAllText(Fixtures.Require("clip/zeroshot/templates.json")))!;
        Assert.Equal(lists["openai_imagenet"], ImageNetTemplates.All);
        Assert.Equal(lists["simple"], ImageNetTemplates.Simple);
    }
}
