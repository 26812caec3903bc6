using System.CommandLine;
using System.Globalization;
using Obverse.Diffusion;
using Obverse.Evaluation;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;

namespace Obverse.Cli.Commands;

/// <summary>`obverse ipc measure`, `ipc spaces`: the numbers that pictures as prompts depend on, and what is kept.</summary>
internal static class IpcCommand
{
    public static Command Create(Screen screen)
    {
        var model = Flags.Model("The CLIP whose text projection is inverted.");
        var cutoff = Flags.Number("--cutoff", "C", "Singular values below this are dropped. [default: 0.3]", 0, 1e6);
        var threads = Flags.Threads();
        var json = Flags.Json();
        var measure = new Command("measure",
            """
            Mean norms of end-token states and of their projections over 100 captions, and the singular values of the text
            projection: what `obverse vary` scales and inverts by.

              obverse ipc measure --model ViT-L-14
            """)
        {
            model, cutoff, threads, json,
        };
        measure.SetAction(parsed =>
        {
            using var loaded = CliModels.Open(screen, parsed.GetValue(model) ?? LoadedModel.Default, parsed.GetValue(threads), sees: false, precision: Torch.Precision.Float32);
            var clip = loaded.Encoder.Model;
            var lengths = PromptLength.Measure(clip);
            using var converter = new PromptConverter(clip.Weights.All["text_projection"], parsed.GetValue(cutoff) ?? PromptConverter.DefaultCutoff);
            if (parsed.GetValue(json))
            {
                screen.Json(new { Event = "result", lengths.TextSpace, lengths.SharedSpace, lengths.Captions, converter.Rank, converter.SingularValues });
                return 0;
            }

            string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
            var values = converter.SingularValues;
            screen.Say($"mean norm over {lengths.Captions} captions: {Number(lengths.TextSpace)} in T-space (end token), {Number(lengths.SharedSpace)} in C-space (projected)");
            screen.Say($"singular values of the text projection: {Number(values[0])} … {Number(values[values.Count / 2])} … {Number(values[^1])}; {converter.Rank} of {values.Count} kept");
            return 0;
        });
        return new("ipc", "Pictures as prompts (SD-IPC): measure what the conversion depends on, and what it keeps.") { measure, Spaces(screen) };
    }

    private static Command Spaces(Screen screen)
    {
        var pictures = new Argument<string>("PICTURES") { Description = "A labelled folder or zip: a folder a class, or name.wnid.jpg with ImageNet's ids." };
        var captions = Flags.Text("--captions", "FILE", "Captions of other pictures, for recalls: COCO's or Karpathy's JSON, or the zip that holds it. [default: none]");
        var images = Flags.Text("--images", "FOLDER", "The captions' pictures. [default: the zip of the captions]");
        var model = Flags.Model("The CLIP whose text projection is inverted.");
        var cutoffs = Flags.Parsed<double[]?>("--cutoffs", "C,…", "Singular values below each are dropped; a row each. [default: 0.3]", text => [.. text.Split(',').Select(one => double.Parse(one, NumberStyles.Float, CultureInfo.InvariantCulture) is >= 0 and < 1e6 and var cutoff ? cutoff : throw new FormatException("numbers from 0 were wanted"))]);
        var threads = Flags.Threads();
        var json = Flags.Json();
        var command = new Command("spaces",
            """
            What a picture's conversion to a prompt keeps (SD-IPC, Table 1): zero-shot accuracy and recalls in CLIP's shared
            space (C) and in the text encoder's own (T), where the picture is its converted embedding and the text the end
            token's row. One sentence, "a photo of a {}.", Wilson's 95 % intervals.

              obverse ipc spaces imagenet-1000.zip --captions coco-mini.zip
            """)
        {
            pictures, captions, images, model, cutoffs, threads, json,
        };
        command.SetAction(parsed =>
        {
            var names = ImageNet.Classes.Select(c => c.ClipName).ToArray();
            var all = LabelledPicture.OfSet(parsed.GetRequiredValue(pictures));
            if (all.All(one => one.Among(names).Count == 0)) names = [.. all.Select(one => one.Labels.FirstOrDefault()).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
            LabelledPicture[] known = [.. all.Where(one => one.Among(names).Count > 0)];
            if (known.Length == 0) throw new UsageException($"{parsed.GetRequiredValue(pictures)}: no picture has a label; a folder a class, or name.wnid.jpg, was wanted");
            if (known.Length < all.Count) screen.Note($"{all.Count - known.Length} of {all.Count} pictures have a label outside the {names.Length} names and are left out");
            PictureSource? set = null;
            if (parsed.GetValue(captions) is { } file)
            {
                (set, var missing) = CaptionData.Find(file, CaptionData.Read(file), parsed.GetValue(images) ?? file);
                if (missing > 0) screen.Note($"{missing:N0} of the captions' pictures are not there");
            }

            using var loaded = CliModels.Open(screen, parsed.GetValue(model) ?? LoadedModel.Default, parsed.GetValue(threads), precision: Torch.Precision.Float32);
            using var scope = new Torch.TensorScope();
            (Torch.Tensor Rows, int[] Read) Embedded(IReadOnlyList<(string, Func<byte[]>)> files)
            {
                HashSet<int> bad = [];
                var rows = EmbeddingRows.Embed(loaded.Encoder, files, (i, problem) =>
                {
                    bad.Add(i);
                    screen.Note(problem.Message);
                }, screen.Stop);
                return (rows, [.. Enumerable.Range(0, files.Count).Where(i => !bad.Contains(i))]);
            }

            var (seen, read) = Embedded([.. known.Select(one => (one.Name, one.Read))]);
            (Torch.Tensor, IReadOnlyList<string>, IReadOnlyList<int>)? captioned = null;
            if (set is not null)
            {
                var (rows, there) = Embedded([.. Enumerable.Range(0, set.Pictures.Count).Select(i => (set.Pictures[i].Name, (Func<byte[]>)(() => set.Read(i))))]);
                captioned = (rows, [.. there.SelectMany(i => set.Pictures[i].Captions)], [.. there.SelectMany((i, row) => set.Pictures[i].Captions.Select(_ => row))]);
            }

            var spaces = PromptSpaces.Measure(loaded.Encoder.Model, seen, names, [.. read.Select(i => known[i].Among(names))], captioned, parsed.GetValue(cutoffs) is { Length: > 0 } given ? given : [PromptConverter.DefaultCutoff], screen.Stop);
            set?.Dispose();
            (string Name, Func<PromptSpace, IReadOnlyList<int>> Ranks, int K)[] columns =
            [
                ("Acc@1", space => space.Classes, 1), ("Acc@5", space => space.Classes, 5),
                .. set is null ? [] : ((string, Func<PromptSpace, IReadOnlyList<int>>, int)[])[("TR@1", space => space.Retrieval!.Texts, 1), ("TR@5", space => space.Retrieval!.Texts, 5), ("IR@1", space => space.Retrieval!.Images, 1), ("IR@5", space => space.Retrieval!.Images, 5)],
            ];
            if (parsed.GetValue(json))
            {
                foreach (var space in spaces)
                    foreach (var (name, ranks, k) in columns)
                        screen.Json(new { Event = "result", space.Space, Measure = name, Right = ranks(space).Count(rank => rank < k), ranks(space).Count });
                return 0;
            }

            foreach (var line in ResultTable.Markdown(["space", .. columns.Select(column => column.Name)], spaces.Select(space => (string[])[space.Space, .. columns.Select(column => Proportion.Show(column.Ranks(space).Count(rank => rank < column.K), column.Ranks(space).Count))])).TrimEnd().Split('\n')) screen.Say(line);
            screen.Say($"{seen.Size(0):N0} pictures, {names.Length:N0} names{(set is null ? "" : $"; {spaces[0].Retrieval!.Texts.Count:N0} pictures with {spaces[0].Retrieval!.Images.Count:N0} captions")}; {loaded.Name}");
            return 0;
        });
        return command;
    }
}
