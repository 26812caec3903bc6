using System.CommandLine;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse replay`: the run in a picture, again.</summary>
internal static class ReplayCommand
{
    public static Command Create(Screen screen)
    {
        var input = new Argument<string>("PICTURE") { Description = "A PNG that `obverse invert` wrote." };
        var output = new Option<string?>("--out", "-o") { HelpName = "FILE.png", Description = "Where to write. [default: the picture's name with -replay; with --check: nowhere]" };
        var check = Flags.Switch("--check", "Compare with the picture: exit code 0 if the bytes are the same, 1 if not.");
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: as the run had; another number may change the last bits]", 1, 1024);
        var json = Flags.Switch("--json", "Print progress and result as JSON lines.");
        var command = new Command("replay",
            """
            Make a picture again from the run that is stored in it. The same model, threads and versions give the
            same bytes; where one of them differs it is said.

              obverse replay a-tabby-cat.png -o again.png
              obverse replay a-tabby-cat.png --check
            """)
        {
            input, output, check, threads, json,
        };
        command.SetAction(parsed => Replay(screen, parsed.GetRequiredValue(input), parsed.GetValue(output), parsed.GetValue(check), parsed.GetValue(threads), parsed.GetValue(json)));
        return command;
    }

    private static int Replay(Screen screen, string input, string? output, bool check, int? threads, bool json)
    {
        var run = Run.FromPicture(input);
        var path = output is null ? check ? null : OutputPaths.Free(OutputPaths.Beside(input, "-replay")) : OutputPaths.Wanting("--out", output, ".png");
        if (path is not null) OutputPaths.MustBeWritable(path, 3L * run.Width * run.Height + (1 << 16));
        using var model = LoadedModel.Open(screen, run.Model, threads ?? run.Threads, device: LoadedModel.DeviceOf(run), precision: LoadedModel.PrecisionOf(run));
        var differences = Differences.Of(run, model);
        foreach (var difference in differences) screen.Note($"not as it was: {difference}");
        run = run with { ModelSha256 = model.Sha256, WordsSha256 = model.WordsSha256, Threads = Runtime.Threads, Libtorch = Runtime.Version, Obverse = Run.Version, Precision = model.Precision, Random = Generator.Name };

        using var folder = new ScratchFolder();
        var drawn = Drawing.Draw(run, model.Encoder, new DrawingFiles(Path.Combine(folder.Path, "replay.png")), screen, ProgressView.For(screen, json));
        if (drawn.Checkpoint is not null) return screen.Fail("stopped; nothing was written", 1);
        var bytes = File.ReadAllBytes(drawn.File);
        var same = bytes.AsSpan().SequenceEqual(File.ReadAllBytes(input));
        if (path is not null) AtomicFile.Write(path, stream => stream.Write(bytes));
        var pixels = same || drawn.Picture.Rgb.SequenceEqual(Picture.Load(input).Rgb);
        if (json) screen.Json(new { Event = "result", File = path, Same = same, SamePixels = pixels, Differences = differences });
        else screen.Say($"{path ?? input}  {(same ? "the same bytes" : pixels ? "the same pixels; the file's other parts differ" : "not the same picture")}");
        return check && !same ? 1 : 0;
    }
}
