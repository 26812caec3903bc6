using System.CommandLine;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Retrieval;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse index`: captioned pictures and their embeddings.</summary>
internal static class IndexCommand
{
    public static Command Create(Screen screen) => new("index", "Build an index of captioned pictures, and search it by text, picture or vector.") { Build(screen), Search(screen) };

    private static Command Build(Screen screen)
    {
        var sources = new Argument<string[]>("PICTURES") { Arity = ArgumentArity.OneOrMore, Description = "Picture files; folders (with subfolders); captions.jsonl; a picture set of `obverse data pocket`, by its folder or as \"pocket\"." };
        var captions = Flags.Text("--captions", "FILE.tsv", "Captions: per line a file name, a tab and its caption. [default: the file names]");
        var output = new Option<string>("--out", "-o") { HelpName = "DIR|FILE.safetensors", Description = "Where to write the index: a folder or one file; an existing index is extended.", Required = true };
        var model = Flags.Model();
        var count = Flags.Whole("--count", "Sample N pictures of a picture set, half photographs and half emoji, balanced over classes. [default: all]", 1, 100_000_000);
        var photos = Flags.Switch("--photos", "Use only the photographs of a picture set.");
        var seed = Flags.Seed("the sample");
        var thumbnails = Flags.Whole("--thumbnails", "Store thumbnails in the index, their longer side N pixels. [default: none]", 8, 1024);
        var device = Flags.Device();
        var precision = Flags.Precision();
        var threads = Flags.Threads();
        var kind = Kind("Search structure to build: none for exact search, or an HNSW graph. [default: exact up to 200,000 rows, hnsw above]");
        var json = Flags.Json();
        var command = new Command("build",
            """
            Embed pictures and their captions into an index. Pictures already in it are not embedded again, so the same
            command resumes after an interruption; unreadable pictures are reported and left out.

              obverse index build photos/ -o photos.index
              obverse index build captions.jsonl -o photos.index --thumbnails 64
              obverse index build pocket-data --photos --count 3000 -o pairs.safetensors

            Each line of captions.jsonl is {"file": "relative/path.jpg", "captions": ["a dog", "a dog in the snow"]}.
            """)
        {
            sources, captions, output, model, count, photos, seed, thumbnails, kind, device, precision, threads, json,
        };
        command.SetAction(parsed =>
        {
            var (target, wanted, asJson) = (parsed.GetRequiredValue(output), parsed.GetValue(model) ?? LoadedModel.Default, parsed.GetValue(json));
            var path = RetrievalIndex.FileToWrite(target);
            using var pictures = new PictureSources
            {
                Model = wanted, Count = parsed.GetValue(count), Seed = parsed.GetValue(seed) ?? 0, PhotosOnly = parsed.GetValue(photos), Captions = parsed.GetValue(captions) is { } file ? CaptionFile.Parse(file, TextLines.Read(file, screen.Stop)) : null,
            };
            var all = pictures.Read(parsed.GetRequiredValue(sources));
            if (all.Count == 0) throw new UsageException("nothing to index: no .png, .jpg, .webp, .gif or .bmp found");
            CliModels.Find(wanted, screen);
            if (path != target) Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var alone = FileLock.Take(path);
            FileNames.MustBeWritable(path);
            using var loaded = CliModels.Open(screen, wanted, parsed.GetValue(threads), device: parsed.GetValue(device), precision: parsed.GetValue(precision) ?? Precision.Auto);
            using var progress = new IndexProgress(screen, asJson);
            var built = new IndexBuild(loaded.Encoder, loaded.Sha256, path) { ThumbnailSide = parsed.GetValue(thumbnails), Kind = parsed.GetValue(kind), OnProgress = progress.Report, OnNote = progress.Note }.Run(all, screen.Stop);
            progress.Dispose();
            if (built.Rows == 0) return screen.Fail($"none of {all.Count} pictures can be read; nothing was written", 1);
            if (asJson) screen.Json(new { Event = "result", File = path, built.Pictures, built.Rows, built.Added, built.Embedded, built.Known, built.Unreadable, Model = loaded.Name });
            else screen.Say($"{path}  {built.Pictures} pictures in {built.Rows} rows: {built.Added} added, {built.Known} pictures already there, {built.Unreadable} unreadable");
            return 0;
        });
        return command;
    }

    private static Command Search(Screen screen)
    {
        var index = new Argument<string>("INDEX") { Description = "An index from `obverse index build`: a file or folder." };
        var text = new Argument<string?>("TEXT") { Arity = ArgumentArity.ZeroOrOne, Description = "The query text." };
        var image = Flags.Text("--image", "FILE", "Query by a picture.");
        var vector = Flags.Text("--vector", "FILE.safetensors", "Query by the first row of `embeddings` (`obverse embed`).");
        var captions = Flags.Switch("--captions", "Compare the query with captions instead of pictures.");
        var count = Flags.Whole("-k", "Number of results. [default: 5]", 1, 1_000_000);
        var sheet = Flags.Text("--sheet", "FILE.png", "Draw a contact sheet of the results, from thumbnails or the picture files.");
        var kind = Kind("Exact search over every row, or approximate search by an HNSW graph. [default: exact up to 200,000 rows, hnsw above]");
        var model = Flags.Model("The CLIP that embeds the query.", "the one that made the index");
        var threads = Flags.Threads();
        var json = Flags.Json("Print one JSON line per result.");
        var command = new Command("search",
            """
            Find the pictures of an index that are nearest to a text, a picture or a vector: cosine, file, caption.

              obverse index search photos.index "a dog in the snow"
              obverse index search photos.index --image me.jpg -k 10 --sheet found.png
            """)
        {
            index, text, image, vector, captions, count, sheet, kind, model, threads, json,
        };
        command.SetAction(parsed =>
        {
            var (prompt, picture, row) = (parsed.GetValue(text), parsed.GetValue(image), parsed.GetValue(vector));
            if (new[] { prompt, picture, row }.Count(query => query is not null) != 1) throw new UsageException("one query was wanted: TEXT, --image or --vector");
            if (prompt is not null && string.IsNullOrWhiteSpace(prompt)) throw new UsageException("the text is empty: say what to look for, e.g. \"a dog in the snow\"");
            if (parsed.GetValue(sheet) is { } drawn) FileNames.MustBeWritable(OutputPaths.Wanting("--sheet", drawn, ".png", ".jpg", ".webp"));
            using var opened = RetrievalIndex.Open(parsed.GetRequiredValue(index));
            (opened.Kind, opened.OnNote) = (parsed.GetValue(kind), screen.Note);
            var k = parsed.GetValue(count) ?? (int)Math.Clamp(opened.Count, 1, 5);
            opened.MustHave(k);
            using var scope = new TensorScope();
            var found = opened.Find(row is not null ? opened.ReadQuery(row) : Embedded(), k, parsed.GetValue(captions));
            foreach (var one in found)
            {
                if (parsed.GetValue(json)) screen.Json(new { one.Cosine, one.Picture.Path, one.Picture.Caption, one.Row });
                else screen.Say($"{one.Cosine.ToString("0.000", CultureInfo.InvariantCulture)}  {(one.Picture.Path.Length > 0 ? one.Picture.Path : $"row {one.Row}")}  {one.Picture.Caption}");
            }

            if (parsed.GetValue(sheet) is { } path) IndexSheet.Draw(opened, found, prompt ?? picture ?? row!, screen.Note).Save(path);
            return 0;

            Tensor Embedded()
            {
                using var loaded = CliModels.Open(screen, parsed.GetValue(model) ?? opened.Model, parsed.GetValue(threads), reads: prompt is not null);
                opened.MustBelongTo(loaded.Name, loaded.Sha256);
                return (prompt is not null ? EmbeddingRows.Embed(loaded.Encoder, [prompt], screen.Stop) : EmbeddingRows.Embed(loaded.Encoder, [(picture!, () => Picture.ReadFile(picture!))], (_, wrong) => throw wrong, screen.Stop))[0];
            }
        });
        return command;
    }

    private static Option<SearchKind?> Kind(string description) => Flags.Parsed<SearchKind?>("--kind", "exact|hnsw", description, text => text switch
    {
        "exact" => SearchKind.Exact,
        "hnsw" => SearchKind.Hnsw,
        _ => throw new FormatException("exact or hnsw was wanted"),
    });
}
