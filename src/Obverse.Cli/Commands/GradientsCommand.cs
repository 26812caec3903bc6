using System.CommandLine;
using System.Globalization;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Torch;

namespace Obverse.Cli.Commands;

/// <summary>`obverse gradients`: what models would change in a picture for a text, side by side.</summary>
internal static class GradientsCommand
{
    public static Command Create(Screen screen)
    {
        var picture = new Argument<string?>("PICTURE") { Arity = ArgumentArity.ZeroOrOne, Description = "The picture whose gradients are shown." };
        var text = new Argument<string?>("TEXT") { Arity = ArgumentArity.ZeroOrOne, Description = "What the score is asked for." };
        var models = new Option<string[]>("--model") { HelpName = "MODEL", Description = "A CLIP to compare; repeatable. [default: pocket-clip and pocket-clipag]", AllowMultipleArgumentsPerToken = false };
        var output = new Option<string?>("--out", "-o") { HelpName = "SHEET.png", Description = "Where to write the contact sheet. [default: gradients- and the text, in this folder]" };
        var score = Flags.Whole("--score", "Instead of a picture: the gain of the ascent from grey over N random ImageNet names, with 95 % intervals.", 2, 998);
        var steps = Flags.Whole("--steps", "Steps of ascent. [default: 20]", 1, 10_000);
        var size = Flags.Number("--step", "L", "Length of a step, L2 over all values in 0 … 1. [default: 0.5]", 1e-6, 1000);
        var seed = Flags.Seed("the names of --score");
        var judge = Flags.Judge();
        var threads = Flags.Threads();
        var json = Flags.Json("Print the numbers as JSON lines.");
        var command = new Command("gradients",
            """
            Show what each model would change in a picture for a text: input gradient, Grad-CAM, attention rollout and
            relevance, and 20 normalised ascent steps from the picture and from grey. Gradients of a robust CLIP draw the
            thing (perceptually aligned gradients); a judge that never draws says whether they do.

              obverse gradients fox.jpg "a red fox"
              obverse gradients fox.jpg "a red fox" --model ViT-B-32 --model CLIPAG_ViTB32.pt -o sheet.png
              obverse gradients --score 100
            """)
        {
            picture, text, models, output, score, steps, size, seed, judge, threads, json,
        };
        command.SetAction(parsed =>
        {
            string[] names = parsed.GetValue(models) is { Length: > 0 } given ? given : [LoadedModel.Default, LoadedModel.Drawing];
            var settings = (Steps: parsed.GetValue(steps) ?? 20, Size: parsed.GetValue(size) ?? 0.5);
            var judging = parsed.GetValue(judge) ?? LoadedModel.JudgeName;
            foreach (var name in names) CliModels.Find(name, screen);
            CliModels.Find(judging, screen);
            if (parsed.GetValue(score) is { } count)
            {
                if (parsed.GetValue(picture) is not null) throw new UsageException("--score starts from grey: give no picture with it");
                return Score(screen, names, judging, Gallery.RandomNames(count, (ulong)(parsed.GetValue(seed) ?? 0)), settings, parsed.GetValue(threads), parsed.GetValue(json));
            }

            if (parsed.GetValue(picture) is not { } file || parsed.GetValue(text) is not { Length: > 0 } wanted) throw new UsageException("a picture and a text were wanted: obverse gradients fox.jpg \"a red fox\"; or --score N");
            var shown = Picture.Load(file);
            var sheet = OutputPaths.Wanting("--out", parsed.GetValue(output) ?? $"gradients-{FileNames.Slug(wanted)}.png", ".png", ".jpg", ".webp");
            FileNames.MustBeWritable(sheet, 4 << 20);
            Show(screen, names, judging, shown, wanted, settings, parsed.GetValue(threads), parsed.GetValue(json)).Save(sheet);
            if (parsed.GetValue(json)) screen.Json(new { Event = "files", Files = (string[])[sheet] });
            else screen.Say(sheet);
            return 0;
        });
        return command;
    }

    private static Picture Show(Screen screen, string[] names, string judging, Picture picture, string text, (int Steps, double Size) settings, int? threads, bool json)
    {
        List<(Picture, string)[]> rows = [];
        var anyAttention = false;
        using var judge = Judge.Load(judging);
        foreach (var name in names)
        {
            screen.Stop.ThrowIfCancellationRequested();
            using var loaded = CliModels.Open(screen, name, threads, precision: Precision.Float32);
            using var scope = new TensorScope();
            var model = loaded.Encoder.Model;
            var side = model.ImageSize;
            Tensor embedded, image;
            using (new NoGrad()) (embedded, image) = (model.EncodeText([text])[0], PictureBatches.ToTensor([PictureBatches.CentreCrop(picture.OnWhite().Rgb, picture.Width, picture.Height, side)], side));
            var saliency = new Saliency(model, embedded);
            var (cosine, gradient) = saliency.InputGradient(image);
            var (fromPicture, ascended) = AlignedGradients.Of(saliency, judge, text, image, settings.Steps, settings.Size);
            var (fromGrey, drawn) = AlignedGradients.Of(saliency, judge, text, AlignedGradients.Grey(side), settings.Steps, settings.Size);
            Picture Over(Tensor map) => Heat(image, map).ToPicture();
            Picture None() => AlignedGradients.Grey(side).ToPicture();
            List<(Picture, string)> cells = [];
            cells.Add((image.ToPicture(), Number($"cosine {cosine:F3}")));
            cells.Add((AlignedGradients.Shown(gradient).ToPicture(), Number($"low frequencies {fromPicture.LowFrequencies:P0}")));
            cells.Add(saliency.HasGradCam ? (Over(saliency.GradCam(image).Shown), "") : (None(), "none for this encoder"));
            anyAttention |= saliency.HasAttention;
            if (saliency.HasAttention)
            {
                foreach (var tokens in (Tensor[])[saliency.Rollout(image), saliency.Relevance(image)]) cells.Add((Over(Saliency.Enlarged(saliency.OfClassToken(tokens, image).Unsqueeze(0).Unsqueeze(0), image)), ""));
            }
            else
            {
                cells.AddRange([(None(), "no attention in this encoder"), (None(), "no attention in this encoder")]);
            }

            cells.Add((ascended.ToPicture(), Number($"cosine +{fromPicture.Own:F3}, judge {fromPicture.Judged:+0.000;-0.000}")));
            cells.Add((drawn.ToPicture(), Number($"cosine +{fromGrey.Own:F3}, judge {fromGrey.Judged:+0.000;-0.000}")));
            rows.Add([.. cells]);
            var line = new { Event = "gradients", Model = name, Text = text, Cosine = cosine, LowFrequencies = fromPicture.LowFrequencies, OwnGain = fromPicture.Own, JudgeGain = fromPicture.Judged, OwnGainFromGrey = fromGrey.Own, JudgeGainFromGrey = fromGrey.Judged };
            if (json) screen.Json(line);
            else screen.Say(Number($"{name}: cosine {cosine:F3}; energy of the gradient in low frequencies {line.LowFrequencies:P1}; after {Counted.Of(settings.Steps, "step")} a gain of {line.OwnGain:F3} under the model, {line.JudgeGain:F3} under the judge; from grey {line.OwnGainFromGrey:F3}, {line.JudgeGainFromGrey:F3}"));
        }

        string[] headings = ["picture", "input gradient", "Grad-CAM", "attention rollout", "relevance", $"{Counted.Of(settings.Steps, "step")} from the picture", $"{Counted.Of(settings.Steps, "step")} from grey"];
        int[] shown = [.. Enumerable.Range(0, headings.Length).Where(column => anyAttention || column is not (3 or 4))];
        return ContactSheet.Draw([.. rows.SelectMany(row => shown.Select(column => row[column]))], shown.Length, 160, $"Gradients towards \"{text}\"", [.. shown.Select(column => headings[column])], names);
    }

    private static int Score(Screen screen, string[] names, string judging, IReadOnlyList<string> things, (int Steps, double Size) settings, int? threads, bool json)
    {
        using var judge = Judge.Load(judging);
        Dictionary<string, List<AscentGain>> gains = [];
        foreach (var name in names)
        {
            using var loaded = CliModels.Open(screen, name, threads, precision: Precision.Float32);
            using var scope = new TensorScope();
            var list = gains[name] = [];
            foreach (var gain in AlignedGradients.Of(loaded.Encoder.Model, judge, things, AlignedGradients.Grey(loaded.Encoder.Model.ImageSize), settings.Steps, settings.Size))
            {
                screen.Stop.ThrowIfCancellationRequested();
                list.Add(gain);
                if (list.Count % 10 == 0) screen.Note($"{name}: {list.Count} of {things.Count}");
            }

            var zeros = new double[list.Count];
            PairedBootstrap own = PairedBootstrap.Of([.. list.Select(g => g.Own)], zeros), judged = PairedBootstrap.Of([.. list.Select(g => g.Judged)], zeros), low = PairedBootstrap.Of([.. list.Select(g => g.LowFrequencies)], zeros);
            if (json) screen.Json(new { Event = "score", Model = name, Texts = list.Count, Own = own, Judge = judged, LowFrequencies = low });
            else screen.Say(Number($"{name}: {Counted.Of(settings.Steps, "step")} from grey over {Counted.Of(list.Count, "name")}: a gain of {own.Show("F3")} under the model, {judged.Show("F4")} under the judge; low frequencies {low.Show("P1")}"));
        }

        for (var i = 1; i < names.Length; i++)
        {
            var ratio = PairedBootstrap.Ratio([.. gains[names[i]].Select(g => g.Judged)], [.. gains[names[0]].Select(g => g.Judged)]);
            if (json) screen.Json(new { Event = "ratio", Model = names[i], Against = names[0], Ratio = Finite(ratio.Mean), Low = Finite(ratio.Low), High = Finite(ratio.High) });
            else screen.Say(Number($"judge's gain, {names[i]} over {names[0]}: {ratio.Show("F2")}"));
        }

        return 0;
    }

    // Red where the map is high, over a paler picture.
    private static Tensor Heat(Tensor image, Tensor map)
    {
        using var still = new NoGrad();
        var grey = image.Mean(1, keep: true) * 0.6 + 0.2;
        return Tensor.Cat([grey * (1 - map) + map, grey * (1 - map) + map * 0.25, grey * (1 - map)], 1).Clamp(0, 1);
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string Number(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
