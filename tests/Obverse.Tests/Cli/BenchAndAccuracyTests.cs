using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class BenchAndAccuracyTests
{
    [Fact]
    public void Bench_model_tells_size_and_times()
    {
        using var program = new Program();
        var line = Assert.Single(program.Run("bench", "model", program.Model, "--batch", "2", "--repeats", "1", "--threads", "1", "--side", "40", "--json").Lines);
        using var model = ClipModel.Load(program.Model);
        Assert.Equal(model.Parameters.Sum(p => p.Value.Elements), line.GetProperty("parameters").GetInt64());
        Assert.Equal(40, line.GetProperty("side").GetInt32());
        foreach (var name in new[] { "loadSeconds", "embeddingsPerSecond", "gradientSeconds" }) Assert.True(line.GetProperty(name).GetDouble() > 0, name);
        Assert.Equal(2, program.Run("bench", "model", "--random").Code);
        Assert.Contains("no architecture 'ViT'", program.Run("bench", "model", "--random", "--architecture", "ViT").Line);
        Assert.Contains("a multiple of 8 is wanted", program.Run("bench", "model", program.Model, "--side", "41").Line);
    }

    [Fact]
    public void Classify_of_a_labelled_folder_tells_accuracy()
    {
        using var program = new Program();
        foreach (var name in new[] { "a cat", "a_dog", "other" })
        {
            Directory.CreateDirectory(program[$"set/{name}"]);
            for (var i = 0; i < 2; i++)
            {
                var rgb = new byte[40 * 40 * 3];
                new Random(i).NextBytes(rgb);
                new Picture(40, 40, rgb).Save(program[$"set/{name}/{i}.png"]);
            }
        }

        File.WriteAllLines(program["names.txt"], ["a cat", "a dog"]);
        File.WriteAllLines(program["templates.txt"], ["a photo of {}.", "{}"]);
        var answer = program.Run("classify", program["set"], "--classnames", program["names.txt"], "--templates", program["templates.txt"], "--model", program.Model, "--json");
        Assert.Equal(0, answer.Code);
        Assert.Contains("2 of 6 pictures", answer.Line);
        var accuracy = Assert.Single(answer.Lines);
        Assert.Equal((4, 2, 2), (accuracy.GetProperty("count").GetInt32(), accuracy.GetProperty("names").GetInt32(), accuracy.GetProperty("templates").GetInt32()));
        Assert.Equal(0.5, accuracy.GetProperty("top1").GetDouble()); // each picture lies in both folders
        Assert.Equal(1, accuracy.GetProperty("top5").GetDouble());

        File.WriteAllLines(program["bad.txt"], ["a photo"]);
        Assert.Contains("has no {}", program.Run("classify", program["set"], "--names", "a,b", "--templates", program["bad.txt"], "--model", program.Model).Line);
        Assert.Contains("only one of", program.Run("classify", program["set"], "--names", "a,b", "--classnames", "imagenet").Line);
    }

    [Fact]
    public void A_bare_file_loads_with_its_architecture_before_it_and_doubts_are_reported()
    {
        using var program = new Program();
        var file = Path.Combine(program.Model, "open_clip_model.safetensors");
        Assert.Contains("has the shape", program.Run("classify", program["x.png"], "--names", "a,b", "--model", "ViT-B-32:" + file).Line); // the toy is no ViT-B-32, and that is seen before anything is read
        Assert.Equal(2, program.Run("classify", program["x.png"], "--names", "a,b", "--model", "ViT-B-32/nobody:" + file).Code);

        // Exact GELU in a folder of OpenAI's name.
        var place = program["clip-vit-base-patch32"];
        Directory.Move(program.Model, place);
        new Picture(40, 40, new byte[40 * 40 * 3]).Save(program["x.png"]);
        var answer = program.Run("classify", program["x.png"], "--names", "a cat,a dog", "--model", place);
        Assert.Equal(0, answer.Code);
        Assert.Contains("trained with quick_gelu; the file's is used", answer.Line);
    }
}
