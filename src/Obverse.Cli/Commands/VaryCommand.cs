using System.CommandLine;
using Obverse.Files;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse vary`: pictures as the prompt (SD-IPC).</summary>
internal static class VaryCommand
{
    public static Command Create(Screen screen)
    {
        var images = new Argument<string[]>("IMAGE") { Arity = ArgumentArity.ZeroOrMore, Description = "Reference pictures, each perhaps with a weight: a.jpg b.jpg:0.5." };
        var edit = Flags.Text("--edit", "TEXT", "Change the picture by a text (SD-IPC, eq. 8).");
        var references = new ReferenceOptions();
        var sampling = new SamplingOptions();
        var command = new Command("vary",
            """
            Draw variations of a picture by Stable Diffusion with the picture as the prompt (SD-IPC): its CLIP embedding is
            converted to a prompt by the pseudo-inverse of the text projection; nothing is trained.

              obverse vary cat.jpg --n 4
              obverse vary cat.jpg --edit "in the snow" --alpha 0.6
              obverse vary cat.jpg dog.jpg:0.5 --share rows
              obverse vary --batch pictures.jsonl -o out
            """)
        {
            images, edit,
        };
        references.AddTo(command);
        sampling.AddTo(command);
        command.SetAction(parsed =>
        {
            var (paths, text) = (parsed.GetValue(images) ?? [], parsed.GetValue(edit));
            if (text is not null && string.IsNullOrWhiteSpace(text)) throw new UsageException("--edit: the text is empty");
            if (parsed.GetValue(sampling.Resume) is { } checkpoint)
            {
                SamplingOptions.MustBeAlone(command, parsed, paths.Length > 0);
                return new SamplingSession(screen, sampling, parsed).Resume(checkpoint, sampling.Stored.Of(parsed));
            }

            if (parsed.GetValue(sampling.Batch) is { } batch)
            {
                if (paths.Length > 0) throw new UsageException("give pictures or --batch, not both");
                var folder = parsed.GetValue(sampling.Out) ?? throw new UsageException("--batch needs --out, the folder for the pictures");
                return SampleBatch.Run(screen, sampling, parsed, SampleLines.Read(batch, ofPictures: true, screen.Stop), folder, Path.GetFileName(batch),
                    (line, job, workshop) => job with { References = references.Of(parsed, workshop, line.Images.Select(SampleReference.Parse), line.Edit ?? text, line.Alpha) });
            }

            if (paths.Length == 0) throw new UsageException("no picture given: give one or more, or --batch; `obverse diffuse` takes a text as the prompt");
            SampleReference[] pictures = [.. paths.Select(SampleReference.Parse)];
            if (text is null && references.WantsText(parsed)) throw new UsageException("--alpha and --script-edit need --edit, the text that changes the picture");
            return new SamplingSession(screen, sampling, parsed) { Named = FileNames.Slug($"{Path.GetFileNameWithoutExtension(pictures[0].Picture.Path)} {text ?? "variation"}"), Wanted = text }
                .Run((job, workshop) => job with { References = references.Of(parsed, workshop, pictures, text) });
        });
        return command;
    }
}
