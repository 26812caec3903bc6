using System.CommandLine;
using System.Text.Json;
using Obverse.Diffusion;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval tuning`: draws DreamBooth's benchmark by a tuned model of each subject, for Tables 3 to 6 of SD-IPC (sd-ipc.md 6.6).</summary>
internal static class EvalTuningCommand
{
    private const string Token = "<new1>";

    public static Command Create(Screen screen)
    {
        var subjects = new Option<string>("--subjects") { HelpName = "FOLDER", Description = "The data set: a folder a subject, and prompts_and_classes.txt.", Required = true };
        var output = new Option<string>("--out", "-o") { HelpName = "FOLDER", Description = "Where pictures (SUBJECT/NN-K.png), captions.jsonl and deltas go; what is there is not drawn again. A contact sheet is saved beside it, FOLDER-sheet.png.", Required = true };
        var method = Flags.Parsed<string?>("--method", "none|ct|custom-diffusion", "Fine-tuning to each subject. [default: ct]", text => text is "none" or "ct" or "custom-diffusion" ? text : throw new FormatException("none, ct or custom-diffusion was wanted"));
        var tuned = Flags.Text("--tuned", "FILE", "A delta for all subjects, such as that of `tune --method ft`; ct starts from it.");
        var model = Flags.Text("--model", "MODEL", $"The Stable Diffusion model. [default: {SamplingOptions.Usual}]");
        var first = Flags.Whole("--first", "Only the first N subjects. [default: all]", 1, 1000);
        var prompts = Flags.Whole("--prompts", "Only the first N prompts of each. [default: all]", 1, 100);
        var each = Flags.Whole("--n", $"Pictures per prompt. [default: {DreamBooth.PicturesPerPrompt}]", 1, 10); // one digit in their names
        var prompt = Flags.Text("--prompt", "TEXT", "One prompt instead of the data set's, {1} being the class: \"A {1} with a mountain in the background.\"");
        var variations = Flags.Switch("--variations", "Variations without a text; their caption is \"A CLASS\".");
        var updates = Flags.Whole("--updates", "Updates of the weights. [default: 30 with ct, 250 with custom-diffusion]", 1, 1_000_000);
        var rate = Flags.Number("--rate", "R", "Learning rate. [default: that of `tune`]", 1e-12, 1);
        var promptRate = Flags.Number("--prompt-rate", "F", "Learning rate of the image prompts as a multiple of --rate. [default: 1]", 0, 1e6);
        var priors = Flags.Whole("--priors", "With custom-diffusion: prior pictures. [default: 200]", 0, 100_000);
        var alpha = Flags.Number("--alpha", "A", "Weight of the text in edits. [default: 0.9]", -1000, 1000);
        var steps = SamplingOptions.StepCount();
        var guidance = SamplingOptions.GuidanceScale();
        var beside = Flags.Text("--beside", "FOLDER,…", "Folders that this command wrote before, to be shown in the contact sheet too.");
        var threads = Flags.Threads();
        var command = new Command("tuning",
            """
            Fine-tune Stable Diffusion to each subject of DreamBooth's data set and draw the benchmark's pictures, for
            `eval dreambooth`, `eval clip-t` and others.

              obverse eval tuning --subjects dreambooth --method ct -o drawn/ct
              obverse eval dreambooth --subjects dreambooth --drawn drawn/ct
              obverse eval tuning --subjects dreambooth --method none --variations -o drawn/plain
            """)
        {
            subjects, output, method, tuned, model, first, prompts, each, prompt, variations, updates, rate, promptRate, priors, alpha, steps, guidance, beside, threads,
        };
        command.SetAction(parsed =>
        {
            var (folder, to, how) = (parsed.GetRequiredValue(subjects), parsed.GetRequiredValue(output), parsed.GetValue(method) ?? "ct");
            if (parsed.GetValue(prompt) is not null && parsed.GetValue(variations)) throw new UsageException("give --prompt or --variations, not both");
            if (how == "custom-diffusion" && parsed.GetValue(variations)) throw new UsageException("--variations are of pictures as prompts; Custom Diffusion draws by a text");
            var others = parsed.GetValue(beside)?.Split(',') ?? [];
            if (others.FirstOrDefault(other => !Directory.Exists(other)) is { } missing) throw new UsageException($"--beside: no such folder: {missing}");
            var set = DreamBooth.Load(folder);
            var name = parsed.GetValue(model) ?? SamplingOptions.Usual;
            var start = parsed.GetValue(tuned);
            List<object> lines = [];
            var chosen = set.Subjects.Take(parsed.GetValue(first) ?? int.MaxValue).ToArray();
            foreach (var subject in chosen)
            {
                var photos = TuningPicture.Find([Path.Combine(folder, subject)], set.ClassOf[subject]);
                var delta = how == "none" ? start : Path.Combine(to, "deltas", subject + ".delta");
                if (delta is not null && how != "none" && !File.Exists(delta) && !Tune(photos, delta)) return screen.Fail($"stopped; the same command goes on with {subject}", 1);
                Draw(subject, photos, delta);
                screen.Progress($"{subject}, {Array.IndexOf(chosen, subject) + 1} of {chosen.Length}");
            }

            Sheet(folder, [.. others, to], chosen).Save(Path.TrimEndingDirectorySeparator(Path.GetFullPath(to)) + "-sheet.png"); // beside it: in it are only pictures that are measured
            AtomicFile.WriteText(Path.Combine(to, "captions.jsonl"), string.Concat(lines.Select(line => JsonSerializer.Serialize(line) + "\n")));
            screen.Say($"{to}  ({Counted.Of(lines.Count, "picture")} of {Counted.Of(chosen.Length, "subject")})");
            return 0;

            bool Tune(IReadOnlyList<TuningPicture> photos, string file)
            {
                using var workshop = CliModels.Workshop(screen, parsed.GetValue(threads));
                var diffusion = workshop.Diffusion(name);
                var clip = how == "ct" ? diffusion.Clip ?? throw new UsageException($"{name} holds no CLIP that sees pictures") : null;
                var basic = how == "ct" ? TuningOptions.Concept with { Length = PromptLength.Of(clip!, NormRule.Script) } : TuningOptions.CustomDiffusion;
                var options = basic with
                {
                    Steps = parsed.GetValue(updates) ?? basic.Steps, Rate = parsed.GetValue(rate) ?? basic.Rate, PromptRate = parsed.GetValue(promptRate) ?? 1, Priors = parsed.GetValue(priors) ?? basic.Priors, Token = Token, LogEvery = 1000,
                    Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount,
                };
                using var from = start is null ? null : TunedDelta.Load(start);
                var work = file + ".work";
                using var made = Tuning.Run(diffusion, clip, photos, options, from, work, null, null, screen.Stop);
                if (made is null) return false;
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                made.Save(file);
                Tuning.Clear(work);
                return true;
            }

            void Draw(string subject, IReadOnlyList<TuningPicture> photos, string? delta)
            {
                using var workshop = CliModels.Workshop(screen, parsed.GetValue(threads));
                var tuning = delta is null ? null : new SampleTuning { Delta = StoredFile.Of(delta) };
                var info = delta is null ? null : TunedDelta.InfoOf(delta);
                var (only, none, count) = (parsed.GetValue(prompt), parsed.GetValue(variations), parsed.GetValue(each) ?? DreamBooth.PicturesPerPrompt);
                var texts = only is not null || none ? 1 : Math.Min(set.PromptsOf(subject).Count, parsed.GetValue(prompts) ?? int.MaxValue);
                string Text(int number, string token) => none ? $"A {set.ClassOf[subject]}" : only is null ? set.Text(subject, number, token)
                    : string.Join(' ', only.Replace("{1}", $"{token} {set.ClassOf[subject]}", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries));
                var job = SamplingOptions.Plain(workshop, name, tuning, parsed.GetValue(steps), parsed.GetValue(guidance));
                for (var number = 0; number < texts; number++)
                {
                    for (var k = 0; k < count; k++)
                    {
                        screen.Stop.ThrowIfCancellationRequested();
                        var file = Path.Combine(subject, $"{number:00}-{k}.png");
                        lines.Add(new { file, captions = new[] { Text(number, "") }, subject });
                        if (File.Exists(Path.Combine(to, file))) continue;
                        Directory.CreateDirectory(Path.Combine(to, subject));
                        var one = job with { Seed = (ulong)(number * count + k) };
                        // A reference of its own for each picture (sd-ipc.md 6.5).
                        var seen = photos[(number * count + k) % photos.Count].Path;
                        one = how == "custom-diffusion" ? one with { Prompt = Text(number, Token) } : one with { References = new() { Pictures = [new(StoredFile.Of(seen))], Edit = none ? null : Text(number, ""), Alpha = parsed.GetValue(alpha) ?? 0.9, Norm = info?.Norm ?? NormRule.Script, Cutoff = info?.Cutoff ?? PromptConverter.DefaultCutoff } };
                        one.Finish(workshop, new Outputs(Path.Combine(to, file)), screen.Stop);
                    }
                }
            }
        });
        return command;
    }

    // Subjects spread over the set: a photograph of each above the first picture of its first prompts, by every folder in turn.
    private static Picture Sheet(string subjects, IReadOnlyList<string> folders, string[] chosen)
    {
        const int Shown = 12, Prompts = 4, Side = 96;
        var some = Enumerable.Range(0, Math.Min(Shown, chosen.Length)).Select(i => chosen[(int)((long)i * chosen.Length / Math.Min(Shown, chosen.Length))]).ToArray();
        List<(Picture, string)> cells = [.. some.Select(subject => (Picture.Load(TuningPicture.Find([Path.Combine(subjects, subject)], subject)[0].Path).OnWhite(), ""))];
        List<string> heads = ["photograph"];
        for (var number = 0; number < Prompts; number++)
        {
            foreach (var folder in folders)
            {
                var files = some.Select(subject => Path.Combine(folder, subject, $"{number:00}-0.png")).ToArray();
                if (!files.All(File.Exists)) continue;
                cells.AddRange(files.Select(file => (Picture.Load(file), "")));
                heads.Add(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))) + (number == 0 ? "" : $", prompt {number}"));
            }
        }

        return ContactSheet.Draw(cells, some.Length, Side, rowHeadings: heads);
    }
}
