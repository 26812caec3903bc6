using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse judge`: does a second model see what was asked for?</summary>
internal static class JudgeCommand
{
    public static Command Create(Screen screen)
    {
        var pictures = new Argument<string[]>("PICTURES") { Arity = ArgumentArity.ZeroOrMore, Description = "Picture files." };
        var name = Flags.Text("--name", "TEXT", "What they should show. [default: the prompt stored in the picture]");
        var grades = Flags.Text("--grades", "FILE", "What a person said of pictures, in place of PICTURES: a path, a grade and perhaps a name a line, by tabs.");
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

            With a person's grades it says whether the judge orders the pictures as the person does (Spearman's rank
            correlation, 95 % bootstrap interval over the pictures):

              obverse judge --grades grades.tsv
            """)
        {
            pictures, name, grades, model, threads, device, json,
        };
        command.SetAction(parsed =>
        {
            var graded = parsed.GetValue(grades) is { } list ? GradedPictures.Read(list) : null;
            var files = parsed.GetValue(pictures) ?? [];
            if (graded is null == (files.Length == 0)) throw new UsageException(graded is null ? "no picture was given: name some, or --grades FILE" : $"pictures were given, and --grades {parsed.GetValue(grades)}: one of both is wanted");
            CliModels.Find(parsed.GetValue(model) ?? LoadedModel.JudgeName, screen);
            // All are read before any is looked at, so that a missing one is told at once.
            var work = (graded ?? [.. files.Select(file => new GradedPicture(file, 0, null))]).Select(one => (one.File, Picture: Picture.Load(one.File), Name: one.Name ?? parsed.GetValue(name) ?? PromptOf(one.File))).ToArray();
            Runtime.Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount;
            LoadedModel.MustExist(parsed.GetValue(device));
            using var judge = Judge.Load(parsed.GetValue(model) ?? LoadedModel.JudgeName, parsed.GetValue(device));
            var judgements = new List<Judgement>();
            foreach (var (file, picture, wanted) in work)
            {
                screen.Stop.ThrowIfCancellationRequested();
                var judgement = judge.Assess(picture, wanted);
                judgements.Add(judgement);
                if (parsed.GetValue(json))
                {
                    screen.Json(new { Event = "result", File = file, Name = wanted, judgement.Names, LowPass = Shown(judgement.LowPass), FullResolution = Shown(judgement.FullResolution) });
                    continue;
                }

                screen.Say($"{file}: \"{wanted}\" among {judgement.Names} names");
                foreach (var (how, ranking) in new[] { ("coarse", judgement.LowPass), ("sharp ", judgement.FullResolution) })
                {
                    screen.Say(string.Create(CultureInfo.InvariantCulture, $"  {how}  rank {ranking.Rank}, log-probability {ranking.LogProbability:0.00}; sees {string.Join(", ", ranking.Top.Select(t => $"{t.Name} ({t.LogProbability:0.0})"))}"));
                }
            }

            if (graded is not null) Tell(screen, GradedPictures.Agreement(graded, judgements), graded, parsed.GetValue(json));
            return 0;
        });
        return command;
    }

    private static void Tell(Screen screen, IReadOnlyList<(string Number, RankCorrelation Agreement)> agreement, IReadOnlyList<GradedPicture> graded, bool json)
    {
        if (json)
        {
            screen.Json(new { Event = "agreement", Pictures = graded.Count, Spearman = agreement.Select(at => new { at.Number, at.Agreement.Value, at.Agreement.Low, at.Agreement.High }) });
            return;
        }

        screen.Say(string.Create(CultureInfo.InvariantCulture, $"{graded.Count} pictures, graded {string.Join(", ", graded.GroupBy(one => one.Grade).OrderBy(g => g.Key).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Key} ({g.Count()})")))}; rank correlation with the grades [95 %]:"));
        foreach (var (number, found) in agreement) screen.Say(string.Create(CultureInfo.InvariantCulture, $"  {number,-33} {found.Value,5:0.00} [{found.Low:0.00}, {found.High:0.00}]"));
    }

    private static object Shown(Ranking ranking) => new { ranking.Rank, ranking.LogProbability, Top = ranking.Top.Select(t => new { t.Name, t.LogProbability }) };

    private static string PromptOf(string file)
    {
        try
        {
            return InversionJob.FromPicture(file).Prompt.Wanted;
        }
        catch (Exception e) when (e is InvalidDataException or PictureException)
        {
            throw new UsageException($"{file}: no prompt is stored in it: give --name");
        }
    }
}
