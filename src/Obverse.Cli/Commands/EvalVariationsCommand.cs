using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Obverse.Diffusion;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval variations`: held-out pictures drawn again from their class's text and from themselves, for Tables 2 and 6 of SD-IPC (sd-ipc.md 6.6).</summary>
internal static class EvalVariationsCommand
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { WriteIndented = true, DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    public static Command Create(Screen screen)
    {
        var pictures = new Argument<string>("PICTURES") { Description = "A labelled folder or zip: a folder a class, or name.wnid.jpg with ImageNet's ids." };
        var output = new Option<string>("--out", "-o") { HelpName = "FOLDER", Description = "Where real/, a folder a method, and table.json go; what is there is not drawn again.", Required = true };
        var count = Flags.Whole("--n", "Pictures, spread evenly over the set. [default: 200]", 1, 1_000_000);
        var edit = Flags.Text("--edit", "TEXT", "Edits in place of variations, {a} being the class after its article, {} the class: \"{a} with a mountain in the background\".");
        var alphas = Flags.Parsed<double[]?>("--alphas", "A,…", "With --edit: weights of the text, a method each. [default: 0,0.3,0.6,0.9,1.2]", text => [.. text.Split(',').Select(one => double.Parse(one, NumberStyles.Float, CultureInfo.InvariantCulture) is >= -1000 and <= 1000 and var alpha ? alpha : throw new FormatException("numbers were wanted"))]);
        var mix = Flags.Switch("--mix", "Each picture with another one of the set, half a set away, in place of variations: by their mean on the sphere, and by rows shared out.");
        var model = Flags.Text("--model", "MODEL", $"The Stable Diffusion model. [default: {SamplingOptions.Usual}]");
        var steps = SamplingOptions.StepCount();
        var guidance = SamplingOptions.GuidanceScale();
        var threads = Flags.Threads();
        var command = new Command("variations",
            """
            Draw held-out pictures again: from a text with their class, and from themselves (SD-IPC, Table 2); or, with
            --edit, from themselves and a text over its weight alpha (Table 6); or, with --mix, from two pictures at once.
            `eval table` then measures them.

              obverse eval variations tiny-imagenet-val.zip -o results/variations
              obverse eval table --spec results/variations/table.json -o results/variations/table
              obverse eval variations tiny-imagenet-val.zip --n 60 --edit "{a} in the snow" -o results/edits
            """)
        {
            pictures, output, count, edit, alphas, mix, model, steps, guidance, threads,
        };
        command.SetAction(parsed =>
        {
            var (from, to, name, change) = (parsed.GetRequiredValue(pictures), parsed.GetRequiredValue(output), parsed.GetValue(model) ?? SamplingOptions.Usual, parsed.GetValue(edit));
            if (change is null && parsed.GetValue(alphas) is { Length: > 0 }) throw new UsageException("--alphas needs --edit");
            if (change is not null && parsed.GetValue(mix)) throw new UsageException("give --edit or --mix, not both");
            var labelled = LabelledPicture.OfSet(from).Select(one => (Picture: one, Class: ClassOf(one))).Where(one => one.Class is not null).ToArray();
            if (labelled.Length == 0) throw new UsageException($"{from}: no picture has a label; a folder a class, or name.wnid.jpg, was wanted");
            var wanted = Math.Min(parsed.GetValue(count) ?? 200, labelled.Length);
            var chosen = Enumerable.Range(0, wanted).Select(i => labelled[(int)((long)i * labelled.Length / wanted)]).ToArray();
            (string Name, double? Alpha)[] methods = parsed.GetValue(mix) ? [("mean", null), ("rows", null)] : change is null ? [("text", null), ("ipc", null)] : [.. (parsed.GetValue(alphas) is { Length: > 0 } given ? given : [0, 0.3, 0.6, 0.9, 1.2]).Select(alpha => (FormattableString.Invariant($"alpha-{alpha}"), (double?)alpha))];
            using var workshop = CliModels.Workshop(screen, parsed.GetValue(threads));
            if (workshop.Diffusion(name).Clip is null) throw new UsageException($"{name} holds no CLIP that sees pictures");
            var plain = SamplingOptions.Plain(workshop, name, null, parsed.GetValue(steps), parsed.GetValue(guidance));
            Directory.CreateDirectory(Path.Combine(to, "real"));
            if (parsed.GetValue(mix)) Directory.CreateDirectory(Path.Combine(to, "other"));
            var (watch, made, there) = (Stopwatch.StartNew(), 0, 0);
            var files = new string[chosen.Length];
            for (var i = 0; i < chosen.Length; i++)
            {
                screen.Stop.ThrowIfCancellationRequested();
                var (picture, thing) = (chosen[i].Picture, chosen[i].Class!);
                files[i] = string.Create(CultureInfo.InvariantCulture, $"{i:D4}-{FileNames.Slug(thing)}.png");
                var real = Path.Combine(to, "real", files[i]);
                if (!File.Exists(real)) Picture.Decode(picture.Read(), picture.Name).OnWhite().Save(real);
                List<SampleReference> references = [new(StoredFile.Of(real))];
                if (parsed.GetValue(mix))
                {
                    var (other, second) = (chosen[(i + chosen.Length / 2) % chosen.Length].Picture, Path.Combine(to, "other", files[i]));
                    if (!File.Exists(second)) Picture.Decode(other.Read(), other.Name).OnWhite().Save(second);
                    references.Add(new(StoredFile.Of(second)));
                }

                foreach (var (method, alpha) in methods)
                {
                    var drawn = Path.Combine(to, method, files[i]);
                    Directory.CreateDirectory(Path.Combine(to, method));
                    if (File.Exists(drawn))
                    {
                        there++;
                        continue;
                    }

                    var job = plain with { Seed = (ulong)i };
                    job = method == "text" ? job with { Prompt = TextOf(thing) } : job with { References = new() { Pictures = [.. references], Edit = change is null ? null : EditOf(thing), Alpha = alpha ?? 0, Share = method == "rows" ? ReferenceShare.Rows : ReferenceShare.Mean } };
                    job.Finish(workshop, new Outputs(drawn), screen.Stop);
                    made++;
                    screen.Progress(string.Create(CultureInfo.InvariantCulture, $"{made + there}/{chosen.Length * methods.Length} {method} {files[i]}, about {Durations.Show(watch.Elapsed.TotalSeconds / made * (chosen.Length * methods.Length - made - there))} left"));
                }
            }

            foreach (var folder in methods.Select(method => method.Name).Append("real")) AtomicFile.WriteText(Path.Combine(to, folder, "captions.jsonl"), string.Concat(chosen.Select((one, i) => JsonSerializer.Serialize(new { file = files[i], captions = new[] { change is null ? TextOf(one.Class!) : EditOf(one.Class!) } }) + "\n")));
            var mixes = parsed.GetValue(mix);
            TableMeasure Pairs(string folder, string? title) => new("clip-i", LoadedModel.JudgeName, folder, Pairs: true, Title: title);
            TableMeasure[] measures = mixes ? [Pairs("real", "CLIP-I to the first (pocket-judge)"), Pairs("other", "CLIP-I to the second (pocket-judge)")] : [Pairs("real", null), new("clip-t", LoadedModel.JudgeName)];
            AtomicFile.WriteText(Path.Combine(to, "table.json"), JsonSerializer.Serialize(new
            {
                title = mixes ? "Two pictures as a prompt" : change is null ? "Pictures and texts as prompts" : "Pictures changed by a text", methods = methods.Select(method => new { name = method.Name, pictures = method.Name + "/captions.jsonl" }),
                measures = (TableMeasure[])[.. measures, new("fid", LoadedModel.JudgeName, "real"), new("cmmd", LoadedModel.JudgeName, "real")],
            }, json) + "\n");
            ContactSheet.Save(Sheet(to, (mixes ? ["other"] : (string[])[]).Concat(methods.Select(method => method.Name)), files), Path.Combine(to, "sheet.png"));
            screen.Say($"{to}  {made} drawn, {there} there already; measure: obverse eval table --spec {Path.Combine(to, "table.json")} -o {Path.Combine(to, "table")}");
            return 0;

            string EditOf(string thing) => Wordings.Fill(change!, thing);
        });
        return command;
    }

    private static string TextOf(string thing) => Wordings.Fill("a photo of {a}", thing);

    // ImageNet's name of the label, or the label itself.
    private static string? ClassOf(LabelledPicture picture) => picture.Among(names) is [var first, ..] ? names[first] : picture.Labels.FirstOrDefault()?.Replace('_', ' ');

    private static readonly string[] names = [.. ImageNet.Classes.Select(c => c.ClipName)];

    // The first pictures, each above what was made of it.
    private static Picture Sheet(string to, IEnumerable<string> methods, IReadOnlyList<string> files)
    {
        const int Shown = 12;
        string[] folders = ["real", .. methods];
        var some = Enumerable.Range(0, Math.Min(Shown, files.Count)).Select(i => files[(int)((long)i * files.Count / Math.Min(Shown, files.Count))]).ToArray();
        return ContactSheet.Draw([.. folders.SelectMany(folder => some.Select(file => (Picture.Load(Path.Combine(to, folder, file)), "")))], some.Length, 96, rowHeadings: folders);
    }
}
