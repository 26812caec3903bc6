using System.CommandLine;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;

namespace Obverse.Cli.Commands;

/// <summary>`obverse render`: a finished picture at another size.</summary>
internal static class RenderCommand
{
    public static Command Create(Screen screen)
    {
        var input = new Argument<string>("FILE") { Description = "A canvas from `obverse invert --save`, or a PNG of `obverse invert`, which is drawn again first." };
        var size = Flags.Parsed<PictureSize?>("--size", "N|WxH", "Size to render at.", text => PictureSize.Parse(text));
        size.Required = true;
        var content = Flags.Text("--content", "IMAGE", "Of a network trained with the recipe styler: redraw this picture in its style.");
        var output = new Option<string?>("--out", "-o") { HelpName = "FILE.png", Description = "Where to write. [default: the input's name with the size]" };
        var threads = Flags.Threads("Processor cores to use if it is drawn again. [default: those of the job]");
        var command = new Command("render",
            """
            Render a finished canvas at another size. Pyramids and implicit representations gain detail when rendered
            larger; pixel canvases are only enlarged.

              obverse invert "a tabby cat" --save cat.safetensors
              obverse render cat.safetensors --size 1024 -o cat-1024.png
              obverse render a-tabby-cat.png --size 512
              obverse render style.safetensors --content other.jpg --size 384x256
            """)
        {
            input, size, content, output, threads,
        };
        var stored = new StoredJobOptions();
        stored.AddTo(command);
        command.SetAction(parsed => Render(screen, parsed.GetRequiredValue(input), parsed.GetRequiredValue(size)!.Value, parsed.GetValue(content), parsed.GetValue(output), parsed.GetValue(threads), stored.Of(parsed)));
        return command;
    }

    private static int Render(Screen screen, string input, PictureSize size, string? content, string? output, int? threads, StoredJobAccess access)
    {
        using var name = output is null ? OutputName.Free(FileNames.Beside(input, $"-{size}", ".png")) : OutputName.Asked(OutputPaths.Wanting("--out", output, ".png"));
        var path = name.Path;
        var isCanvas = Path.GetExtension(input).Equals(".safetensors", StringComparison.OrdinalIgnoreCase);
        var job = (isCanvas ? InversionJob.FromSafetensors(input) : InversionJob.FromPicture(input)) with { Shown = size };
        if (content is not null && !isCanvas) throw new UsageException($"--content wants a saved network (`obverse invert --recipe styler --save style.safetensors`); {input} is none");
        var (shape, source) = content is null ? (new PictureSize(job.Width, job.Height), input) : (DrawingOptions.ShapeOf(content), content);
        if (shape.IsSquashedBy(size)) screen.Note($"{source}: {shape} is stretched to {size}");
        FileNames.MustBeWritable(path, 3L * size.Width * size.Height + (1 << 16));
        if (isCanvas)
        {
            using var canvas = SavedCanvas.Open(input, access.Files, content);
            (canvas.Job with { Shown = size }).SavePicture(canvas.Show(size.Height, size.Width, screen.Stop), path);
        }
        else
        {
            using var workshop = access.Open(screen, job, threads, out _);
            ProgressView.For(screen, json: false).Watch(job.Run(workshop, new Outputs(path) { KeepsWhenStopped = false }, screen.Stop));
        }

        screen.Say($"{path}  {size}");
        return 0;
    }
}
