using System.CommandLine;
using System.Globalization;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse index`: captioned pictures by what a CLIP makes of them.</summary>
internal static class IndexCommand
{
    public static Command Create(Screen screen) => new("index", "Make an index of captioned pictures, and search it by text, picture or vector.") { Build(screen), Search(screen) };

    private static Command Build(Screen screen)
    {
        var pictures = new Argument<string[]>("PICTURES") { Arity = ArgumentArity.OneOrMore, Description = "Picture files, or folders of them (with what is in their folders)." };
        var captions = Flags.Text("--captions", "FILE.tsv", "A line a picture: its file name, a tab, its caption. [default: the file's name in words]");
        var output = new Option<string>("--out", "-o") { HelpName = "FILE.safetensors", Description = "The index; one that is there is added to.", Required = true };
        var model = Flags.Text("--model", "MODEL", "Which CLIP looks: a folder, a file or a name of the zoo. [default: pocket-clip]");
        var device = Flags.Device();
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var json = Flags.Switch("--json", "Print the result as a JSON line.");
        var command = new Command("build",
            """
            Embed pictures and their captions into an index. A picture that is there already is not embedded again,
            so the same call goes on where it was stopped; one that cannot be read is named and left out.

              obverse index build photos/ --captions captions.tsv -o photos.index.safetensors
            """)
        {
            pictures, captions, output, model, device, threads, json,
        };
        command.SetAction(parsed =>
        {
            var path = OutputPaths.Wanting("--out", parsed.GetRequiredValue(output), ".safetensors");
            var words = parsed.GetValue(captions) is { } file ? CaptionsOf(file) : null;
            (string, string)[] all = [.. parsed.GetRequiredValue(pictures).SelectMany(Files).Select(picture => (picture, words is null ? NameInWords(picture) : words.GetValueOrDefault(Path.GetFileName(picture), "")))];
            if (all.Length == 0) throw new UsageException("nothing to index: no .png, .jpg or .webp there");
            if (all.FirstOrDefault(one => one.Item2.Length == 0) is { Item1: { } without }) throw new UsageException($"{without}: has no caption in {parsed.GetValue(captions)}");
            OutputPaths.MustBeWritable(path);
            using var before = File.Exists(path) ? RetrievalIndex.Open(path) : null;
            using var loaded = LoadedModel.Open(screen, parsed.GetValue(model) ?? LoadedModel.Default, parsed.GetValue(threads), device: parsed.GetValue(device));
            using var building = new IndexBuilding(loaded, path, screen);
            if (before is not null) building.Continue(before);
            building.Add(all);
            if (building.Count == 0) return screen.Fail($"none of {all.Length} pictures can be read; nothing was written", 1);
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", File = path, Pictures = building.Count, building.Added, building.Known, building.Unreadable, Model = loaded.Name });
            else screen.Say($"{path}  {building.Count} pictures: {building.Added} added, {building.Known} there already, {building.Unreadable} not readable");
            return 0;
        });
        return command;
    }

    private static Command Search(Screen screen)
    {
        var index = new Argument<string>("INDEX") { Description = "A file that `obverse index build` wrote." };
        var text = new Argument<string?>("TEXT") { Arity = ArgumentArity.ZeroOrOne, Description = "What to look for." };
        var image = Flags.Text("--image", "FILE", "Look for what is like this picture.");
        var vector = Flags.Text("--vector", "FILE.safetensors", "Look for what is like the first row of `embeddings` (`obverse embed`).");
        var captions = Flags.Switch("--captions", "Compare with the captions, not the pictures.");
        var count = Flags.Whole("-k", "How many. [default: 5]", 1, 1_000_000);
        var model = Flags.Text("--model", "MODEL", "Which CLIP reads the query. [default: the one that made the index]");
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var json = Flags.Switch("--json", "Print a JSON line a picture.");
        var command = new Command("search",
            """
            Find the pictures of an index that are nearest to a text, a picture or a vector: cosine, file, caption.

              obverse index search photos.index.safetensors "a dog in the snow"
              obverse index search photos.index.safetensors --image me.jpg -k 10
            """)
        {
            index, text, image, vector, captions, count, model, threads, json,
        };
        command.SetAction(parsed =>
        {
            var (words, picture, row) = (parsed.GetValue(text), parsed.GetValue(image), parsed.GetValue(vector));
            if (new[] { words, picture, row }.Count(query => query is not null) != 1) throw new UsageException("one query is wanted: TEXT, --image or --vector");
            using var opened = RetrievalIndex.Open(parsed.GetRequiredValue(index));
            using var scope = new TensorScope();
            Tensor query;
            if (row is not null)
            {
                using var file = Safetensors.Open(row);
                if (file.Metadata.TryGetValue("model-sha256", out var sha)) opened.MustBelongTo(file.Metadata.GetValueOrDefault("model", row), sha);
                query = file["embeddings"].To(DType.Float32)[0].Normalized();
            }
            else
            {
                using var loaded = LoadedModel.Open(screen, parsed.GetValue(model) ?? opened.Model, parsed.GetValue(threads), reads: words is not null);
                opened.MustBelongTo(loaded.Name, loaded.Sha256);
                var problem = "";
                query = words is not null ? EmbeddingRows.Embed(loaded.Encoder, [words], screen.Stop) : EmbeddingRows.Embed(loaded.Encoder, [picture!], (_, wrong) => problem = wrong.Message, screen.Stop);
                if (problem.Length > 0) return screen.Fail(problem, 1);
                query = query[0];
            }

            var (scores, rows) = parsed.GetValue(captions) ? opened.NearestTexts(query, parsed.GetValue(count) ?? 5) : opened.NearestImages(query, parsed.GetValue(count) ?? 5);
            foreach (var (score, at) in scores.ToFloats().Zip(rows.Contiguous().ToArray<long>()))
            {
                var found = opened.Pictures.Count > 0 ? opened.Pictures[(int)at] : new IndexedPicture("", $"row {at}", "");
                if (parsed.GetValue(json)) screen.Json(new { Cosine = score, found.Path, found.Caption, Row = at });
                else screen.Say($"{score.ToString("0.000", CultureInfo.InvariantCulture)}  {found.Path}  {found.Caption}");
            }

            return 0;
        });
        return command;
    }

    private static IEnumerable<string> Files(string path) => !Directory.Exists(path)
        ? File.Exists(path) ? [path] : throw new FileNotFoundException($"{path}: no such picture or folder")
        : Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file).ToLowerInvariant() is ".png" or ".jpg" or ".jpeg" or ".webp").Order(StringComparer.Ordinal);

    private static string NameInWords(string path) => Path.GetFileNameWithoutExtension(path).Replace('-', ' ').Replace('_', ' ');

    private static Dictionary<string, string> CaptionsOf(string path)
    {
        var found = new Dictionary<string, string>();
        foreach (var (line, number) in TextLines.Read(path).Select((line, i) => (line, i + 1)).Where(one => one.line.Length > 0))
        {
            if (line.Split('\t') is not [var name, { Length: > 0 } caption]) throw new InvalidDataException($"{path}, line {number}: a file name, a tab and a caption were wanted");
            found[name] = caption;
        }

        return found;
    }
}
