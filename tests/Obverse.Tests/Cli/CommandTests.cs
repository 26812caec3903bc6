using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Training;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class CommandTests
{
    [Fact]
    public void Embedded_texts_are_rows_in_input_order()
    {
        using var program = new Program();
        string[] texts = ["a red fox", "", "a tabby cat", "a red fox", .. Enumerable.Range(0, 130).Select(i => $"{i} cats")];
        File.WriteAllText(program["texts.txt"], string.Join("\n", texts) + "\n");
        var answer = program.Run("embed", "--text-file", program["texts.txt"], "-o", program["e.safetensors"], "--model", program.Model, "--json");
        Assert.Equal(0, answer.Code);
        Assert.Equal(texts.Length, answer.Lines.Single().GetProperty("rows").GetInt32());
        using var file = Safetensors.Open(program["e.safetensors"]);
        Assert.Equal(["embeddings"], file.Names);
        using var scope = new TensorScope();
        using var encoder = ClipEncoder.Load(program.Model);
        var rows = file["embeddings"];
        Assert.Equal([texts.Length, 16], rows.Shape);
        foreach (var i in new[] { 0, 1, 2, 3, 100 }) Near(encoder.Embed([texts[i]]), rows[i..(i + 1)]);
    }

    [Fact]
    public void Embedded_pictures_are_rows_in_input_order()
    {
        using var program = new Program();
        var random = new Random(3);
        string[] files = [.. Enumerable.Range(0, 19).Select(i => program[$"{i}.png"])];
        foreach (var file in files)
        {
            var rgb = new byte[50 * 40 * 3];
            random.NextBytes(rgb);
            new Picture(50, 40, rgb).Save(file);
        }

        Assert.Equal(0, program.Run(["embed", .. files, "-o", program["all.safetensors"], "--model", program.Model]).Code);
        Assert.Equal(0, program.Run("embed", files[17], files[2], "-o", program["two.safetensors"], "--model", program.Model).Code);
        using var all = Safetensors.Open(program["all.safetensors"]);
        using var two = Safetensors.Open(program["two.safetensors"]);
        using var scope = new TensorScope();
        Near(all["embeddings"][17..18], two["embeddings"][..1]);
        Near(all["embeddings"][2..3], two["embeddings"][1..]);
        Assert.Equal([19, 16], all["embeddings"].Shape);
    }

    [Fact]
    public void Classify_ranks_the_given_names()
    {
        using var program = new Program();
        new Picture(8, 8, new byte[8 * 8 * 3]).Save(program["x.png"]);
        var answer = program.Run("classify", program["x.png"], "--names", "a cat, a dog,a fox", "--model", program.Model, "--top", "2", "--json");
        Assert.Equal(0, answer.Code);
        var names = answer.Lines.Single().GetProperty("names").EnumerateArray().ToArray();
        Assert.Equal(2, names.Length);
        Assert.True(names[0].GetProperty("probability").GetDouble() >= names[1].GetProperty("probability").GetDouble());
        Assert.Contains("%", program.Run("classify", program["x.png"], "--model", program.Model).Output);
    }

    [Fact]
    public void A_judge_ranks_the_prompt_among_a_thousand_names()
    {
        using var program = new Program();
        program.Run("invert", "a tabby cat", "--model", program.Model, "--steps", "2", "--views", "1", "--out", program["cat.png"]);
        var named = program.Run("judge", program["cat.png"], "--model", program.Model, "--json").Lines.Single();
        Assert.Equal("a tabby cat", named.GetProperty("name").GetString());
        Assert.Equal(998, named.GetProperty("names").GetInt32()); // 1,000 less `missile` and `sunglasses`, which stand twice
        Assert.InRange(named.GetProperty("lowPass").GetProperty("rank").GetInt32(), 1, 998);
        Assert.Equal(999, program.Run("judge", program["cat.png"], "--name", "a cat on the moon", "--model", program.Model, "--json").Lines.Single().GetProperty("names").GetInt32());
    }

    [Fact]
    public void A_judge_is_compared_with_a_rater()
    {
        using var program = new Program();
        Directory.CreateDirectory(program["drawn"]);
        for (var i = 0; i < 6; i++) IndexSourceTests.Noise(i).Save(program[$"drawn/{i}.png"]);
        Answer Judge(params string[] more) => program.Run(["judge", "--model", program.Model, .. more]);
        double[] seen = [.. Enumerable.Range(0, 6).Select(i => Judge(program[$"drawn/{i}.png"], "--name", "a red fox", "--json").Lines.Single().GetProperty("lowPass").GetProperty("logProbability").GetDouble())];
        // A person who orders them as the judge does, and gives the first two one grade.
        int[] order = [.. Enumerable.Range(0, 6).OrderBy(i => seen[i])];
        File.WriteAllLines(program["drawn/grades.tsv"], order.Select((i, place) => $"{i}.png\t{Math.Max(place, 1)}\ta red fox"));
        var agreement = Judge("--grades", program["drawn/grades.tsv"], "--json").Lines.Last();
        Assert.Equal(6, agreement.GetProperty("pictures").GetInt32());
        Assert.Equal(Math.Sqrt(17.0 / 17.5), agreement.GetProperty("spearman")[0].GetProperty("value").GetDouble(), 9); // one tie among six
        Assert.Contains("6 pictures, grades 1 (2), 2 (1)", Judge("--grades", program["drawn/grades.tsv"]).Output, StringComparison.Ordinal);

        File.WriteAllText(program["drawn/grades.tsv"], "0.png\tgood\n");
        Assert.Contains("grades.tsv:1: '0.png\tgood' was given", Judge("--grades", program["drawn/grades.tsv"]).Error, StringComparison.Ordinal);
        File.WriteAllText(program["drawn/grades.tsv"], "0.png\t1\n1.png\t1\n2.png\t1\n");
        Assert.Contains("different grades", Judge("--grades", program["drawn/grades.tsv"]).Error, StringComparison.Ordinal);
        Assert.Contains("no picture was given", Judge().Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Views_are_drawn_on_one_sheet()
    {
        using var program = new Program();
        Assert.Equal(0, program.Run("views", "-o", program["views.png"], "--draws", "2").Code);
        Assert.True(Picture.Load(program["views.png"]).Height > 1000);
    }

    [Fact]
    public void Recipes_list_their_five_parts()
    {
        using var program = new Program();
        var text = program.Run("recipes").Output;
        foreach (var part in new[] { "pyramid", "das", "clip-inv", "implicit-plain", "canvas", "views", "encoder", "objective", "schedule" }) Assert.Contains(part, text);
        Assert.All(program.Run("recipes", "--json").Lines, line => Assert.True(line.TryGetProperty("canvas", out _)));
    }

    [Fact]
    public void Info_names_what_is_in_use()
    {
        using var program = new Program();
        var info = program.Run("info", "--json").Lines.Single();
        Assert.StartsWith("2.10", info.GetProperty("libtorch").GetString());
        Assert.True(Directory.Exists(info.GetProperty("libtorchFolder").GetString()));
        Assert.Equal(Precision.Auto.On(Device.Cpu).Name(), info.GetProperty("precision").GetString());
        Assert.Matches(@"^fp32, as OBVERSE_PRECISION says: the processor has .*fp32 \d+ GFLOP/s, bf16 \d+", info.GetProperty("precisionReason").GetString());
        Assert.True(info.TryGetProperty("problems", out _));
        Assert.Contains("libtorch", program.Run("info").Output);
    }

    [Fact]
    public void A_clip_of_any_shape_is_trained_from_nothing_and_draws()
    {
        using var program = new Program();
        ViewTests.Drawings(program["set"]).Dispose();
        File.WriteAllText(program["tiny.json"], """{"embed_dim": 16, "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8}, "text_cfg": {"context_length": 16, "vocab_size": 600, "width": 32, "heads": 2, "layers": 1}}""");
        string[] ask = ["train", "clip", "--config", program["tiny.json"], "--pictures", program["set"], "--batch", "8", "--merges", "64", "--threads", "1", "-o", program["tiny"]];
        Assert.Equal(0, program.Run([.. ask, "--steps", "60"]).Code);
        Assert.True(File.Exists(program["tiny.work/log.png"]));
        Assert.Equal(0, program.Run("invert", "a cat", "--model", program["tiny"], "--steps", "2", "--views", "1", "--out", program["cat.png"]).Code);

        Assert.Equal(2, program.Run("train", "clip", "--pictures", program["set"], "-o", program["x"]).Code); // a recipe wants --data
        Assert.Equal(1, program.Run("train", "clip", "--pictures", program["set"], "--data", program["none"], "-o", program["x"]).Code);
        Assert.Equal(2, program.Run([.. ask, "--steps", "5", "--minutes", "1"]).Code);
        Assert.False(Directory.Exists(program["x"]));
        Assert.Equal(0, program.Run("data", "show", program["set"], "-o", program["set.png"]).Code);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("invert --help")]
    [InlineData("render --help")]
    [InlineData("replay --help")]
    [InlineData("embed --help")]
    [InlineData("classify --help")]
    [InlineData("judge --help")]
    [InlineData("views --help")]
    [InlineData("recipes --help")]
    [InlineData("info --help")]
    [InlineData("gallery --help")]
    [InlineData("train clip --help")]
    [InlineData("data pocket --help")]
    public void Help_teaches_by_examples(string line)
    {
        using var program = new Program();
        var answer = program.Run(line.Split(' '));
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Contains("\n    obverse " + line.Replace(" --help", "").Replace("--help", ""), answer.Output);
    }

    private static void Near(Tensor a, Tensor b) => Assert.True((a - b).Abs().Max().Item() < 1e-5);
}
