using System.CommandLine;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse vary`: pictures as the prompt (SD-IPC).</summary>
internal static class VaryCommand
{
    public static Command Create(Screen screen)
    {
        var images = new Argument<string[]>("IMAGE") { Arity = ArgumentArity.OneOrMore, Description = "Reference pictures; of several, the mean of their embeddings on the sphere is used." };
        var clip = Flags.Text("--clip", "MODEL", "The CLIP that sees them; its text encoder must be the model's. [default: the model's own]");
        var edit = Flags.Text("--edit", "TEXT", "Change the picture by a text (SD-IPC, eq. 8).");
        var alpha = Flags.Number("--alpha", "A", "With --edit: weight of the text. [default: 0.9]", -1000, 1000);
        var script = Flags.Switch("--script-edit", "Add each row's own text state, as the authors' script does, instead of the end token's.");
        var norm = Flags.Parsed<NormRule?>("--norm", "script|paper", "Norm rule of the converted vector: fixed in the text encoder's space (script) or relative to the image embedding (paper, eq. 6). [default: script]",
            text => text switch { "script" => NormRule.Script, "paper" => NormRule.Paper, _ => throw new FormatException("script or paper was wanted") });
        var length = Flags.Number("--length", "L", "The norm. [default: 27.5 and 27 for CLIP ViT-L/14, else measured on captions]", 0, 1e6);
        var cutoff = Flags.Number("--cutoff", "C", "Singular values of the text projection below this are dropped. [default: 0.3]", 0, 1e6);
        var sampling = new SamplingOptions();
        var command = new Command("vary",
            """
            Draw variations of a picture by Stable Diffusion with the picture as the prompt (SD-IPC): its CLIP embedding is
            converted to a prompt by the pseudo-inverse of the text projection; nothing is trained.

              obverse vary cat.jpg --n 4
              obverse vary cat.jpg --edit "in the snow" --alpha 0.6
            """)
        {
            images, clip, edit, alpha, script, norm, length, cutoff,
        };
        sampling.AddTo(command);
        command.SetAction(parsed =>
        {
            var paths = parsed.GetRequiredValue(images);
            foreach (var path in paths)
            {
                if (!File.Exists(path)) throw new UsageException($"{path}: no such picture; `obverse diffuse` takes a text as the prompt");
                _ = Picture.Load(path);
            }

            var text = parsed.GetValue(edit);
            if (text is null && (parsed.GetValue(alpha) is not null || parsed.GetValue(script))) throw new UsageException("--alpha and --script-edit need --edit, the text that changes the picture");
            var tuned = parsed.GetValue<string?>("--tuned") is { } delta && Path.Exists(delta) ? TunedDelta.InfoOf(delta) : null; // converted as it was tuned
            var references = new SampleReferences
            {
                Pictures = [.. paths.Select(StoredFile.Of)], Clip = parsed.GetValue(clip), Edit = text, Alpha = parsed.GetValue(alpha) ?? 0.9, EditRule = parsed.GetValue(script) ? EditRule.Script : EditRule.Paper,
                Norm = parsed.GetValue(norm) ?? tuned?.Norm ?? NormRule.Script, Length = parsed.GetValue(length), Cutoff = parsed.GetValue(cutoff) ?? tuned?.Cutoff ?? PromptConverter.DefaultCutoff,
            };
            return sampling.Run(screen, parsed, FileNames.Slug($"{Path.GetFileNameWithoutExtension(paths[0])} {text ?? "variation"}"), text, job => job with { References = references });
        });
        return command;
    }
}
