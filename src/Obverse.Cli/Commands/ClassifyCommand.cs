using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse classify`: zero-shot classification and its accuracy.</summary>
internal static class ClassifyCommand
{
    public static Command Create(Screen screen)
    {
        var pictures = new Argument<string[]>("PICTURES") { Arity = ArgumentArity.OneOrMore, Description = "Picture files, or a folder or zip of them." };
        var names = Flags.Text("--names", "A,B,C", "Class names to choose from. [default: the 1,000 names of ImageNet]");
        var file = Flags.Text("--names-file", "FILE", "Class names from a file, one per line.");
        var classes = Flags.Text("--classnames", "imagenet|FILE", "Class names of ImageNet, or from a file.");
        var templates = Flags.Text("--templates", "none|photo|simple|openai|FILE", "Prompt templates: the bare name, \"a photo of a {}.\", open_clip's 7, OpenAI's 80, or a file with one per line and {} for the name. [default: photo]");
        var scale = Flags.Parsed<double?>("--logit-scale", "N", "Logit scale before the softmax; papers use 100. [default: the model's own]", text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var n) && n > 0 && double.IsFinite(n) ? n : throw new FormatException("a number above 0 was wanted"));
        var top = Flags.Whole("--top", "Names to print per picture. [default: 5]", 1, 10_000);
        var model = Flags.Model();
        var device = Flags.Device();
        var precision = Flags.Precision();
        var threads = Flags.Threads();
        var json = Flags.Json("Print one JSON line per picture.");
        var command = new Command("classify",
            """
            Classify pictures zero-shot among given names. For a labelled folder or zip (one folder per class, or
            name.wnid.jpg with ImageNet's ids) print top-1 and top-5 accuracy.

              obverse classify holiday.jpg --names "beach,mountains,a city at night"
              obverse classify photos/*.jpg --top 1
              obverse classify imagenet.zip --classnames imagenet --templates openai
            """)
        {
            pictures, names, file, classes, templates, scale, top, model, threads, device, precision, json,
        };
        command.SetAction(parsed =>
        {
            var choices = Choices(parsed.GetValue(names), parsed.GetValue(file), parsed.GetValue(classes));
            var sentences = Sentences(parsed.GetValue(templates));
            CliModels.Find(parsed.GetValue(model) ?? LoadedModel.Default, screen);
            var files = parsed.GetRequiredValue(pictures).SelectMany(path => Directory.Exists(path) || (File.Exists(path) && path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase)) ? LabelledPicture.OfSet(path) : [LabelledPicture.OfFile(path)]).ToArray();
            var answers = files.Select(one => one.Among(choices)).ToArray();
            var isTest = answers.Any(a => a.Count > 0);
            if (isTest && answers.Count(a => a.Count == 0) is var strange and > 0)
            {
                screen.Note($"{strange} of {files.Length} pictures have a label outside the {choices.Length} names and are left out, such as {files[Array.FindIndex(answers, a => a.Count == 0)].Name}");
                (files, answers) = ([.. files.Where((_, i) => answers[i].Count > 0)], [.. answers.Where(a => a.Count > 0)]);
            }

            using var loaded = CliModels.Open(screen, parsed.GetValue(model) ?? LoadedModel.Default, parsed.GetValue(threads), device: parsed.GetValue(device), precision: parsed.GetValue(precision) ?? Precision.Auto);
            var longest = sentences.MaxBy(sentence => sentence.Length)!;
            TruncatedTexts.Warn(screen, loaded, choices.Select(choice => longest.Replace("{}", choice, StringComparison.Ordinal)));
            using var scope = new TensorScope();
            using var still = new NoGrad();
            var bad = new HashSet<int>();
            var seen = EmbeddingRows.Embed(loaded.Encoder, [.. files.Select(one => (one.Name, one.Read))], (i, problem) =>
            {
                bad.Add(i);
                screen.Note(problem.Message);
            }, screen.Stop);
            if (bad.Count == files.Length) return 1;
            var classifier = ZeroShot.Classifier(loaded.Encoder.Embed, choices, sentences);
            if (isTest)
            {
                var accuracy = ZeroShot.Accuracy(seen, classifier, [.. answers.Where((_, i) => !bad.Contains(i))]);
                if (parsed.GetValue(json)) screen.Json(new { Event = "accuracy", accuracy.Top1, accuracy.Top5, accuracy.Count, Names = choices.Length, Templates = sentences.Count, Model = loaded.Name });
                else screen.Say(string.Create(CultureInfo.InvariantCulture, $"top-1 {accuracy.Top1:0.00%}, top-5 {accuracy.Top5:0.00%} of {accuracy.Count:N0} pictures ({choices.Length:N0} names, {sentences.Count} {(sentences.Count == 1 ? "template" : "templates")}, {loaded.Name})"));
                return bad.Count == 0 ? 0 : 1;
            }

            var logits = parsed.GetValue(scale) is { } given ? seen.Normalized().Matmul(classifier.T()) * given : loaded.Encoder.Model.Logits(seen, classifier);
            var probabilities = logits.Softmax(1).ToFloats();
            var at = 0;
            for (var i = 0; i < files.Length; i++)
            {
                if (bad.Contains(i)) continue;
                var of = probabilities.AsSpan(at++ * choices.Length, choices.Length).ToArray();
                var best = Enumerable.Range(0, choices.Length).OrderByDescending(n => of[n]).Take(parsed.GetValue(top) ?? 5).ToArray();
                if (parsed.GetValue(json)) screen.Json(new { Event = "result", File = files[i].Name, Names = best.Select(n => new { Name = choices[n], Probability = of[n] }) });
                else screen.Say($"{files[i].Name}  {string.Join(", ", best.Select(n => string.Create(CultureInfo.InvariantCulture, $"{choices[n]} {of[n]:0.0%}")))}");
            }

            return bad.Count == 0 ? 0 : 1;
        });
        return command;
    }

    // Each name once: "missile" occurs twice in ImageNet's list, and either answer is right.
    private static string[] Choices(string? list, string? file, string? classes)
    {
        if (new[] { list, file, classes }.Count(given => given is not null) > 1) throw new UsageException("give only one of --names, --names-file and --classnames");
        file ??= classes == "imagenet" ? null : classes;
        string[] choices = list is not null ? [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)]
            : file is not null ? [.. TextLines.Read(file).Select(line => line.Trim()).Where(line => line.Length > 0)]
            : [.. ImageNet.Classes.Select(c => c.ClipName)];
        choices = [.. choices.Distinct()];
        return choices.Length > 1 ? choices : throw new UsageException($"{Counted.Of(choices.Length, "name")} given; at least two are wanted");
    }

    private static IReadOnlyList<string> Sentences(string? templates)
    {
        switch (templates)
        {
            case "none": return ["{}"];
            case null or "photo": return ["a photo of a {}."];
            case "simple": return ImageNetTemplates.Simple;
            case "openai": return ImageNetTemplates.All;
        }

        if (!File.Exists(templates)) throw new UsageException($"--templates: '{templates}' was given, none, photo, simple, openai or a file was wanted");
        string[] lines = [.. TextLines.Read(templates).Select(line => line.Trim()).Where(line => line.Length > 0)];
        if (lines.Length == 0) throw new InvalidDataException($"{templates}: holds no template");
        return lines.FirstOrDefault(line => !line.Contains("{}", StringComparison.Ordinal)) is { } wrong ? throw new InvalidDataException($"{templates}: '{wrong}' has no {{}} for the name") : lines;
    }
}
