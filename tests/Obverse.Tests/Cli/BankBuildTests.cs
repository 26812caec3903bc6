using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse bank build`, `merge` and `show` on small pictures and a tiny model.</summary>
[Collection("command line")]
public class BankBuildTests
{
    private const int Count = 7;

    [Fact]
    public void Parts_joined_and_a_build_that_was_stopped_are_the_build_at_once_to_the_byte()
    {
        using var program = new Program();
        Index(program, "i.safetensors");
        Assert.Equal(0, program.Run(Build(program, "whole.safetensors")).Code);

        Assert.Equal(0, program.Run(Build(program, "a.safetensors", "--shard", "1/2")).Code);
        Assert.Equal(0, program.Run(Build(program, "b.safetensors", "--shard", "2/2")).Code);
        Assert.Equal(0, program.Run("bank", "merge", program["b.safetensors"], program["a.safetensors"], "-o", program["joined.safetensors"]).Code);
        Assert.Equal(program.Bytes("whole.safetensors"), program.Bytes("joined.safetensors"));

        // Stopped in its third batch: two batches are saved, and not fitted again.
        var settings = Settings(program, "whole.safetensors");
        using (var index = RetrievalIndex.Open(program["i.safetensors"]))
        {
            using var stop = new CancellationTokenSource();
            var build = new InrBankBuild(index, settings, program["again.safetensors"]) { BatchSize = 2, OnProgress = at => { if (at.Done == 4) stop.Cancel(); } };
            Assert.Throws<OperationCanceledException>(() => build.Run(stop.Token));
            Assert.False(File.Exists(program["again.safetensors"]));
            Assert.True(File.Exists(build.Unfinished));
        }

        var answer = program.Run(Build(program, "again.safetensors", "--json"));
        Assert.Equal((4, Count - 4), (answer.Lines[^1].GetProperty("reused").GetInt32(), answer.Lines[^1].GetProperty("fitted").GetInt32()));
        Assert.Equal(program.Bytes("whole.safetensors"), program.Bytes("again.safetensors"));
        Assert.False(File.Exists(Path.ChangeExtension(program["again.safetensors"], ".part.safetensors")));
    }

    [Fact]
    public void A_bank_renders_its_pictures_and_holds_the_pairs_it_was_given()
    {
        using var program = new Program();
        Index(program, "i.safetensors");
        File.Copy(program["pictures/0.png"], program["twin.png"]);
        Assert.Equal(0, program.Run("index", "build", program["pictures"], program["twin.png"], "-o", program["pairs.safetensors"], "--model", program.Model, "--threads", "1").Code);
        Assert.Equal(0, program.Run(Build(program, "b.safetensors", "--steps", "150", "--pairs", program["pairs.safetensors"])).Code);
        using var bank = InrBank.Open(program["b.safetensors"]);
        Assert.Equal(Count, bank.Count);
        Assert.Equal(bank.Index.Captions, bank.Pairs.Captions); // the twin is one picture
        Assert.All(bank.Psnr, psnr => Assert.InRange(psnr, 20, 80));
        for (var i = 0; i < Count; i++)
        {
            using var scope = new TensorScope();
            using var canvas = bank.Take(i, 24, 24);
            var wanted = bank.Settings!.Targets(bank.Settings.Pixels(program[$"pictures/{i}.png"]), 1);
            Assert.Equal(bank.Psnr[i], 10 * Math.Log10(4 / (canvas.Colours().Clamp(-1, 1) - wanted).Square().Mean().Item()), 1);
        }

        // A longer fit without perturbation stands noise less than one under it (that is what it is for).
        Assert.Equal(0, program.Run(Build(program, "plain.safetensors", "--steps", "150", "--no-awp")).Code);
        Assert.Equal(0, program.Run(Build(program, "robust.safetensors", "--steps", "150", "--gamma", "0.05")).Code);
        var shown = program.Run("bank", "show", program["robust.safetensors"], "-o", program["s.png"], "--robustness", program["r.png"], "--against", program["plain.safetensors"], "--threads", "1", "--json");
        Assert.Equal(0, shown.Code);
        Assert.True(Picture.Load(program["s.png"]).Width > 0 && Picture.Load(program["r.png"]).Width > 0);
        double At(string bank) => shown.Lines.Single(line => line.GetProperty("event").GetString() == "noise" && line.GetProperty("bank").GetString() == program[bank] && line.GetProperty("noise").GetDouble() == 0.05).GetProperty("psnrToOwn").GetDouble();
        Assert.True(At("robust.safetensors") > At("plain.safetensors") + 0.5, $"{At("robust.safetensors")} dB, plain {At("plain.safetensors")} dB");
    }

    [Fact]
    public void What_cannot_be_fitted_is_named_and_what_does_not_belong_is_refused()
    {
        using var program = new Program();
        Index(program, "i.safetensors");
        File.WriteAllText(program["pictures/3.png"], "no picture any more");
        var built = program.Run(Build(program, "b.safetensors", "--json"));
        Assert.Equal(0, built.Code);
        Assert.Contains("3.png: is not the picture that is in the index", built.Error, StringComparison.Ordinal);
        Assert.Equal((Count - 1, 1), (built.Lines[^1].GetProperty("entries").GetInt32(), built.Lines[^1].GetProperty("unreadable").GetInt32()));

        var other = program.Run(Build(program, "b.safetensors", "--steps", "9"));
        Assert.Equal(2, other.Code);
        Assert.Contains("was fitted with steps 3; asked for was steps 9", other.Line, StringComparison.Ordinal);
        Assert.Contains("fewer than 9 parts", program.Run(Build(program, "c.safetensors", "--shard", "9/9")).Line, StringComparison.Ordinal);

        using (var scope = new TensorScope())
        using (var random = new Generator(4))
        using (var foreign = new RetrievalIndex("another", random.Normal(3, 16), random.Normal(3, 16))) foreign.Save(program["f.safetensors"]);
        Assert.Contains("was made with", program.Run(Build(program, "d.safetensors", "--pairs", program["f.safetensors"])).Line, StringComparison.Ordinal);
        Assert.Contains("no picture paths", program.Run("bank", "build", "--index", program["f.safetensors"], "-o", program["e.safetensors"]).Line, StringComparison.Ordinal);
        Assert.Equal(0, program.Run(Build(program, "g.safetensors", "--steps", "4")).Code);
        Assert.Contains("was fitted with steps 4; asked for was steps 3", program.Run("bank", "merge", program["b.safetensors"], program["g.safetensors"], "-o", program["h.safetensors"]).Line, StringComparison.Ordinal);
        foreach (var never in new[] { "c", "d", "e", "h" }) Assert.False(File.Exists(program[$"{never}.safetensors"]));
    }

    private static string[] Build(Program program, string output, params string[] more) =>
        ["bank", "build", "--index", program["i.safetensors"], "-o", program[output], "--side", "24", "--width", "16", "--hidden", "2", "--at-once", "2", "--threads", "1", .. more.Contains("--steps") ? more : [.. more, "--steps", "3"]];

    private static InrBankSettings Settings(Program program, string bank)
    {
        using var opened = InrBank.Open(program[bank]);
        return opened.Settings!;
    }

    private static void Index(Program program, string name)
    {
        Directory.CreateDirectory(program["pictures"]);
        for (var i = 0; i < Count; i++) IndexSourceTests.Noise(i).Save(program[$"pictures/{i}.png"]);
        Assert.Equal(0, program.Run("index", "build", program["pictures"], "-o", program[name], "--model", program.Model, "--threads", "1").Code);
    }
}
