using System.IO.Compression;
using System.Text.Json;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse eval` on a tiny random CLIP: what is named, counted, refused, cached and resumed.</summary>
[Collection("command line")]
public class EvalTests
{
    private static void Draw(string path, int seed, int width = 40, int height = 40, bool alpha = false)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var random = new Random(seed);
        var (rgb, opacity) = (new byte[width * height * 3], new byte[width * height]);
        random.NextBytes(rgb);
        random.NextBytes(opacity);
        new Picture(width, height, rgb, alpha ? opacity : null).Save(path);
    }

    private static void Fill(Program program, string folder, int n, int seed = 0)
    {
        for (var i = 0; i < n; i++) Draw(program[$"{folder}/{i:00}.png"], seed + i);
    }

    private static string[] Over(Program program, params string[] args) => [.. args, "--network", program.Model, "--cache", program["cache"], "--threads", "1"];

    // A slow machine reports progress too.
    private static JsonElement[] Results(Answer answer) => [.. answer.Lines.Where(line => line.GetProperty("event").GetString() == "result")];

    private static string Said(Answer answer) => string.Join('\n', Results(answer).Select(line => line.GetRawText()));

    private static double Value(Answer answer, string metric) => Results(answer).Single(line => line.GetProperty("metric").GetString()!.StartsWith(metric, StringComparison.Ordinal)).GetProperty("value").GetDouble();

    [Fact]
    public void A_distance_names_its_network_and_equal_sets_are_at_zero()
    {
        using var program = new Program();
        Fill(program, "a", 20);
        Fill(program, "b", 22, seed: 100);
        var said = program.Run(Over(program, "eval", "fid", program["a"], program["b"]));
        Assert.Equal(0, said.Code);
        Assert.StartsWith("FID (toy)  ", said.Output);
        Assert.Contains("N 20, reference 22", said.Output);
        Assert.Contains("20 and 22 pictures", said.Error); // equal N only
        Assert.Equal(0, Value(program.Run(Over(program, "eval", "fid", program["a"], program["a"], "--json")), "FID (toy)"), 1e-6);
        foreach (var metric in (string[])["kid", "cmmd", "precision", "density"]) Assert.Equal(0, program.Run(Over(program, "eval", metric, program["a"], program["b"], "--halves", "2")).Code);
        Assert.InRange(Value(program.Run(Over(program, "eval", "vendi", program["a"], "--json")), "Vendi (toy)"), 1, 20);
        Assert.Contains("has no classes", program.Run(Over(program, "eval", "is", program["a"])).Line);
        Assert.Contains("--as: 'torchvision' was given for fid, pytorch-fid, torch-fidelity, clean-fid are there", program.Run(Over(program, "eval", "fid", program["a"], program["b"], "--as", "torchvision")).Line);
    }

    [Fact]
    public void A_zip_says_what_its_folder_says_and_cached_features_what_fresh_ones_do()
    {
        using var program = new Program();
        Fill(program, "a", 18);
        Fill(program, "b", 18, seed: 100);
        ZipFile.CreateFromDirectory(program["a"], program["a.zip"]);
        var first = Said(program.Run(Over(program, "eval", "fid", program["a"], program["b"], "--json")));
        Assert.Equal(first, Said(program.Run(Over(program, "eval", "fid", program["a.zip"], program["b"], "--json"))));
        Directory.Delete(program["cache"], recursive: true);
        Fill(program, "mixed", 5); // other batches on the way to the same features
        program.Run(Over(program, "eval", "vendi", program["mixed"]));
        Assert.Equal(first, Said(program.Run(Over(program, "eval", "fid", program["a"], program["b"], "--json"))));
        Assert.Equal(first, Said(program.Run([.. Over(program, "eval", "fid", program["a"], program["b"], "--json")[..^4], "--cache", "none", "--threads", "1"])));
    }

    [Fact]
    public void Bad_sets_are_one_line_and_one_bad_picture_is_named_and_left_out()
    {
        using var program = new Program();
        Fill(program, "a", 17);
        Fill(program, "seven", 7, seed: 50);
        Directory.CreateDirectory(program["empty"]);
        Assert.Contains("holds no picture", program.Run(Over(program, "eval", "fid", program["empty"], program["a"])).Line);
        Assert.Contains("no such folder", program.Run(Over(program, "eval", "fid", program["nowhere"], program["a"])).Line);
        Assert.Contains("7 pictures for 16 features", program.Run(Over(program, "eval", "fid", program["seven"], program["seven"])).Line);
        Draw(program["one/a.png"], 1);
        Assert.Contains("1 picture; FID wants at least 2", program.Run(Over(program, "eval", "fid", program["one"], program["a"])).Line);
        Assert.Contains("17 of 17 pictures have no caption, such as 00.png", program.Run(Over(program, "eval", "clipsim", program["a"])).Line);

        var whole = Value(program.Run(Over(program, "eval", "vendi", program["a"], "--json")), "Vendi");
        File.WriteAllText(program["a/bad.png"], "no picture");
        var answer = program.Run(Over(program, "eval", "vendi", program["a"], "--json"));
        Assert.Equal(1, answer.Code);
        Assert.Contains("bad.png", answer.Error);
        Assert.Contains("1 picture of 18 cannot be read and is left out", answer.Error);
        Assert.Equal(whole, Value(answer, "Vendi"));
        Assert.Equal((17, 1), (Results(answer)[0].GetProperty("pictures").GetInt32(), Results(answer)[0].GetProperty("unreadable").GetInt32()));

        Draw(program["odd/alpha.png"], 3, alpha: true);
        Draw(program["odd/wide.png"], 4, width: 90, height: 30);
        Assert.Equal(0, program.Run(Over(program, "eval", "vendi", program["odd"])).Code);
    }

    [Fact]
    public void Captions_are_scored_and_clipscore_has_two_kinds()
    {
        using var program = new Program();
        Fill(program, "set", 6);
        string[] texts = ["a tabby cat", "a red fox", "a photo of a dog"];
        File.WriteAllLines(program["captions.jsonl"], Enumerable.Range(0, 6).Select(i => $$"""{"file": "set/{{i:00}}.png", "captions": ["{{texts[i % 3]}}", "the red cat"]}"""));
        double Of(params string[] args) => Value(program.Run(Over(program, ["eval", args[0], program["captions.jsonl"], "--json", .. args[1..]])), "CLIP");
        Assert.InRange(Of("clipsim"), -100, 100);
        Assert.Equal(Of("clipsim"), Of("clip-t"));
        Assert.InRange(Of("clipscore"), 0, 2.5);
        Assert.Equal(Math.Max(0, Of("clipsim")), Of("clipscore", "--as", "torchmetrics"), 1e-9);
        Assert.NotEqual(Of("clipscore") * 40, Of("clipscore", "--as", "torchmetrics"), 1e-3); // the prefix, and each picture clamped
        Assert.Equal(0, program.Run(Over(program, "eval", "refclipscore", program["captions.jsonl"])).Code);
        var recalls = program.Run(Over(program, "eval", "retrieval", program["captions.jsonl"], "--json"));
        Assert.Equal(["IR@1 (toy)", "IR@5 (toy)", "IR@10 (toy)", "TR@1 (toy)", "TR@5 (toy)", "TR@10 (toy)"], Results(recalls).Select(line => line.GetProperty("metric").GetString()));
        Assert.Equal(1, Results(recalls)[2].GetProperty("value").GetDouble()); // six pictures
        File.WriteAllText(program["bad.jsonl"], "{\"file\": \"set/00.png\", \"captions\": [\"\"]}\n");
        Assert.Contains("bad.jsonl, line 1", program.Run(Over(program, "eval", "clipsim", program["bad.jsonl"])).Line);
    }

    [Fact]
    public void Statistics_are_exchanged_as_pytorch_fid_does()
    {
        using var program = new Program();
        Fill(program, "a", 30);
        Fill(program, "b", 30, seed: 100);
        var direct = Value(program.Run(Over(program, "eval", "fid", program["a"], program["b"], "--json", "--save-stats", program["a.npz"])), "FID");
        Assert.Equal(direct, Value(program.Run(Over(program, "eval", "fid", program["b"], program["a.npz"], "--json")), "FID"), 1e-6);
        Assert.Equal(0, Value(program.Run(Over(program, "eval", "fid", program["a"], program["a.npz"], "--json")), "FID"), 1e-6);
        using var scope = new TensorScope();
        new FeatureStatistics(Tensor.Zeros([3], DType.Float64), Tensor.Eye(3, DType.Float64)).Save(program["three.npz"]);
        Assert.Contains("statistics of 3 features; toy has 16", program.Run(Over(program, "eval", "fid", program["a"], program["three.npz"])).Line);
    }

    [Fact]
    public void Pairs_are_matched_by_name()
    {
        using var program = new Program();
        Fill(program, "a", 3);
        Fill(program, "b", 2);
        var same = program.Run("eval", "ssim", program["a"], program["b"], "--json");
        Assert.Contains("1 pictures have no partner", same.Error);
        Assert.Equal(1, Value2(same));
        Draw(program["b/01.png"], 9, width: 30);
        Assert.Contains("equal sizes are wanted", program.Run("eval", "psnr", program["a"], program["b"]).Error);
        Assert.Contains("give --backbone FILE and --heads FILE", program.Run("eval", "lpips", program["a"], program["a"]).Line);
        static double Value2(Answer answer) => answer.Lines[^1].GetProperty("value").GetDouble();
    }

    [Fact]
    public void A_table_is_written_with_paired_differences_and_goes_on_where_it_was()
    {
        using var program = new Program();
        string[] texts = ["a tabby cat", "a red fox", "a photo of a dog"];
        foreach (var (method, seed) in ((string, int)[])[("one", 0), ("two", 200)])
        {
            Fill(program, method, 18, seed);
            File.WriteAllLines(program[$"{method}.jsonl"], Enumerable.Range(0, 18).Select(i => $$"""{"file": "{{method}}/{{i:00}}.png", "captions": ["{{texts[i % 3]}}"]}"""));
        }

        // Pairing is by the picture's name: the same names in both.
        foreach (var method in (string[])["one", "two"])
        {
            Directory.CreateDirectory(program[$"set-{method}"]);
            Directory.Move(program[method], program[$"set-{method}/drawn"]);
            File.WriteAllLines(program[$"set-{method}/captions.jsonl"], Enumerable.Range(0, 18).Select(i => $$"""{"file": "drawn/{{i:00}}.png", "captions": ["{{texts[i % 3]}}"]}"""));
        }

        Fill(program, "real", 20, seed: 500);
        File.WriteAllText(program["table.json"], JsonSerializer.Serialize(new
        {
            title = "Two methods",
            methods = new[] { new { name = "one", pictures = "set-one/captions.jsonl" }, new { name = "two", pictures = "set-two/captions.jsonl" } },
            measures = new object[] { new { metric = "clipsim", network = "toy" }, new { metric = "fid", network = "toy", reference = "real" } },
        }));
        string[] args = ["eval", "table", "--spec", program["table.json"], "-o", program["out"], "--cache", program["cache"], "--threads", "1", "--halves", "4"];
        var answer = program.Run(args);
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("| method | CLIPSIM (toy) ↑ | FID (toy) ↓ | N |", answer.Output);
        Assert.Contains("Difference to one, paired by picture", answer.Output);
        Assert.Contains("N 18", answer.Output);
        foreach (var file in (string[])["table.md", "table.csv", "table.json", "plot-clipsim-toy.png", "plot-fid-toy.png"]) Assert.True(File.Exists(program[$"out/{file}"]), file);
        var csv = File.ReadAllText(program["out/table.csv"]);
        Assert.Equal(5, csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);

        // Anew from nothing but half of the numbers: the same to the last digit.
        File.Delete(Directory.EnumerateFiles(program["out/cells"]).First());
        Directory.Delete(program["cache"], recursive: true);
        Assert.Equal(0, program.Run(args).Code);
        Assert.Equal(csv, File.ReadAllText(program["out/table.csv"]));

        // One measure against two references: each has a name of its own, or the table says that it wants one.
        Answer Twice(string title)
        {
            File.WriteAllText(program["twice.json"], $$"""{"methods": [{"name": "one", "pictures": "set-one/captions.jsonl"}], "measures": [{"metric": "fid", "network": "toy", "reference": "real"}, {"metric": "fid", "network": "toy", "reference": "set-two/drawn"{{title}}}]}""");
            return program.Run([.. args[..2], "--spec", program["twice.json"], "-o", program["twice"], .. args[6..]]);
        }

        Assert.Contains("| method | FID (toy) ↓ | FID to the other ↓ | N |", Twice(", \"title\": \"FID to the other\"").Output);
        Assert.Contains("two measures are called 'FID (toy)'; give one of them a \"title\"", Twice("").Error);

        File.WriteAllText(program["bad.json"], "{\"methods\": [], \"measures\": []}");
        Assert.Contains("bad.json: is no table", program.Run("eval", "table", "--spec", program["bad.json"], "-o", program["out"]).Line);
        File.WriteAllText(program["unknown.json"], """{"methods": [{"name": "one", "pictures": "real"}], "measures": [{"metric": "fib"}]}""");
        Assert.Contains("no metric 'fib'", program.Run("eval", "table", "--spec", program["unknown.json"], "-o", program["out"]).Line);
        File.WriteAllText(program["bare.json"], """{"methods": [{"name": "one", "pictures": "real"}], "measures": [{"metric": "fid"}]}""");
        Assert.Contains("give the measure a \"reference\"", program.Run("eval", "table", "--spec", program["bare.json"], "-o", program["out"]).Line);
    }

    [Fact]
    public void Coco_and_Flickr30k_in_both_their_forms()
    {
        using var program = new Program();
        for (var i = 0; i < 6; i++) Draw(program[$"val/{i:00}.png"], i);
        string[] texts = ["a tabby cat", "a red fox", "a photo of a dog"];
        File.WriteAllText(program["coco.json"], JsonSerializer.Serialize(new
        {
            images = Enumerable.Range(0, 7).Select(i => new { id = i, file_name = $"{i:00}.png" }),
            annotations = Enumerable.Range(0, 42).Select(i => new { image_id = i / 6, caption = texts[i % 3] + "\n" }),
        }));
        Assert.All(CaptionData.Read(program["coco.json"]), one => Assert.Equal(5, one.Captions.Count));
        var coco = program.Run(Over(program, "eval", "coco", "--captions", program["coco.json"], "--images", program["val"], "--json"));
        Assert.True(coco.Code == 0, coco.Error);
        Assert.Contains("1 of 7 pictures are not in", coco.Error);
        Assert.Equal(6, Results(coco).Length);

        File.WriteAllText(program["flickr.json"], JsonSerializer.Serialize(new
        {
            images = Enumerable.Range(0, 6).Select(i => new { filename = $"{i:00}.png", split = i < 4 ? "test" : "train", sentences = texts.Select(raw => new { raw }) }),
        }));
        var flickr = program.Run(Over(program, "eval", "flickr30k", "--captions", program["flickr.json"], "--images", program["val"], "--json"));
        Assert.Equal(4, Results(flickr)[0].GetProperty("pictures").GetInt32());
        Assert.Contains("has test, train", program.Run(Over(program, "eval", "flickr30k", "--captions", program["flickr.json"], "--images", program["val"], "--split", "val")).Line);
        for (var i = 0; i < 4; i++) Draw(program[$"drawn/{i:00}.png"], 50 + i);
        var drawn = program.Run(Over(program, "eval", "flickr30k", "--captions", program["flickr.json"], "--images", program["val"], "--drawn", program["drawn"], "--json", "--halves", "0"));
        Assert.Equal(["CLIPSIM (toy)", "CLIPScore (toy)", "FID (toy)"], Results(drawn)[6..].Select(line => line.GetProperty("metric").GetString()));
        File.WriteAllText(program["other.json"], "[]");
        Assert.Contains("neither COCO's nor Karpathy's", program.Run(Over(program, "eval", "coco", "--captions", program["other.json"], "--images", program["val"])).Line);
    }

    [Fact]
    public void DreamBooths_benchmark_on_a_small_tree()
    {
        using var program = new Program();
        Directory.CreateDirectory(program["subjects"]);
        File.WriteAllText(program["subjects/prompts_and_classes.txt"], "Classes\n\nsubject_name,class\nbackpack,backpack\ndog2,dog\n\nPrompts\n\nObject Prompts\n\nprompt_list = [\n'a {0} {1} in the jungle'.format(unique_token, class_token),\n'a red {0} {1}'.format(unique_token, class_token)\n]\n\nLive Subject Prompts\n\nprompt_list = [\n'a {0} {1} wearing a red hat'.format(unique_token, class_token)\n]\n");
        foreach (var subject in (string[])["backpack", "dog2"]) for (var i = 0; i < 3; i++) Draw(program[$"subjects/{subject}/{i:00}.jpg"], i + subject.Length * 10);
        for (var k = 0; k < 2; k++) foreach (var name in (string[])["backpack/00", "backpack/01", "dog2/00"]) Draw(program[$"drawn/{name}-{k}.png"], k + name.Length);
        var benchmark = DreamBooth.Load(program["subjects"]);
        Assert.Equal(12, benchmark.Wanted);
        Assert.Equal("a backpack in the jungle", benchmark.Text("backpack", 0));
        Assert.Equal("a red sks backpack", benchmark.Text("backpack", 1, "sks"));
        using (var drawn = benchmark.Drawn(program["drawn"])) Assert.Equal(["a dog wearing a red hat"], drawn.Pictures[^1].Captions);
        var answer = program.Run(Over(program, "eval", "dreambooth", "--subjects", program["subjects"], "--drawn", program["drawn"], "--json", "--halves", "0"));
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("6 pictures; the benchmark has 12", answer.Error);
        Assert.Equal(["CLIP-I (toy)", "CLIP-T (toy)"], Results(answer).Select(line => line.GetProperty("metric").GetString()));
        Draw(program["drawn/dog2/hat.png"], 1);
        Assert.Contains("dog2/hat.png is not named by its prompt's number", program.Run(Over(program, "eval", "dreambooth", "--subjects", program["subjects"], "--drawn", program["drawn"])).Line);
    }
}
