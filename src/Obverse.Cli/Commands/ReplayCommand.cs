using System.CommandLine;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse replay`: the job stored in a picture, again.</summary>
internal static class ReplayCommand
{
    public static Command Create(Screen screen)
    {
        var input = new Argument<string>("PICTURE") { Description = "A PNG that Obverse drew." };
        var output = new Option<string?>("--out", "-o") { HelpName = "FILE.png", Description = "Where to write. [default: the picture's name with -replay; with --check nothing is written]" };
        var check = Flags.Switch("--check", "Compare with the picture: exit code 0 if the bytes are equal, else 1.");
        var threads = Flags.Threads("Processor cores to use; another number may change the last bits. [default: those of the job]");
        var json = Flags.Json();
        var command = new Command("replay",
            """
            Draw a picture again from the job stored in it. The same model, threads and versions give the same bytes;
            differences are reported. The picture may be a stranger's: what the job names on this machine must have the
            SHA-256 that the job says, and nothing is fetched.

              obverse replay a-tabby-cat.png -o again.png
              obverse replay a-tabby-cat.png --check
            """)
        {
            input, output, check, threads, json,
        };
        var stored = new StoredJobOptions();
        stored.AddTo(command);
        command.SetAction(parsed => Replay(screen, parsed.GetRequiredValue(input), parsed.GetValue(output), parsed.GetValue(check), parsed.GetValue(threads), parsed.GetValue(json), stored.Of(parsed)));
        return command;
    }

    private static int Replay(Screen screen, string input, string? output, bool check, int? threads, bool json, StoredJobAccess access)
    {
        var job = Job.FromPicture(input);
        using var name = output is not null ? OutputName.Asked(OutputPaths.Wanting("--out", output, ".png")) : check ? null : OutputName.Free(FileNames.Beside(input, "-replay"));
        var path = name?.Path;
        if (path is not null) FileNames.MustBeWritable(path, 3L * SidesOf(job) + (1 << 16));
        using var workshop = access.Open(screen, job, threads, out var differences);
        job = Differences.Here(job, workshop);
        using var folder = new ScratchFolder();
        var (file, pixelsOf, isStopped) = Draw(screen, json, job, workshop, new Outputs(Path.Combine(folder.Path, "replay.png")) { CheckpointEvery = null });
        if (isStopped) return screen.Fail("stopped; nothing was written", 1);
        var bytes = File.ReadAllBytes(file);
        var same = bytes.AsSpan().SequenceEqual(File.ReadAllBytes(input));
        if (path is not null) AtomicFile.Write(path, stream => stream.Write(bytes));
        var pixels = same || pixelsOf.Rgb.SequenceEqual(Picture.Load(input).Rgb);
        if (json) screen.Json(new { Event = "result", File = path, Same = same, SamePixels = pixels, Differences = differences });
        else screen.Say($"{path ?? input}  {(same ? "the same bytes" : pixels ? "the same pixels, different metadata" : "a different picture")}");
        return check && !same ? 1 : 0;
    }

    private static (string File, Picture Picture, bool IsStopped) Draw(Screen screen, bool json, Job job, Workshop workshop, Outputs outputs)
    {
        var (view, events) = (ProgressView.For(screen, json), job.Run(workshop, outputs, screen.Stop));
        if (job is SampleJob) return view.Watch<SampleFinished>(events) is var sample ? (sample.File!, sample.Picture, sample.IsStopped) : default;
        return view.Watch(events) is var drawn ? (drawn.File!, drawn.Picture, drawn.IsStopped) : default;
    }

    private static long SidesOf(Job job) => job switch { InversionJob one => (long)one.Width * one.Height, SampleJob one => (long)one.Width * one.Height, _ => 0 };
}
