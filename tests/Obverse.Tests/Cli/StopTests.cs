using System.Diagnostics;
using System.Runtime.InteropServices;
using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>Runs that are stopped or killed: nothing of theirs is lost, and what goes on ends in the same bytes.</summary>
[Collection("command line")]
public class StopTests
{
    private static string[] Ask(Program program, params string[] more) => ["invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--steps", "8", "--views", "1", "--size", "32", "--no-judge", .. more];

    // The job of a command line, stopped by leaving its loop, as a kill does: with a checkpoint after every step.
    private static void Kill(InversionJob job, string picture, int step, PictureSeries? series = null)
    {
        foreach (var at in job.Run(outputs: new Outputs(picture) { CheckpointEvery = TimeSpan.Zero, Series = series }).ToBlockingEnumerable()) if (at is StepEvent { Done: var done } && done == step) return;
    }

    [Theory]
    [InlineData("pyramid", 3)]
    [InlineData("clip-inv", 4)]
    public void What_a_kill_leaves_is_taken_up_by_the_same_command(string recipe, int step)
    {
        using var program = new Program();
        string[] ask = ["invert", "a cat", "--model", program.Model, "--recipe", recipe, "--steps", "8", "--views", "1", "--size", "32", "-o"];
        Assert.Equal(0, program.Run([.. ask, program["whole.png"]]).Code);
        var job = InversionJob.FromPicture(program["whole.png"]) with { Source = null };
        Kill(job, program["part.png"], step);
        Assert.Equal(["part.checkpoint.safetensors", "whole.png"], program.Files);
        var again = program.Run([.. ask, program["part.png"], "--json"]);
        Assert.Equal(0, again.Code);
        Assert.Contains($"resumed after step {step}", again.Error, StringComparison.Ordinal);
        Assert.Equal(8 - step, again.Lines.Count(line => line.GetProperty("event").GetString() == "step"));
        Assert.Equal(program.Bytes("whole.png"), program.Bytes("part.png"));
        Assert.Equal(["part.png", "whole.png"], program.Files);

        // Of another job it is not.
        Kill(job with { Seed = 5 }, program["part.png"], step);
        Assert.Equal(8, program.Run([.. ask, program["part.png"], "--json"]).Lines.Count(line => line.GetProperty("event").GetString() == "step"));
        Assert.Equal(program.Bytes("whole.png"), program.Bytes("part.png"));

        // A damaged one is said, and the picture drawn.
        Kill(job, program["cut.png"], step);
        File.WriteAllBytes(program["cut.checkpoint.safetensors"], program.Bytes("cut.checkpoint.safetensors")[..^9]);
        Assert.Equal(0, program.Run([.. ask, program["cut.png"]]).Code);
        Assert.Equal(program.Bytes("whole.png"), program.Bytes("cut.png"));
    }

    [Fact]
    public void A_short_run_writes_no_checkpoint()
    {
        using var program = new Program();
        Assert.Equal(0, program.Run(Ask(program, "-o", program["cat.png"])).Code);
        foreach (var at in (InversionJob.FromPicture(program["cat.png"]) with { Source = null }).Run(outputs: new Outputs(program["again.png"])).ToBlockingEnumerable()) Assert.False(File.Exists(program["again.checkpoint.safetensors"]));
        Assert.Equal(["again.png", "cat.png"], program.Files);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_resumed_series_goes_on_with_all_its_pictures_and_the_sheet(bool elsewhere)
    {
        using var program = new Program();
        string[] ask = Ask(program, "--n", "3", "--seed", "5");
        Assert.Equal(0, program.Run([.. ask, "-o", program["whole.png"]]).Code);
        var job = InversionJob.FromPicture(program["whole-seed5.png"]) with { Source = null };
        File.Copy(program["whole-seed5.png"], program["cat-seed5.png"]);
        Kill(job with { Seed = 6 }, program["cat-seed6.png"], 3, new PictureSeries(3, 5, "cat.png"));
        var name = elsewhere ? "there" : "cat";
        var resumed = program.Run(["invert", "--resume", program["cat-seed6.checkpoint.safetensors"], "--no-judge", "--json", .. elsewhere ? (string[])["-o", program["there.png"]] : []]);
        Assert.True(resumed.Code == 0, resumed.Error);
        Assert.Equal(5 + 8, resumed.Lines.Count(line => line.GetProperty("event").GetString() == "step"));
        foreach (var of in new[] { "-seed5", "-seed6", "-seed7", "-sheet" }) Assert.Equal(program.Bytes($"whole{of}.png"), program.Bytes($"{name}{of}.png"));
    }

    [Fact]
    public void A_series_that_was_killed_between_two_pictures_goes_on_by_the_same_command()
    {
        using var program = new Program();
        string[] ask = Ask(program, "--n", "3", "--seed", "5", "--json");
        Assert.Equal(0, program.Run([.. ask, "-o", program["whole.png"]]).Code);
        File.Copy(program["whole-seed5.png"], program["cat-seed5.png"]);
        var again = program.Run([.. ask, "-o", program["cat.png"]]);
        Assert.Contains("cat-seed5.png: already there", again.Error, StringComparison.Ordinal);
        Assert.Equal(16, again.Lines.Count(line => line.GetProperty("event").GetString() == "step"));
        Assert.Equal(program.Bytes("whole-sheet.png"), program.Bytes("cat-sheet.png"));
    }

    [Theory]
    [InlineData("""{"count":2000000,"seed":5,"name":"cat.png"}""")]
    [InlineData("""{"count":3,"seed":5,"name":"../cat.png"}""")]
    [InlineData("""{"count":3,"seed":5,"name":null}""")]
    [InlineData("""{"count":3,"seed":9,"name":"cat.png"}""")]
    [InlineData("[]")]
    public void A_strangers_series_is_refused(string json)
    {
        using var program = new Program();
        Assert.Equal(0, program.Run(Ask(program, "--seed", "6", "-o", program["cat.png"])).Code);
        var job = InversionJob.FromPicture(program["cat.png"]);
        Obverse.Torch.Safetensors.Save(program["cat.checkpoint.safetensors"], [], new Dictionary<string, string> { [Job.Keyword] = job.ToJson(), [PictureSeries.Keyword] = json });
        var refused = program.Run("invert", "--resume", program["cat.checkpoint.safetensors"]);
        Assert.Equal(1, refused.Code);
        Assert.Contains("its series of pictures is", refused.Line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_goes_on_in_the_middle_of_a_picture()
    {
        using var program = new Program();
        File.WriteAllLines(program["prompts.txt"], ["a tabby cat", "a red fox"]);
        string[] ask = ["batch", program["prompts.txt"], "--model", program.Model, "--recipe", "pyramid", "--steps", "8", "--views", "1", "--size", "32", "--workers", "1", "-o"];
        Assert.Equal(0, program.Run([.. ask, program["whole"]]).Code);
        Directory.CreateDirectory(program["part"]);
        Kill(InversionJob.FromPicture(program["whole/0002-a-red-fox.png"]) with { Source = null }, program["part/0002-a-red-fox.png"], 3);
        Assert.True(File.Exists(program["part/0002-a-red-fox.checkpoint.safetensors"]));
        var again = program.Run([.. ask, program["part"]]);
        Assert.Contains("resumed after step 3", again.Error, StringComparison.Ordinal);
        Assert.Equal(["0001-a-tabby-cat.png", "0002-a-red-fox.png", "sheet.png"], Directory.EnumerateFiles(program["part"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        foreach (var file in Directory.EnumerateFiles(program["whole"])) Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(program["part"], Path.GetFileName(file))));
    }

    [SkippableTheory]
    [InlineData("HUP")]
    [InlineData("TERM")]
    [InlineData("INT HUP")] // two at once
    [InlineData("TERM TERM TERM")]
    [InlineData("INT later INT")] // a second one in earnest
    public void Signals_end_a_run_in_order(string signals)
    {
        Skip.If(OperatingSystem.IsWindows(), "no signals here");
        using var program = new Program();
        var isPatient = !signals.Contains("later", StringComparison.Ordinal); // else a step must be longer than the pause
        string[] ask = ["invert", "a cat", "--model", program.Model, "--recipe", "pyramid", "--exact", "--views", isPatient ? "4" : "1024", "--size", isPatient ? "32" : "64", "--steps", "1000000", "--threads", "1", "-o", program["cat.png"], "--json"];
        using var run = Process.Start(new ProcessStartInfo("env", ["--default-signal=INT,HUP,TERM", "dotnet", typeof(Obverse.Cli.CommandLine).Assembly.Location, .. ask]) { RedirectStandardOutput = true, RedirectStandardError = true })!; // a shell's background job hands down ignored signals
        var error = run.StandardError.ReadToEndAsync();
        while (run.StandardOutput.ReadLine() is { } line && !line.Contains("\"step\":3,", StringComparison.Ordinal)) { }
        var rest = run.StandardOutput.ReadToEndAsync();
        foreach (var signal in signals.Split(' '))
        {
            if (signal == "later")
            {
                Thread.Sleep(700);
                isPatient = run.HasExited; // the step was shorter on a fast machine: nothing was left for a second one to end
            }
            else using (var kill = Process.Start("kill", ["-" + signal, run.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) kill.WaitForExit();
        }

        Assert.True(run.WaitForExit(60_000), "it does not end");
        Assert.True(run.ExitCode == 1, $"{run.ExitCode}: {rest.Result}{error.Result}");
        Assert.All(program.Files, file => Assert.False(file.StartsWith('.'), file));
        Assert.Equal(isPatient, program.Files.Contains("cat.checkpoint.safetensors"));
        if (isPatient) Assert.Contains("resume with", error.Result, StringComparison.Ordinal);
    }

    [Fact]
    public void A_render_heeds_a_stop()
    {
        using var program = new Program();
        Assert.Equal(0, program.Run(Ask(program, "-o", program["cat.png"], "--save", program["cat.safetensors"])).Code);
        foreach (var from in new[] { "cat.png", "cat.safetensors" })
        {
            using var stop = new CancellationTokenSource();
            stop.Cancel();
            using var error = new StringWriter();
            Assert.Equal(1, Obverse.Cli.CommandLine.Run(["render", program[from], "--size", "64", "-o", program["large.png"]], TextWriter.Null, error, stop.Token));
            Assert.Contains("stopped", error.ToString(), StringComparison.Ordinal);
            Assert.Equal(["cat.png", "cat.safetensors"], program.Files);
        }
    }
}
