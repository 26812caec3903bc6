using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Torch;
using Parquet.Serialization;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse eval` over odd sets, in shards, killed, and over whole benchmarks of synthetic pictures.</summary>
[Collection("command line")]
public class EvalSetTests
{
    private static readonly string[] texts = ["a tabby cat", "a red fox", "a photo of a dog"];

    private static byte[] Noise(int seed, int side = 24)
    {
        var rgb = new byte[side * side * 3];
        new Random(seed).NextBytes(rgb);
        return new Picture(side, side, rgb).EncodePng();
    }

    private static void Put(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private static void Fill(Program program, string folder, int n, int seed = 0)
    {
        for (var i = 0; i < n; i++) Put(program[$"{folder}/{i:000}.png"], Noise(seed + i));
    }

    private static string[] Over(Program program, params string[] args) => [.. args, "--network", program.Model, "--threads", "1", .. args.Contains("--cache") ? (string[])[] : ["--cache", program["cache"]]];

    private static JsonElement[] Results(Answer answer) => [.. answer.Lines.Where(line => line.GetProperty("event").GetString() == "result")];

    private static Dictionary<string, double> Values(Answer answer) => answer.Code <= 1 ? Results(answer).ToDictionary(line => line.GetProperty("metric").GetString()!, line => line.GetProperty("value").GetDouble()) : throw new InvalidDataException(answer.Error);

    private static void WriteTable(Program program, string name, object[] measures, params string[] methods) =>
        File.WriteAllText(program[name], JsonSerializer.Serialize(new { methods = methods.Select(method => new { name = method, pictures = method }), measures }, new JsonSerializerOptions { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull }));

    private static string[] Table(Program program, string spec, string output, params string[] more) => ["eval", "table", "--spec", program[spec], "-o", program[output], "--threads", "1", "--halves", "4", .. more.Contains("--cache") ? more : [.. more, "--cache", program["cache"]]];

    private sealed record Row(string? file, string[]? captions);

    private sealed record OneCaption(string? file_name, string? caption);

    [Fact]
    public async Task Captions_in_Parquet_are_those_of_captions_jsonl()
    {
        using var program = new Program();
        Fill(program, "set", 6);
        File.WriteAllLines(program["captions.jsonl"], Enumerable.Range(0, 6).Select(i => $$"""{"file": "set/{{i:000}}.png", "captions": ["{{texts[i % 3]}}", "the red cat"]}"""));
        await ParquetSerializer.SerializeAsync(Enumerable.Range(0, 6).Select(i => new Row($"set/{i:000}.png", [texts[i % 3], "the red cat"])).ToArray(), program["lists.parquet"]);
        await ParquetSerializer.SerializeAsync(Enumerable.Range(0, 12).Select(i => new OneCaption($"set/{i / 2:000}.png", i % 2 == 0 ? texts[i / 2 % 3] : "the red cat")).ToArray(), program["lines.parquet"]);
        foreach (var metric in (string[])["clipsim", "retrieval"])
        {
            var wanted = Values(program.Run(Over(program, "eval", metric, program["captions.jsonl"], "--json")));
            foreach (var file in (string[])["lists.parquet", "lines.parquet"]) Assert.Equal(wanted, Values(program.Run(Over(program, "eval", metric, program[file], "--json"))));
        }

        await ParquetSerializer.SerializeAsync(new[] { new Row("set/000.png", null) }, program["bare.parquet"]);
        Assert.Contains("1 of 1 pictures have no caption", program.Run(Over(program, "eval", "clipsim", program["bare.parquet"])).Line);
        await ParquetSerializer.SerializeAsync(new[] { new Row(null, ["a red fox"]) }, program["nameless.parquet"]);
        Assert.Contains("a row names no file", program.Run(Over(program, "eval", "clipsim", program["nameless.parquet"])).Line);
        await ParquetSerializer.SerializeAsync(new[] { new { a = 1, b = "x" } }.Select(one => new Pair { a = one.a, b = one.b }).ToArray(), program["other.parquet"]);
        Assert.Contains("has the columns a, b; one of text called file,", program.Run(Over(program, "eval", "clipsim", program["other.parquet"])).Line);
        File.WriteAllText(program["text.parquet"], "no parquet at all");
        Assert.Contains("text.parquet: is no Parquet file", program.Run(Over(program, "eval", "clipsim", program["text.parquet"])).Line);
        var whole = File.ReadAllBytes(program["lists.parquet"]);
        for (var i = 8; i < whole.Length - 8; i += 5) whole[i] ^= 0x55;
        File.WriteAllBytes(program["damaged.parquet"], whole);
        Assert.Contains("damaged.parquet: ", program.Run(Over(program, "eval", "clipsim", program["damaged.parquet"])).Line);
    }

    private sealed class Pair
    {
        public int a { get; set; }
        public string? b { get; set; }
    }

    [Fact]
    public void Bad_input_is_one_line_and_one_unreadable_picture_among_many_is_named_and_counted()
    {
        using var program = new Program();
        Fill(program, "many", 60);
        Fill(program, "real", 20, seed: 500);
        var whole = Values(program.Run(Over(program, "eval", "fid", program["many"], program["real"], "--halves", "0", "--json")));
        File.WriteAllBytes(program["many/broken.png"], Noise(1)[..200]);
        var answer = program.Run(Over(program, "eval", "fid", program["many"], program["real"], "--halves", "0", "--json"));
        Assert.Equal(1, answer.Code);
        Assert.Contains("broken.png", answer.Error);
        Assert.Contains("1 picture of 81 cannot be read and is left out", answer.Error);
        Assert.Equal(whole, Values(answer));
        ZipFile.CreateFromDirectory(program["many"], program["many.zip"]);
        Assert.Equal(whole, Values(program.Run(Over(program, "eval", "fid", program["many.zip"], program["real"], "--halves", "0", "--json"))));
        WriteTable(program, "table.json", [new { metric = "fid", network = program.Model, reference = "real" }], "many");
        var table = program.Run(Table(program, "table.json", "out"));
        Assert.Contains("broken.png", table.Error);
        Assert.Equal("1", File.ReadAllLines(program["out/table.csv"])[1].Split(',')[7]); // unreadable

        Put(program["bad/a.png"], [1, 2, 3]);
        Assert.Contains("none of its 1 pictures can be read", program.Run(Over(program, "eval", "vendi", program["bad"])).Error);
        Directory.CreateDirectory(program["empty"]);
        foreach (var command in (string[][])[["fid", program["empty"], program["real"]], ["fid", program["real"], program["empty"]], ["vendi", program["empty"]], ["psnr", program["empty"], program["real"]], ["retrieval", program["empty"]], ["features", program["empty"]]])
            Assert.Contains("empty: holds no picture", program.Run(command[0] == "psnr" ? ["eval", .. command] : Over(program, ["eval", .. command])).Line);
        WriteTable(program, "none.json", [new { metric = "fid", network = program.Model, reference = "real" }], "empty");
        Assert.Contains("empty: holds no picture", program.Run(Table(program, "none.json", "none")).Line);

        // Captions whose picture is not there; captions of no picture at all.
        File.WriteAllLines(program["captions.jsonl"], ["""{"file": "real/000.png", "captions": ["a red fox"]}""", """{"file": "real/gone.png", "captions": ["a red fox"]}"""]);
        var gone = program.Run(Over(program, "eval", "clipsim", program["captions.jsonl"], "--json"));
        Assert.Contains("gone.png: not found", gone.Error);
        Assert.Equal((1, 1), (gone.Code, Results(gone)[0].GetProperty("pictures").GetInt32()));
        File.WriteAllText(program["blank.jsonl"], "\n");
        Assert.Contains("blank.jsonl: holds no picture", program.Run(Over(program, "eval", "clipsim", program["blank.jsonl"])).Line);
    }

    [Fact]
    public void A_grey_picture_is_its_colours_and_a_transparent_one_lies_on_white()
    {
        using var program = new Program();
        const int side = 20;
        var random = new Random(4);
        byte[] grey = new byte[side * side], alpha = new byte[side * side];
        random.NextBytes(grey);
        random.NextBytes(alpha);
        byte[] Colours(Func<int, int> of) => [.. Enumerable.Range(0, side * side * 3).Select(i => (byte)of(i / 3))];
        Put(program["grey/a.png"], Png(side, 0, grey));
        Put(program["grey/b.png"], Png(side, 4, [.. Enumerable.Range(0, side * side * 2).Select(i => i % 2 == 0 ? grey[i / 2] : alpha[i / 2])])); // grey and alpha
        Put(program["colours/a.png"], new Picture(side, side, Colours(i => grey[i])).EncodePng());
        Put(program["colours/b.png"], new Picture(side, side, Colours(i => (grey[i] * alpha[i] + 255 * (255 - alpha[i]) + 127) / 255)).EncodePng());
        var pairs = Results(program.Run(Over(program, "eval", "clip-i", program["grey"], program["colours"], "--pairs", "--json")));
        Assert.Equal((2, "CLIP-I (toy)"), (pairs[0].GetProperty("pictures").GetInt32(), pairs[0].GetProperty("metric").GetString()));
        Assert.InRange(pairs[0].GetProperty("value").GetDouble(), 99.99, 100.0001);
        Assert.InRange(Values(program.Run(Over(program, "eval", "fid", program["grey"], program["colours"], "--halves", "0", "--json")))["FID (toy)"], 0, 1e-4);
        var last = program.Run("eval", "psnr", program["grey"], program["colours"], "--json").Lines.Last(line => line.GetProperty("event").GetString() == "pair").GetProperty("value");
        Assert.InRange(last.ValueKind == JsonValueKind.Number ? last.GetDouble() : double.PositiveInfinity, 48, double.PositiveInfinity); // a level off at most
    }

    [Fact]
    public void Features_in_shards_are_taken_up_and_the_figures_are_the_same()
    {
        using var program = new Program();
        Fill(program, "a", 21);
        Fill(program, "b", 19, seed: 300);
        string[] measure = ["eval", "fid", program["a"], program["b"], "--halves", "3", "--json"];
        var direct = Values(program.Run(Over(program, measure)));
        var counts = new[] { "1/3", "2/3", "3/3" }.Select(shard => Results(program.Run(Over(program, "eval", "features", program["a"], program["b"], "--shard", shard, "--cache", program["shards"], "--json")))[0].GetProperty("pictures").GetInt32());
        Assert.Equal([7 + 7, 7 + 6, 7 + 6], counts);
        Assert.Equal(3, Directory.EnumerateFiles(program["shards"], "*-of-3.features").Count());
        Assert.Equal(direct, Values(program.Run(Over(program, [.. measure, "--cache", program["shards"]]))));

        // They are taken up, not computed again: a row that a shard's file holds is what the whole store says.
        using var scope = new TensorScope();
        byte[] hash = [1, 2, 3];
        using (var shard = new FeatureStore(program["store"], "key", 2, (2, 3))) shard.Add([hash], Tensor.From([4f, 5f], 1, 2));
        using var whole = new FeatureStore(program["store"], "key", 2);
        Assert.True(whole.Has(hash));
        Assert.Equal([4f, 5f], whole.Rows([hash]).All().ToFloats());
        using var other = new FeatureStore(program["store"], "another key", 2);
        Assert.False(other.Has(hash));
    }

    [Fact]
    public void A_table_in_shards_killed_twice_ends_in_the_digits_of_one_that_was_not()
    {
        using var program = new Program();
        Fill(program, "one", 48);
        Fill(program, "two", 48, seed: 200);
        Fill(program, "real", 40, seed: 900);
        WriteTable(program, "table.json", [.. ((string[])["fid", "kid", "cmmd", "precision", "psnr"]).Select(metric => new { metric, network = metric == "psnr" ? null : program.Model, reference = "real" })], "one", "two");
        Assert.Equal(0, program.Run(Table(program, "table.json", "whole", "--cache", "none")).Code);
        var wanted = File.ReadAllText(program["whole/table.csv"]);

        string[] ask = Table(program, "table.json", "killed", "--cache", program["fresh"]);
        foreach (var (what, least) in ((string, int)[])[("fresh", 1), ("killed/cells", 2)])
        {
            using var run = Process.Start(new ProcessStartInfo("dotnet", [typeof(Obverse.Cli.CommandLine).Assembly.Location, .. ask]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            bool Begun() => Directory.Exists(program[what]) && Directory.EnumerateFiles(program[what]).Count(file => !file.EndsWith(".tmp", StringComparison.Ordinal)) >= least;
            for (var watch = Stopwatch.StartNew(); !Begun() && !run.HasExited && watch.Elapsed < TimeSpan.FromSeconds(180);) Thread.Sleep(5);
            run.Kill();
            run.WaitForExit();
            Assert.True(Begun(), run.StandardError.ReadToEnd());
            Assert.False(File.Exists(program["killed/table.csv"]));
        }

        var rest = program.Run(ask);
        Assert.True(rest.Code == 0, rest.Error);
        Assert.Equal(wanted, File.ReadAllText(program["killed/table.csv"]));

        var first = program.Run(Table(program, "table.json", "shared", "--shard", "1/2"));
        Assert.Contains("5 numbers of other shards are not there yet", first.Output);
        Assert.False(File.Exists(program["shared/table.csv"]));
        Assert.Equal(0, program.Run(Table(program, "table.json", "shared", "--shard", "2/2", "--cache", "none")).Code);
        Assert.Equal(wanted, File.ReadAllText(program["shared/table.csv"]));
    }

    [Fact]
    public void A_table_draws_its_methods_and_shards_share_the_drawing()
    {
        using var program = new Program();
        File.WriteAllLines(program["captions.txt"], texts);
        Fill(program, "real", 8, seed: 900);
        object[] measures = [new { metric = "clipsim", network = program.Model }, new { metric = "cmmd", network = program.Model, reference = "real" }];
        File.WriteAllText(program["table.json"], JsonSerializer.Serialize(new
        {
            methods = new[] { new { name = "plain INR", variant = "plain" }, new { name = "pyramid", variant = "pyramid" } }, measures,
            draw = new { captions = "captions.txt", size = 32, quality = "draft", steps = 1, model = program.Model },
        }));
        string[] Ask(string output, params string[] more) => [.. Table(program, "table.json", output, more), "--workers", "1"];
        Assert.Contains("pictures of other shards are not drawn yet", program.Run(Ask("out", "--shard", "1/2")).Output);
        Assert.Contains("numbers of other shards are not there yet", program.Run(Ask("out", "--shard", "2/2")).Output);
        var last = program.Run(Ask("out", "--shard", "1/2"));
        Assert.True(last.Code == 0, last.Error);
        Assert.Contains("| plain INR |", last.Output);
        Assert.Contains("N 3", last.Output); // paired over the captions
        Assert.Equal(0, program.Run(Ask("alone")).Code);
        Assert.Equal(File.ReadAllText(program["alone/table.csv"]), File.ReadAllText(program["out/table.csv"]));
        Assert.Contains("N 2", program.Run(Ask("two", "--n", "2")).Output);
        File.WriteAllText(program["data.json"], JsonSerializer.Serialize(new { images = texts.Select((text, i) => new { file = $"{i}.jpg", captions = new[] { text, "the red cat" } }) }));
        Assert.Contains("N 3", program.Run(Ask("data", "--captions", program["data.json"])).Output);
        Assert.Contains("no such set of real pictures", program.Run(Ask("nowhere", "--reference", program["nowhere.zip"])).Line);
        Assert.False(Directory.Exists(program["nowhere/pictures"]));
        File.WriteAllText(program["bad.json"], JsonSerializer.Serialize(new { methods = new[] { new { name = "x", variant = "nothing" } }, measures, draw = new { captions = "captions.txt" } }));
        Assert.Contains("no variant 'nothing'", program.Run(Table(program, "bad.json", "bad")).Line);
        File.WriteAllText(program["undrawn.json"], JsonSerializer.Serialize(new { methods = new[] { new { name = "x", variant = "plain" } }, measures }));
        Assert.Contains("method 'x' is drawn: \"draw\"", program.Run(Table(program, "undrawn.json", "bad")).Line);
    }

    [Fact]
    public void Pairs_stand_in_a_table_beside_distances_of_sets()
    {
        using var program = new Program();
        Fill(program, "real", 9, seed: 40);
        for (var i = 0; i < 9; i++)
        {
            var picture = Picture.Load(program[$"real/{i:000}.png"]);
            foreach (var (method, off) in ((string, int)[])[("near", 1), ("far", 9)]) Put(program[$"{method}/{i:000}.png"], new Picture(24, 24, [.. picture.Rgb.ToArray().Select(value => (byte)Math.Clamp(value + (i % 2 == 0 ? off : -off), 0, 255))]).EncodePng());
        }

        WriteTable(program, "table.json", [new { metric = "psnr", reference = "real" }, new { metric = "ssim", reference = "real" }, new { metric = "clip-i", network = program.Model, reference = "real", pairs = true }, new { metric = "fid", network = program.Model, reference = "real" }], "far", "near");
        var answer = program.Run(Table(program, "table.json", "out"));
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("| method | PSNR ↑ | SSIM ↑ | CLIP-I (toy), of pairs ↑ | FID (toy) ↓ | N |", answer.Output);
        Assert.Contains("| method | PSNR | SSIM | CLIP-I (toy), of pairs |", answer.Output); // paired differences
        Dictionary<string, string[]> rows = File.ReadAllLines(program["out/table.csv"]).Skip(1).Select(line => line.Replace("\"CLIP-I (toy), of pairs\"", "CLIP-I", StringComparison.Ordinal).Split(',')).ToDictionary(row => $"{row[0]} {row[1]}");
        double Of(string row, int column = 2) => double.Parse(rows[row][column], System.Globalization.CultureInfo.InvariantCulture);
        var direct = Values(program.Run("eval", "psnr", program["near"], program["real"], "--json"))["PSNR"];
        Assert.Equal(direct, Of("near PSNR"));
        Assert.InRange(Of("near PSNR"), 47, 50); // a level
        Assert.Equal(Of("near PSNR") - Of("far PSNR"), Of("near PSNR", 8), 1e-9);
        Assert.True(Of("near SSIM") > Of("far SSIM"));
        Assert.True(Of("near CLIP-I") > Of("far CLIP-I"));
        WriteTable(program, "lpips.json", [new { metric = "lpips", reference = "real" }], "near");
        Assert.Contains("lpips wants its weights", program.Run(Table(program, "lpips.json", "bad")).Line);
        WriteTable(program, "pairs.json", [new { metric = "fid", reference = "real", pairs = true }], "near");
        Assert.Contains("\"pairs\" is for clip-i and dino", program.Run(Table(program, "pairs.json", "bad")).Line);
    }

    [Fact]
    public void COCOs_parts_of_a_thousand_are_tests_of_their_own()
    {
        using var program = new Program();
        byte[][] pictures = [.. Enumerable.Range(0, 40).Select(i => Noise(i, 8))];
        for (var i = 0; i < 2000; i++) Put(program[$"val/{i:0000}.png"], pictures[i % 40]);
        void Write(string name, int from, int to) => File.WriteAllText(program[name], JsonSerializer.Serialize(new { images = Enumerable.Range(from, to - from).Select(i => new { id = i, file_name = $"{i:0000}.png" }), annotations = Enumerable.Range(2 * from, 2 * (to - from)).Select(i => new { image_id = i / 2, caption = $"{texts[i / 2 % 3]} {i / 2 % 40}" }) }));
        Dictionary<string, double> Of(string captions) => Values(program.Run(Over(program, "eval", "coco", "--captions", program[captions], "--images", program["val"], "--captions-per-picture", "1", "--halves", "0", "--json")));
        Write("all.json", 0, 2000);
        Write("first.json", 0, 1000);
        Write("second.json", 1000, 2000);
        var (all, first, second) = (Of("all.json"), Of("first.json"), Of("second.json"));
        Assert.Equal((12, 6, 6), (all.Count, first.Count, second.Count)); // the whole, and its two parts of 1,000
        foreach (var (name, value) in first)
        {
            Assert.Equal((value + second[name]) / 2, all[$"{name}, 2 parts of 1,000"], 1e-12);
            Assert.InRange(all[name], 0, all[$"{name}, 2 parts of 1,000"]); // fewer candidates, more hits
        }

        Assert.True(all["IR@10 (toy), 2 parts of 1,000"] > all["IR@10 (toy)"]);
    }

    [Fact]
    public void Lists_of_captions_and_a_zip_of_both_are_read_as_COCOs_own()
    {
        using var program = new Program();
        Fill(program, "data/train2017", 6);
        object Lists(string name) => new { images = Enumerable.Range(0, 6).Select(i => new { file = $"{name}{i:000}.png", captions = texts.Select(text => $"{text} {i}") }) };
        File.WriteAllText(program["data/captions.json"], JsonSerializer.Serialize(Lists("train2017/")));
        File.WriteAllText(program["coco.json"], JsonSerializer.Serialize(new { images = Enumerable.Range(0, 6).Select(i => new { id = i, file_name = $"{i:000}.png" }), annotations = Enumerable.Range(0, 18).Select(i => new { image_id = i / 3, caption = $"{texts[i % 3]} {i / 3}" }) }));
        ZipFile.CreateFromDirectory(program["data"], program["data.zip"]);
        Dictionary<string, double> Of(string captions, string images) => Values(program.Run(Over(program, "eval", "coco", "--captions", program[captions], "--images", program[images], "--halves", "0", "--json")));
        var own = Of("coco.json", "data/train2017");
        Assert.Equal(6, own.Count);
        Assert.Equal(own, Of("data/captions.json", "data"));
        Assert.Equal(own, Of("data.zip", "data.zip"));
        ZipFile.CreateFromDirectory(program["data/train2017"], program["pictures.zip"]);
        Assert.Contains("holds 0 .json files", program.Run(Over(program, "eval", "coco", "--captions", program["pictures.zip"], "--images", program["data"])).Line);
    }

    [Fact]
    public void DreamBooths_thirty_subjects_by_twenty_five_prompts_by_four()
    {
        using var program = new Program();
        string Prompts(string what) => string.Join(",\n", Enumerable.Range(0, 25).Select(i => $"'a {{0}} {{1}} {what} {i}'.format(unique_token, class_token)"));
        string[] subjects = [.. Enumerable.Range(0, 30).Select(i => $"subject{i:00}")];
        Directory.CreateDirectory(program["subjects"]);
        File.WriteAllText(program["subjects/prompts_and_classes.txt"], $"Classes\n\nsubject_name,class\n{string.Join('\n', subjects.Select((subject, i) => $"{subject},{(i < 21 ? "toy" : i < 23 ? "cat" : "dog")}"))}\n\nPrompts\n\nObject Prompts\n\nprompt_list = [\n{Prompts("on")}\n]\n\nLive Subject Prompts\n\nprompt_list = [\n{Prompts("with")}\n]\n");
        for (var s = 0; s < 30; s++)
        {
            var picture = Noise(s, 8);
            Put(program[$"subjects/{subjects[s]}/00.png"], picture);
            for (var p = 0; p < 25; p++) for (var k = 0; k < 4; k++) Put(program[$"drawn/{subjects[s]}/{p:00}-{k}.png"], picture);
        }

        string[] ask = Over(program, "eval", "dreambooth", "--subjects", program["subjects"], "--drawn", program["drawn"], "--halves", "0", "--json");
        var answer = program.Run(ask);
        Assert.Equal(3000, Results(answer)[0].GetProperty("pictures").GetInt32());
        Assert.DoesNotContain("the benchmark has", answer.Error);
        Assert.Equal(100, Values(answer)["CLIP-I (toy)"], 1e-3); // drawn as the photographs are

        // CLIP-T is CLIPSIM of the prompts without the token; the last nine subjects are alive.
        File.WriteAllLines(program["drawn/captions.jsonl"], subjects.SelectMany((subject, s) => Enumerable.Range(0, 100).Select(i => $$"""{"file": "{{subject}}/{{i / 4:00}}-{{i % 4}}.png", "captions": ["a {{(s < 21 ? "toy on" : s < 23 ? "cat with" : "dog with")}} {{i / 4}}"]}""")));
        Assert.Equal(Values(program.Run(Over(program, "eval", "clipsim", program["drawn/captions.jsonl"], "--halves", "0", "--json")))["CLIPSIM (toy)"], Values(answer)["CLIP-T (toy)"], 1e-9);

        // One subject of thirty drawn as another: a thirtieth of what it loses.
        for (var p = 0; p < 25; p++) for (var k = 0; k < 4; k++) Put(program[$"drawn/{subjects[3]}/{p:00}-{k}.png"], Noise(77, 8));
        var alone = Values(program.Run(Over(program, "eval", "clip-i", program[$"drawn/{subjects[3]}"], program[$"subjects/{subjects[3]}"], "--halves", "0", "--json")))["CLIP-I (toy)"];
        Assert.InRange(alone, -100, 99.9);
        Assert.Equal((29 * 100 + alone) / 30, Values(program.Run(ask))["CLIP-I (toy)"], 1e-3);
    }

    // 0: grey; 4: grey and alpha.
    private static byte[] Png(int side, byte colour, byte[] values)
    {
        var row = values.Length / side;
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) for (var y = 0; y < side; y++) zlib.Write([0, .. values[(y * row)..((y + 1) * row)]]);
        using var file = new MemoryStream();
        file.Write(Imaging.Png.Signature);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, side);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), side);
        (header[8], header[9]) = (8, colour);
        Imaging.Png.WriteChunk(file, "IHDR"u8, header);
        Imaging.Png.WriteChunk(file, "IDAT"u8, packed.ToArray());
        Imaging.Png.WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }
}
