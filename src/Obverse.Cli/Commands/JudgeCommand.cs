using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse judge`: does a second model see what was asked for?</summary>
internal static class JudgeCommand
{
    public static Command Create(Screen screen)
    {
        var pictures = new Argument<string[]>("PICTURES") { Arity = ArgumentArity.OneOrMore, Description = "Picture files." };
        var name = Flags.Text("--name", "TEXT", "What they should show. [default: the prompt stored in the picture]");
        var model = Flags.Text("--model", "MODEL", "Who judges. [default: pocket-judge]");
        var device = Flags.Device();
        var threads = Flags.Whole("--threads", "Processor cores to use. [default: all]", 1, 1024);
        var json = Flags.Switch("--json", "Print a JSON object a picture.");
        var command = new Command("judge",
            """
            Rank what a picture should show among 1,000 names, by a model that never draws. The coarse rank counts:
            it looks at the picture shrunk to 48 and 32 pixels and through a poor JPEG, where texture drawn for
            another network is gone. The sharp rank stands beside it, so that a gap shows.

              obverse judge a-tabby-cat.png
              obverse judge photo.jpg --name "tabby cat"
            """)
        {
            pictures, name, model, threads, device, json,
        };
        command.SetAction(parsed =>
        {
            var files = parsed.GetRequiredValue(pictures);
            LoadedModel.Find(parsed.GetValue(model) ?? LoadedModel.Judge, screen);
            var work = files.Select(file => (File: file, Picture: Picture.Load(file), Name: parsed.GetValue(name) ?? PromptOf(file))).ToArray();
            Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
            LoadedModel.MustExist(parsed.GetValue(device));
            using var judge = Judge.Load(parsed.GetValue(model) ?? LoadedModel.Judge, parsed.GetValue(device));
            foreach (var (file, picture, wanted) in work)
            {
                screen.Stop.ThrowIfCancellationRequested();
                var verdict = judge.Look(picture, wanted);
                if (parsed.GetValue(json))
                {
                    screen.Json(new { Event = "result", File = file, Name = wanted, verdict.Names, Coarse = Shown(verdict.Coarse), Sharp = Shown(verdict.Sharp) });
                    continue;
                }

                screen.Say($"{file}: \"{wanted}\" among {verdict.Names} names");
                foreach (var (how, sight) in new[] { ("coarse", verdict.Coarse), ("sharp ", verdict.Sharp) })
                {
                    screen.Say(string.Create(CultureInfo.InvariantCulture, $"  {how}  rank {sight.Rank}, log-probability {sight.LogProbability:0.00}; sees {string.Join(", ", sight.Top.Select(t => $"{t.Name} ({t.LogProbability:0.0})"))}"));
                }
            }

            return 0;
        });
        return command;
    }

    /// <summary>What a prompt asks for, as the judge is asked: its texts of positive weight.</summary>
    public static string Wanted(Prompt prompt) => string.Join(", ", prompt.Texts.Where(part => part.Weight > 0).Select(part => part.Text));

    private static object Shown(Sight sight) => new { sight.Rank, sight.LogProbability, Top = sight.Top.Select(t => new { t.Name, t.LogProbability }) };

    private static string PromptOf(string file)
    {
        try
        {
            return Wanted(Run.FromPicture(file).Prompt);
        }
        catch (Exception e) when (e is InvalidDataException or PictureException)
        {
            throw new UsageException($"{file}: no prompt is stored in it: give --name");
        }
    }
}
