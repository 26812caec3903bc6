using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse judge`: the rank of the prompt under a second model.</summary>
internal static class JudgeCommand
{
    public static Command Create(Screen screen)
    {
        var pictures = new Argument<string[]>("PICTURES") { Arity = ArgumentArity.ZeroOrMore, Description = "Picture files." };
        var name = Flags.Text("--name", "TEXT", "The name or text to rank. [default: the prompt stored in the picture]");
        var grades = Flags.Text("--grades", "FILE", "Judge the pictures of a rating file and report the rank correlation: per line a path, a grade and optionally a name, separated by tabs.");
        var style = Flags.Text("--style", "NAME", $"Measure how far the pictures took on a style, against the same file names in --plain: {string.Join(", ", PaintedStyles.All.Select(known => known.Name))}.");
        var plain = Flags.Text("--plain", "DIR", "With --style: the pictures drawn without the style's words, under the same file names.");
        var model = Flags.Model("The model that judges: a folder or a zoo name.", LoadedModel.JudgeName);
        var device = Flags.Device();
        var threads = Flags.Threads();
        var json = Flags.Json("Print one JSON line per picture.");
        var command = new Command("judge",
            """
            Rank the prompt of a picture among 1,000 names, by a model that never draws. The rank in low-pass views
            is the measure (48 and 32 pixels, and a JPEG of quality 20): they remove texture that only the drawing
            model responds to. The rank at full resolution is given for comparison.

              obverse judge a-tabby-cat.png
              obverse judge photo.jpg --name "tabby cat"
              obverse judge drawn/*.png

            With one rater's grades it reports how well the judge agrees with the rater (Spearman's rank correlation,
            95 % bootstrap interval over pictures):

              obverse judge --grades grades.tsv

            With --style it says whether drawings took on a style: the cosine, in the judge's features, between the way
            from the plain drawing to the styled one and the way to the plain drawing painted in that style.

              obverse judge watercolours/*.png --style watercolour --plain plain
            """)
        {
            pictures, name, grades, style, plain, model, threads, device, json,
        };
        command.SetAction(parsed =>
        {
            var graded = parsed.GetValue(grades) is { } list ? GradedPictures.Read(list) : null;
            string[] asked = parsed.GetValue(pictures) ?? [], files = asked.Length > 1 ? [.. asked.Where(file => !ContactSheet.IsSaved(file))] : asked;
            if (files.Length < asked.Length) screen.Note($"left out: {string.Join(", ", asked.Where(ContactSheet.IsSaved))}, {(asked.Length - files.Length == 1 ? "a contact sheet" : "contact sheets")}");
            if (parsed.GetValue(name) is { } given && string.IsNullOrWhiteSpace(given)) throw new UsageException("--name: the name is empty");
            if (graded is null == (files.Length == 0)) throw new UsageException(graded is null ? "no picture was given: give pictures or --grades FILE" : "give pictures or --grades, not both");
            CliModels.Find(parsed.GetValue(model) ?? LoadedModel.JudgeName, screen);
            if (parsed.GetValue(style) is not null || parsed.GetValue(plain) is not null) return Style(screen, parsed.GetValue(style), parsed.GetValue(plain), files, parsed.GetValue(model), parsed.GetValue(threads), parsed.GetValue(json));
            // All are read before any is judged, so that a missing one is reported at once.
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
                foreach (var (how, ranking) in new[] { ("low-pass       ", judgement.LowPass), ("full resolution", judgement.FullResolution) })
                {
                    screen.Say(string.Create(CultureInfo.InvariantCulture, $"  {how}  rank {ranking.Rank}, log-probability {ranking.LogProbability:0.00}; top names: {string.Join(", ", ranking.Top.Select(t => $"{t.Name} ({t.LogProbability:0.0})"))}"));
                }
            }

            if (judgements.Count > 1)
            {
                string Share(int k) => Proportion.Show(judgements.Count(one => one.LowPass.Rank <= k), judgements.Count);
                if (parsed.GetValue(json)) screen.Json(new { Event = "summary", Pictures = judgements.Count, Top1 = judgements.Count(one => one.LowPass.Rank == 1), Top5 = judgements.Count(one => one.LowPass.Rank <= 5) });
                else screen.Say($"{judgements.Count} pictures: low-pass top-1 {Share(1)}, top-5 {Share(5)} [95 % interval]");
            }

            if (graded is not null) SayAgreement(screen, GradedPictures.Agreement(graded, judgements), graded, parsed.GetValue(json));
            return 0;
        });
        return command;
    }

    private static int Style(Screen screen, string? name, string? folder, string[] files, string? model, int? threads, bool json)
    {
        if (name is null || folder is null) throw new UsageException("--style and --plain belong together: the style, and the folder of the plain drawings");
        var style = PaintedStyles.All.FirstOrDefault(known => known.Name == name) ?? throw new UsageException($"--style: '{name}' was given; {string.Join(", ", PaintedStyles.All.Select(known => known.Name))} are known");
        var pairs = files.Select(file => (File: file, Styled: Picture.Load(file), Plain: Picture.Load(Path.Combine(folder, Path.GetFileName(file))))).ToArray();
        Runtime.Threads = threads ?? Environment.ProcessorCount;
        using var judge = Judge.Load(model ?? LoadedModel.JudgeName);
        List<double> gains = [];
        foreach (var (file, styled, plain) in pairs)
        {
            gains.Add(StyleGain.Of(judge, style, plain, styled));
            if (json) screen.Json(new { Event = "style", File = file, Style = name, Gain = gains[^1] });
            else screen.Say(string.Create(CultureInfo.InvariantCulture, $"{file}  {gains[^1]:0.000}"));
        }

        var mean = PairedBootstrap.Of(gains, new double[gains.Count]);
        if (json) screen.Json(new { Event = "styles", Style = name, Pictures = gains.Count, mean.Mean, mean.Low, mean.High });
        else screen.Say(string.Create(CultureInfo.InvariantCulture, $"{name}: {mean.Mean:0.000} [{mean.Low:0.000}, {mean.High:0.000}] over {gains.Count} pictures"));
        return 0;
    }

    private static void SayAgreement(Screen screen, IReadOnlyList<(string Number, RankCorrelation Agreement)> agreement, IReadOnlyList<GradedPicture> graded, bool json)
    {
        if (json)
        {
            screen.Json(new { Event = "agreement", Pictures = graded.Count, Spearman = agreement.Select(at => new { at.Number, at.Agreement.Value, at.Agreement.Low, at.Agreement.High }) });
            return;
        }

        screen.Say(string.Create(CultureInfo.InvariantCulture, $"{graded.Count} pictures, grades {string.Join(", ", graded.GroupBy(one => one.Grade).OrderBy(g => g.Key).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Key} ({g.Count()})")))}; Spearman correlation with the grades [95 % interval]:"));
        foreach (var (number, found) in agreement) screen.Say(string.Create(CultureInfo.InvariantCulture, $"  {number,-33} {found.Value,5:0.00} [{found.Low:0.00}, {found.High:0.00}]"));
    }

    private static object Shown(Ranking ranking) => new { ranking.Rank, ranking.LogProbability, Top = ranking.Top.Select(t => new { t.Name, t.LogProbability }) };

    // A prompt in a wording, such as "a photo of a goldfish", is judged by the name in it.
    private static string PromptOf(string file)
    {
        string? prompt = null;
        try
        {
            prompt = Job.FromPicture(file) switch { InversionJob inversion => inversion.Prompt.Wanted, SampleJob sample => sample.Prompt, _ => null };
        }
        catch (Exception e) when (e is InvalidDataException or PictureException)
        {
            // said below
        }

        if (string.IsNullOrEmpty(prompt)) throw new UsageException($"{file}: stores no prompt; give --name");
        return ImageNet.NamedBy(prompt).Count == 0 && ImageNet.NamedBy(Wordings.Bare(prompt)).Count > 0 ? Wordings.Bare(prompt) : prompt;
    }
}
