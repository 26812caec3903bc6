using System.Diagnostics;
using Obverse.Jobs;
using Obverse.Retrieval;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class IndexResumeTests
{
    private const int Count = 80, Blocked = 70, AtOnce = 32;

    [SkippableFact]
    public void A_build_that_is_killed_goes_on_and_embeds_nothing_twice()
    {
        using var program = new Program();
        Directory.CreateDirectory(program["p"]);
        for (var i = 0; i < Count; i++) IndexSourceTests.Noise(i).Save(program[$"p/{i:00}.png"]);
        File.WriteAllLines(program["p/c.jsonl"], Enumerable.Range(0, Count).Select(i => $$"""{"file": "{{i:00}}.png", "captions": ["a red fox {{i % 7}}", "a cat {{i}}"]}"""));
        string[] Build(string output) => ["index", "build", program["p/c.jsonl"], "-o", program[output], "--model", program.Model, "--threads", "1", "--thumbnails", "8", "--json"];
        Assert.Equal(0, program.Run(Build("whole.safetensors")).Code);

        // A pipe that nobody writes to holds the third batch up until the kill.
        var held = File.ReadAllBytes(program[$"p/{Blocked}.png"]);
        File.Delete(program[$"p/{Blocked}.png"]);
        using (var made = Start("mkfifo", [program[$"p/{Blocked}.png"]]))
        {
            Skip.If(made is null, "no mkfifo here");
            made!.WaitForExit();
        }

        var journal = program["i.safetensors.part"];
        using (var build = Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "Obverse.Cli.dll"), .. Build("i.safetensors")])!)
        {
            for (var wait = Stopwatch.StartNew(); !build.HasExited && wait.Elapsed.TotalMinutes < 2 && Batches(journal) < Blocked / AtOnce; Thread.Sleep(50)) { }
            Assert.False(build.HasExited, build.HasExited ? build.StandardError.ReadToEnd() : "");
            build.Kill(); // SIGKILL
            build.WaitForExit();
        }

        Assert.Equal(Blocked / AtOnce, Batches(journal));
        Assert.False(File.Exists(program["i.safetensors"]));
        File.Delete(program[$"p/{Blocked}.png"]);
        File.WriteAllBytes(program[$"p/{Blocked}.png"], held);

        // As it was left, and cut off at places where a kill may have left it: what is whole is not embedded again, and the index is the same to the byte.
        var bytes = File.ReadAllBytes(journal);
        foreach (var kept in new[] { bytes.Length, bytes.Length - 1, bytes.Length - 40, bytes.Length / 2 + 1, bytes.Length / 3, 100, 30, 3, 0 })
        {
            File.Delete(program["i.safetensors"]);
            File.WriteAllBytes(journal, bytes[..kept]);
            var whole = Batches(journal);
            var gone = program.Run(Build("i.safetensors"));
            Assert.True(gone.Code == 0, gone.Error);
            Assert.Equal((Count, 2 * Count, Count - whole * AtOnce), (gone.Lines[^1].GetProperty("pictures").GetInt32(), gone.Lines[^1].GetProperty("rows").GetInt32(), gone.Lines[^1].GetProperty("embedded").GetInt32()));
            Assert.Equal(program.Bytes("whole.safetensors"), program.Bytes("i.safetensors"));
            Assert.False(File.Exists(journal));
        }

        // Killed between writing the index and taking the journal away: nothing is there twice.
        File.WriteAllBytes(journal, bytes);
        Assert.Equal(0, program.Run(Build("i.safetensors")).Lines[^1].GetProperty("embedded").GetInt32());
        using (var index = RetrievalIndex.Open(program["i.safetensors"])) Assert.Equal(2 * Count, index.Count);

        // Another model does not go on with it, and two builds do not write the same index.
        File.Delete(program["i.safetensors"]);
        File.WriteAllBytes(journal, bytes);
        using (var taken = new FileStream(journal, FileMode.Open, FileAccess.ReadWrite, FileShare.None)) Assert.Contains("another build", program.Run(Build("i.safetensors")).Line, StringComparison.Ordinal);
        bytes[20] ^= 1; // a letter of the model's SHA-256
        File.WriteAllBytes(journal, bytes);
        var refused = program.Run(Build("i.safetensors"));
        Assert.Equal(2, refused.Code);
        Assert.Contains("was stopped", refused.Line, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(journal));
    }

    // As IndexJournal lays them out.
    private static int Batches(string journal)
    {
        if (!File.Exists(journal)) return 0;
        // The build holds its journal locked, which .NET's own readers respect: `cp` does not.
        using (var copy = Start("cp", [journal, journal + ".seen"])!) copy.WaitForExit();
        var bytes = File.ReadAllBytes(journal + ".seen");
        if (bytes.Length < 76) return 0;
        var (at, count) = (76 + BitConverter.ToInt32(bytes, 72), 0);
        while (at + 4 <= bytes.Length && at + 4 + BitConverter.ToInt32(bytes, at) + 32 <= bytes.Length) (at, count) = (at + 4 + BitConverter.ToInt32(bytes, at) + 32, count + 1);
        return count;
    }

    private static Process? Start(string program, string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
