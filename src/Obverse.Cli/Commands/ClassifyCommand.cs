using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse classify`: which of these names a picture shows.</summary>
internal static class ClassifyCommand
{
    public static Command Create(Screen screen)
    {
        var pictures = new Argument<string[]>("PICTURES") { Arity = ArgumentArity.OneOrMore, Description = "Picture files." };
        var names = Flags.Text("--names", "A,B,C", "What to choose among. [default: the 1,000 names of ImageNet]");
        var file = Flags.Text("--names-file", "FILE", "The same, a name a line.");
        var templates = Flags.Text("--templates", "none|simple|openai", "Sentences round the names: the bare name, \"a photo of a {}.\", or OpenAI's 80. [default: simple]");
        var top = Flags.Whole("--top", "How many names to tell. [default: 5]", 1, 10_000);
        var model = Flags.Text("--model", "MODEL", "Which CLIP: a folder, a file or a name of the zoo. [default: pocket-clip]");
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var json = Flags.Switch("--json", "Print a JSON object a picture.");
        var command = new Command("classify",
            """
            Say what pictures show, of names given in words (zero-shot).

              obverse classify holiday.jpg --names "beach,mountains,a city at night"
              obverse classify photos/*.jpg --top 1
            """)
        {
            pictures, names, file, templates, top, model, threads, json,
        };
        command.SetAction(parsed =>
        {
            var files = parsed.GetRequiredValue(pictures);
            if (parsed.GetValue(names) is not null && parsed.GetValue(file) is not null) throw new UsageException("give --names or --names-file, not both");
            string[] choices = parsed.GetValue(names) is { } list ? [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)]
                : parsed.GetValue(file) is { } path ? [.. TextLines.Read(path).Select(line => line.Trim()).Where(line => line.Length > 0)]
                : [.. ImageNet.Classes.Select(c => c.ClipName)];
            choices = [.. choices.Distinct()];
            if (choices.Length < 2) throw new UsageException($"{choices.Length} names given: two at least are wanted to choose among");
            IReadOnlyList<string> sentences = parsed.GetValue(templates) switch
            {
                "none" => ["{}"],
                null or "simple" => ["a photo of a {}."],
                "openai" => ImageNetTemplates.All,
                var other => throw new UsageException($"--templates: '{other}' was given, none, simple or openai was wanted"),
            };
            using var loaded = LoadedModel.Open(parsed.GetValue(model) ?? LoadedModel.Default, parsed.GetValue(threads));
            var longest = sentences.MaxBy(sentence => sentence.Length)!;
            CutTexts.Tell(screen, loaded, choices.Select(choice => longest.Replace("{}", choice, StringComparison.Ordinal)));
            using var scope = new TensorScope();
            using var still = new NoGrad();
            var bad = new HashSet<int>();
            var seen = EmbeddingRows.Embed(loaded.Encoder, files, (i, problem) =>
            {
                bad.Add(i);
                screen.Note(problem.Message);
            }, screen.Stop);
            if (bad.Count == files.Length) return 1;
            var classifier = ZeroShot.Classifier(loaded.Encoder.Embed, choices, sentences);
            var probabilities = loaded.Encoder.Model.Logits(seen, classifier).Softmax(1).ToFloats();
            var row = 0;
            for (var i = 0; i < files.Length; i++)
            {
                if (bad.Contains(i)) continue;
                var of = probabilities.AsSpan(row++ * choices.Length, choices.Length).ToArray();
                var best = Enumerable.Range(0, choices.Length).OrderByDescending(n => of[n]).Take(parsed.GetValue(top) ?? 5).ToArray();
                if (parsed.GetValue(json)) screen.Json(new { Event = "result", File = files[i], Names = best.Select(n => new { Name = choices[n], Probability = of[n] }) });
                else screen.Say($"{files[i]}  {string.Join(", ", best.Select(n => string.Create(CultureInfo.InvariantCulture, $"{choices[n]} {of[n]:0.0%}")))}");
            }

            return bad.Count == 0 ? 0 : 1;
        });
        return command;
    }
}
