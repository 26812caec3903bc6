using System.CommandLine;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse embed`: texts or pictures to rows of a tensor.</summary>
internal static class EmbedCommand
{
    public static Command Create(Screen screen)
    {
        var pictures = new Argument<string[]>("PICTURES") { Arity = ArgumentArity.ZeroOrMore, Description = "Picture files, one row each." };
        var texts = Flags.Text("--text-file", "FILE", "Embed texts instead of pictures: a file with one text per line; - reads standard input.");
        var output = new Option<string>("--out", "-o") { HelpName = "FILE.safetensors", Description = "Where to write.", Required = true };
        var model = Flags.Model();
        var raw = Flags.Switch("--raw", "Do not normalise the embeddings.");
        var device = Flags.Device();
        var precision = Flags.Precision();
        var threads = Flags.Threads();
        var json = Flags.Json("Print the result as a JSON line.");
        var command = new Command("embed",
            """
            Embed texts or pictures into one tensor `embeddings` [rows, d], one row per line or picture, in input order.

              obverse embed --text-file captions.txt -o captions.safetensors
              obverse embed photos/*.jpg -o photos.safetensors --model ./ViT-B-32
            """)
        {
            pictures, texts, output, model, raw, threads, device, precision, json,
        };
        command.SetAction(parsed =>
        {
            var (files, list, path) = (parsed.GetValue(pictures) ?? [], parsed.GetValue(texts), OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".safetensors"));
            if ((files.Length == 0) == (list is null)) throw new UsageException(files.Length == 0 ? "nothing to embed: give pictures, or --text-file" : "give pictures or --text-file, not both");
            var lines = list is null ? [] : TextLines.Read(list, screen.Stop);
            CliModels.Find(parsed.GetValue(model) ?? LoadedModel.Default, screen);
            FileNames.MustBeWritable(path);
            using var loaded = CliModels.Open(screen, parsed.GetValue(model) ?? LoadedModel.Default, parsed.GetValue(threads), reads: list is not null, sees: list is null, device: parsed.GetValue(device), precision: parsed.GetValue(precision) ?? Precision.Auto);
            TruncatedTexts.Warn(screen, loaded, lines);
            var problems = new List<string>();
            using var rows = list is not null
                ? EmbeddingRows.Embed(loaded.Encoder, lines, screen.Stop, !parsed.GetValue(raw))
                : EmbeddingRows.Embed(loaded.Encoder, [.. files.Select(file => (file, (Func<byte[]>)(() => Picture.ReadFile(file))))], (_, problem) => problems.Add(problem.Message), screen.Stop, !parsed.GetValue(raw));
            // A missing row would shift all that follow, so nothing is written.
            if (problems.Count > 0) return Fail(screen, problems, files.Length);
            Safetensors.Save(path, [new("embeddings", rows)], new Dictionary<string, string> { ["model"] = loaded.Name, ["model-sha256"] = loaded.Sha256, ["of"] = list is null ? "pictures" : "texts" });
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", File = path, Rows = rows.Size(0), Dimension = rows.Size(1), Model = loaded.Name });
            else screen.Say($"{path}  {rows.Size(0)} rows of {rows.Size(1)}");
            return 0;
        });
        return command;
    }

    private static int Fail(Screen screen, List<string> problems, int count)
    {
        foreach (var problem in problems.Count > 1 ? problems : []) screen.Note(problem);
        return screen.Fail(problems.Count == 1 ? problems[0] : $"{problems.Count} of {count} pictures cannot be read; nothing was written", 1);
    }
}
