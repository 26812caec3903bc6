using System.Buffers.Binary;
using System.Text;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>Every mistake has one line that names it, an exit code, and leaves nothing behind.</summary>
[Collection("command line")]
public class BadInputTests
{
    public static TheoryData<string, string[], string> Misuse => new()
    {
        { "empty prompt", ["invert", ""], "prompt is empty" },
        { "no prompt", ["invert"], "prompt is empty" },
        { "blank parts", ["invert", " | :2"], "a weight with nothing before it" },
        { "only negative weights", ["invert", "cat:-1"], "weights of 0 or less" },
        { "unknown recipe", ["invert", "a cat", "--recipe", "soup"], "no recipe 'soup'" },
        { "unknown model", ["invert", "a cat", "--model", "no-such-model"], "no model 'no-such-model'" },
        { "size 0", ["invert", "a cat", "--size", "0"], "--size: '0'" },
        { "size 100000", ["invert", "a cat", "--size", "100000"], "--size: '100000'" },
        { "size with a side too many", ["invert", "a cat", "--size", "1x2x3"], "--size: '1x2x3'" },
        { "width 0", ["invert", "a cat", "--width", "0"], "--width: '0'" },
        { "steps below 1", ["invert", "a cat", "--steps", "-3"], "--steps: '-3'" },
        { "steps no number", ["invert", "a cat", "--steps", "many"], "--steps: 'many'" },
        { "n 0", ["invert", "a cat", "--n", "0"], "--n: '0'" },
        { "quality", ["invert", "a cat", "--quality", "superb"], "--quality: 'superb'" },
        { "time", ["invert", "a cat", "--time", "soon"], "--time: 'soon'" },
        { "time and steps", ["invert", "a cat", "--time", "9s", "--steps", "9"], "--time" },
        { "seed", ["invert", "a cat", "--seed", "-1"], "--seed: '-1'" },
        { "mask without start", ["invert", "a cat", "--mask", "m.png"], "--mask needs --start" },
        { "film", ["invert", "a cat", "--film", "x.avi"], "--film: 'x.avi'" },
        { "out", ["invert", "a cat", "--out", "x.bmp"], "--out: 'x.bmp'" },
        { "option without value", ["invert", "a cat", "--seed"], "--seed: '--model'" },
        { "unknown option", ["invert", "a cat", "--sede", "1"], "--sede" },
        { "two prompts", ["invert", "a cat", "a dog"], "a dog" },
        { "0 strokes", ["invert", "a cat", "--recipe", "clipdraw", "--strokes", "0"], "--strokes: '0'" },
        { "strokes without a canvas of strokes", ["invert", "a cat", "--recipe", "das", "--strokes", "9"], "for recipes of strokes" },
        { "a colour that is none", ["invert", "a cat", "--recipe", "clipdraw", "--colors", "greenish"], "--colors: 'greenish'" },
        { "a style without a picture", ["invert", "a sketch", "--recipe", "styler"], "recipe 'styler' works on a picture" },
        { "empty style text", ["invert", "", "--recipe", "styler"], "prompt is empty" },
        { "empty source text", ["invert", "a sketch", "--recipe", "styler", "--source", " "], "--source: the text is empty" },
        { "a VQGAN that is not there", ["invert", "a cat", "--recipe", "vqgan", "--vqgan", "no-such-vqgan"], "no model 'no-such-vqgan'" },
        { "no command", [], "no command" },
        { "unknown command", ["paint", "a cat"], "paint" },
        { "render without a size", ["render", "x.png"], "--size" },
        { "a factory string, which FAISS had", ["index", "build", "photos", "-o", "i.safetensors", "--factory", "IVF4096,PQ999"], "--factory" },
        { "a gallery of no names", ["gallery", "g", "--names", " , "], "--names: no name was given" },
        { "embed nothing", ["embed", "-o", "x.safetensors"], "nothing to embed" },
        { "classify among one", ["classify", "x.png", "--names", "cat"], "at least two" },
    };

    [Theory]
    [MemberData(nameof(Misuse))]
    public void A_usage_error_is_exit_code_2(string what, string[] args, string says)
    {
        using var program = new Program();
        string[] given = [.. args];
        if (given is ["invert", ..] && !given.Contains("--model")) given = [.. given, "--model", program.Model];
        if (given is ["invert", ..] && !given.Contains("--out")) given = [.. given, "--out", program["out.png"]];
        var answer = program.Run(given);
        Assert.True((answer.Code, answer.Output) == (2, ""), $"{what}: {answer}");
        Assert.Contains(says, answer.Line);
        Assert.Empty(program.Files);
    }

    [Theory]
    [InlineData("no/such/folder/out.png", "out.png")]
    [InlineData("file.txt/out.png", "out.png")]
    public void An_output_that_cannot_be_written_is_reported_before_drawing(string output, string says)
    {
        using var program = new Program();
        File.WriteAllText(program["file.txt"], "");
        var answer = program.Run("invert", "a cat", "--model", program.Model, "--steps", "100000", "--out", program[output]);
        Assert.Equal(1, answer.Code);
        Assert.Contains(says, answer.Line);
        Assert.Contains("cannot be written", answer.Line);
        Assert.Equal(["file.txt"], program.Files);
    }

    [Fact]
    public void A_missing_folder_is_named_and_no_temporary_file()
    {
        using var program = new Program();
        foreach (string[] given in new[] { new[] { "--out", program["no/x.png"] }, ["--out", program["a.png"], "--film", program["no/x.gif"]], ["--out", program["a.png"], "--save", program["no/x.safetensors"]] })
        {
            var answer = program.Run(["invert", "a cat", "--model", program.Model, "--steps", "1", .. given]);
            Assert.Equal(1, answer.Code);
            Assert.EndsWith($"cannot be written: there is no folder {program["no"]}", answer.Line.TrimEnd(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_recipe_whose_objective_names_no_target_is_reported()
    {
        using var program = new Program();
        var recipe = Recipes.Das() with { Objective = Objective.Toward("zzz") };
        File.WriteAllText(program["mine.json"], recipe.ToJson());
        var answer = program.Run("invert", "a cat", "--model", program.Model, "--recipe", program["mine.json"], "--size", "32", "--out", program["a.png"]);
        Assert.Equal(1, answer.Code);
        Assert.Contains("recipe 'das': the objective names the target 'zzz', which the job does not have", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("bug", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_in_the_way_of_the_output_is_reported()
    {
        using var program = new Program();
        Directory.CreateDirectory(program["out.png"]);
        var answer = program.Run("invert", "a cat", "--model", program.Model, "--out", program["out.png"]);
        Assert.Equal(1, answer.Code);
        Assert.Contains("a folder of that name", answer.Line);
    }

    [SkippableFact]
    public void A_full_disk_is_reported_and_leaves_nothing()
    {
        // A file system of 64 KB needs root; without one the test says so.
        using var program = new Program();
        var disk = program["disk"];
        Directory.CreateDirectory(disk);
        Skip.If(Shell($"mount -t tmpfs -o size=64k none {disk}") != 0, "no right to mount a small file system here");
        try
        {
            foreach (var ask in new[] { new[] { "invert", "a cat", "--size", "256", "--steps", "2", "--out", Path.Combine(disk, "out.png") }, ["embed", "--text-file", program["texts.txt"], "-o", Path.Combine(disk, "out.safetensors")] })
            {
                File.WriteAllLines(program["texts.txt"], Enumerable.Repeat("a cat", 4000));
                var answer = program.Run([.. ask, "--model", program.Model]);
                Assert.True(answer.Code == 1, answer.ToString());
                Assert.Contains("cannot be written", answer.Line);
                Assert.Empty(Directory.EnumerateFileSystemEntries(disk));
            }
        }
        finally
        {
            Shell($"umount {disk}");
        }

        static int Shell(string line)
        {
            var parts = line.Split(' ', 2);
            try
            {
                using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(parts[0], parts[1]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
                process.WaitForExit();
                return process.ExitCode;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return -1;
            }
        }
    }

    public static TheoryData<string, string> Pictures => new() { { "start", "cut.png" }, { "start", "cut.jpg" }, { "start", "noise.png" }, { "start", "empty.png" }, { "start", "missing.png" }, { "toward", "cut.jpg" }, { "mask", "noise.png" } };

    [Theory]
    [MemberData(nameof(Pictures))]
    public void A_damaged_picture_is_reported(string option, string file)
    {
        using var program = new Program();
        var good = Damage(program);
        string[] ask = ["invert", "a cat", "--model", program.Model, "--steps", "2", "--out", program["out.png"], .. option == "mask" ? ["--start", program[good]] : Array.Empty<string>(), "--" + option, program[file]];
        var answer = program.Run(ask);
        Assert.Equal(1, answer.Code);
        Assert.Contains(file, answer.Line);
        Assert.DoesNotContain("out.png", program.Files);
    }

    [Theory]
    [InlineData("cut.png")]
    [InlineData("cut.jpg")]
    [InlineData("noise.png")]
    [InlineData("missing.png")]
    public void Every_command_that_reads_pictures_names_a_damaged_one(string file)
    {
        using var program = new Program();
        var good = Damage(program);
        string[][] asks =
        [
            ["embed", program[good], program[file], "-o", program["out.safetensors"], "--model", program.Model],
            ["classify", program[file], "--names", "a,b", "--model", program.Model],
            ["judge", program[file], "--name", "cat", "--model", program.Model],
            ["views", program[file], "-o", program["out.png"]],
            ["replay", program[file]],
            ["render", program[file], "--size", "64"],
        ];
        foreach (var ask in asks)
        {
            var answer = program.Run(ask);
            Assert.True(answer.Code == 1, $"{string.Join(' ', ask)}: {answer}");
            Assert.Contains(file, answer.Line);
        }

        Assert.DoesNotContain(program.Files, name => name.StartsWith("out.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_picture_without_a_job_cannot_be_replayed()
    {
        using var program = new Program();
        var good = Damage(program);
        foreach (var ask in new[] { new[] { "replay", program[good] }, ["render", program[good], "--size", "64"] })
        {
            var answer = program.Run(ask);
            Assert.Equal(1, answer.Code);
            Assert.Contains("holds no job", answer.Line);
        }

        PngText.Add(program.Bytes(good), InversionJob.Keyword, "{\"recipe\": 3}").CopyTo(program["odd.png"]);
        var odd = program.Run("replay", program["odd.png"]);
        Assert.Equal(1, odd.Code);
        Assert.Contains("not a job", odd.Line);
    }

    public static TheoryData<string> Weights => ["cut", "huge header", "no header", "overlap", "out of range", "missing tensor", "surplus tensor", "wrong shape", "NaN", "empty", "no weights", "bad config", "no tokenizer"];

    [Theory]
    [MemberData(nameof(Weights))]
    public void Damaged_weights_are_reported(string damage)
    {
        using var program = new Program();
        Spoil(program.Model, damage);
        var answer = program.Run("invert", "a cat", "--model", program.Model, "--steps", "2", "--out", program["out.png"]);
        Assert.True((answer.Code, answer.Output) == (1, ""), $"{damage}: {answer}");
        Assert.Contains("toy", answer.Line);
        Assert.DoesNotContain("bug", answer.Line);
        Assert.Empty(program.Files);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("NaN")]
    [InlineData("missing tensor")]
    [InlineData("no job")]
    public void A_damaged_canvas_is_reported(string damage)
    {
        using var program = new Program();
        program.Run("invert", "a cat", "--model", program.Model, "--steps", "2", "--views", "1", "--out", program["cat.png"], "--save", program["cat.safetensors"]);
        if (damage == "cut") File.WriteAllBytes(program["cat.safetensors"], program.Bytes("cat.safetensors")[..^9]);
        else Rewrite(program["cat.safetensors"], tensors => { if (damage == "NaN") tensors[tensors.Keys.First()] = Tensor.Full(tensors.Values.First().Shape, double.NaN); else if (damage == "missing tensor") tensors.Remove(tensors.Keys.First()); }, damage != "no job");
        foreach (var ask in new[] { new[] { "render", program["cat.safetensors"], "--size", "64", "-o", program["out.png"] }, ["invert", "--resume", program["cat.safetensors"], "--out", program["out.png"]] })
        {
            var answer = program.Run(ask);
            Assert.True(answer.Code == 1, $"{damage}: {answer}");
            Assert.Contains("cat.safetensors", answer.Line);
            Assert.Equal(["cat.png", "cat.safetensors"], program.Files);
        }
    }

    [Fact]
    public void Resume_takes_nothing_that_would_change_the_job()
    {
        using var program = new Program();
        var answer = program.Run("invert", "--resume", program["x.checkpoint.safetensors"], "--steps", "9");
        Assert.Equal(2, answer.Code);
        Assert.Equal(1, program.Run("invert", "--resume", program["x.checkpoint.safetensors"]).Code);
    }

    [Fact]
    public void A_text_file_that_is_missing_is_reported()
    {
        using var program = new Program();
        var answer = program.Run("embed", "--text-file", program["none.txt"], "-o", program["out.safetensors"], "--model", program.Model);
        Assert.Equal(1, answer.Code);
        Assert.Contains("none.txt", answer.Line);
        Assert.Empty(program.Files);
    }

    // A good picture and bad ones; the good one's name.
    private static string Damage(Program program)
    {
        var rgb = new byte[40 * 40 * 3];
        new Random(1).NextBytes(rgb);
        var picture = new Picture(40, 40, rgb);
        picture.Save(program["good.png"]);
        File.WriteAllBytes(program["cut.png"], picture.EncodePng()[..1000]);
        File.WriteAllBytes(program["cut.jpg"], picture.EncodeJpeg()[..300]);
        File.WriteAllBytes(program["noise.png"], rgb);
        File.WriteAllBytes(program["empty.png"], []);
        return "good.png";
    }

    private static void Spoil(string model, string damage)
    {
        var path = Path.Combine(model, "open_clip_model.safetensors");
        var bytes = File.ReadAllBytes(path);
        byte[] WithHeader(string json) => [.. BitConverter.GetBytes((long)json.Length), .. Encoding.ASCII.GetBytes(json), .. new byte[64]];
        switch (damage)
        {
            case "cut": File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]); break;
            case "huge header":
                BinaryPrimitives.WriteInt64LittleEndian(bytes, 1L << 60);
                File.WriteAllBytes(path, bytes);
                break;
            case "no header": File.WriteAllBytes(path, WithHeader("not json at all")); break;
            case "overlap": File.WriteAllBytes(path, WithHeader("""{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]},"b":{"dtype":"F32","shape":[12],"data_offsets":[16,64]}}""")); break;
            case "out of range": File.WriteAllBytes(path, WithHeader("""{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}""")); break;
            case "missing tensor": Rewrite(path, tensors => tensors.Remove("visual.proj")); break;
            case "surplus tensor": Rewrite(path, tensors => tensors["visual.extra"] = Tensor.Zeros([2])); break;
            case "wrong shape": Rewrite(path, tensors => tensors["visual.proj"] = Tensor.Zeros([2])); break;
            case "NaN": Rewrite(path, tensors => tensors["visual.proj"] = Tensor.Full(tensors["visual.proj"].Shape, double.NaN)); break;
            case "empty": File.WriteAllBytes(path, []); break;
            case "no weights": File.Delete(path); break;
            case "bad config": File.WriteAllText(Path.Combine(model, "open_clip_config.json"), "{]"); break;
            case "no tokenizer": foreach (var file in Directory.EnumerateFiles(model, "*.gz")) File.Delete(file); break;
        }
    }

    private static void Rewrite(string path, Action<Dictionary<string, Tensor>> change, bool keepRun = true)
    {
        using var scope = new TensorScope();
        Dictionary<string, Tensor> tensors;
        IReadOnlyDictionary<string, string> metadata;
        using (var file = Safetensors.Open(path))
        {
            tensors = file.Names.ToDictionary(name => name, name => file[name].Clone());
            metadata = file.Metadata;
        }

        change(tensors);
        Safetensors.Save(path, tensors, keepRun ? metadata : null);
    }
}

internal static class Bytes
{
    public static void CopyTo(this byte[] bytes, string path) => File.WriteAllBytes(path, bytes);
}
