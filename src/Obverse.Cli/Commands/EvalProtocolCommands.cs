using System.CommandLine;
using Obverse.Evaluation;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval coco`, `flickr30k`, `dreambooth`: the protocols of public data sets.</summary>
internal static class EvalProtocolCommands
{
    private const int FoldOf = 1000; // pictures a part of COCO's 1k test

    public static IEnumerable<Command> Create(Screen screen) =>
    [
        Captions(screen, "coco", "Retrieval over COCO: captions_val2017.json or Karpathy's dataset_coco.json and the folder of the pictures. Recalls of the whole test, and of its parts of 1,000 where there are at least two.", "captions_val2017.json", folds: true),
        Captions(screen, "flickr30k", "Retrieval over Flickr30k: Karpathy's dataset_flickr30k.json and the folder of the pictures.", "dataset_flickr30k.json", folds: false),
        Benchmark(screen),
    ];

    private static Command Captions(Screen screen, string name, string about, string example, bool folds)
    {
        var captions = new Option<string>("--captions") { HelpName = example, Description = "People's captions.", Required = true };
        var images = new Option<string>("--images") { HelpName = "FOLDER", Description = "The pictures.", Required = true };
        var split = Flags.Text("--split", "NAME", "Karpathy's split. [default: test]");
        var each = Flags.Whole("--captions-per-picture", $"Captions taken of each picture, the first ones. [default: {CaptionData.CaptionsPerPicture}]", 1, 100);
        var drawn = Flags.Text("--drawn", "FOLDER", "Also measure pictures drawn from the first captions, named as the real ones: CLIPSIM, CLIPScore and the Fréchet distance to the real ones.");
        var options = new EvalOptions();
        var command = new Command(name, about) { captions, images, split, each, drawn };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var file = parsed.GetRequiredValue(captions);
            var all = CaptionData.Read(file, parsed.GetValue(each) ?? CaptionData.CaptionsPerPicture);
            var part = parsed.GetValue(split) ?? "test";
            CaptionedFile[] wanted = [.. all.Where(one => one.Split is null || one.Split == part)];
            if (wanted.Length == 0) throw new UsageException($"--split: '{part}' was given; {file} has {string.Join(", ", all.Select(one => one.Split).Distinct())}");
            var (set, missing) = CaptionData.Find(file, wanted, parsed.GetRequiredValue(images));
            if (missing > 0) screen.Note($"{missing:N0} of {wanted.Length:N0} pictures are not in {parsed.GetRequiredValue(images)}; recalls over fewer pictures are higher");
            using var network = options.Load(parsed, screen, pooled: false);
            using var extraction = options.Extraction(parsed, network);
            using var status = new StatusLine(screen, parsed.GetValue(options.Json));
            var evaluation = options.Evaluation(parsed, screen, extraction, status);
            var code = 0;
            foreach (var parts in folds && set.Pictures.Count >= 2 * FoldOf ? (int[])[1, set.Pictures.Count / FoldOf] : [1])
            {
                var result = evaluation.Measure(new RetrievalRecall { Folds = parts }, set, null, screen.Stop);
                status.Dispose();
                result = result with { Figures = [.. result.Figures.Select(figure => parts == 1 ? figure : figure with { Name = $"{figure.Name}, {parts} parts of {set.Pictures.Count / parts:N0}" })] };
                code = Math.Max(code, EvalOptions.Say(screen, result, null, parsed.GetValue(options.Json)));
            }

            return parsed.GetValue(drawn) is { } folder ? Math.Max(code, Drawn(parsed, screen, options, evaluation, set, folder)) : code;
        });
        return command;
    }

    private static int Drawn(ParseResult parsed, Screen screen, EvalOptions options, SetEvaluation evaluation, PictureSource real, string folder)
    {
        using var found = PictureSource.Open(folder);
        var captions = real.Pictures.GroupBy(picture => Path.ChangeExtension(picture.Name, null)).ToDictionary(group => group.Key, group => group.First().Captions);
        var drawn = found.With(i => captions.TryGetValue(Path.ChangeExtension(found.Pictures[i].Name, null), out var texts) ? found.Pictures[i] with { Captions = texts } : throw new UsageException($"{folder}: {found.Pictures[i].Name} is named as no picture of the data set"));
        var code = 0;
        foreach (var metric in (IMetric[])[new ClipSim(), new ClipScore()]) code = Math.Max(code, EvalOptions.Say(screen, evaluation.Measure(metric, drawn, null, screen.Stop), null, parsed.GetValue(options.Json)));
        using var pooled = options.Load(parsed, screen, pooled: true);
        using var extraction = options.Extraction(parsed, pooled);
        using var status = new StatusLine(screen, parsed.GetValue(options.Json));
        var distance = options.Evaluation(parsed, screen, extraction, status).Measure(new Fid(), drawn, real, screen.Stop);
        status.Dispose();
        return Math.Max(code, EvalOptions.Say(screen, distance, null, parsed.GetValue(options.Json)));
    }

    private static Command Benchmark(Screen screen)
    {
        var subjects = new Option<string>("--subjects") { HelpName = "FOLDER", Description = "The data set: a folder a subject, and prompts_and_classes.txt.", Required = true };
        var drawn = new Option<string>("--drawn") { HelpName = "FOLDER", Description = "Drawn pictures: SUBJECT/NN-K.png, NN the prompt's number from 00.", Required = true };
        var dino = Flags.Text("--dino", "FILE", "DINO's weights (dino_deitsmall16_pretrain.pth), for the score of that name. [default: not measured]");
        var options = new EvalOptions();
        var command = new Command("dreambooth", "DreamBooth's benchmark: CLIP-I, CLIP-T and DINO of 30 subjects by 25 prompts by 4 pictures.") { subjects, drawn, dino };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var benchmark = DreamBooth.Load(parsed.GetRequiredValue(subjects));
            using var real = benchmark.Real(parsed.GetRequiredValue(subjects));
            using var pictures = benchmark.Drawn(parsed.GetRequiredValue(drawn));
            if (pictures.Pictures.Count != benchmark.Wanted) screen.Note($"{pictures.Pictures.Count:N0} pictures; the benchmark has {benchmark.Wanted:N0}");
            var code = 0;
            foreach (var (file, metrics) in ((string?, IMetric[])[])[(null, [SubjectSimilarity.ClipI, ClipSim.ClipT]), .. parsed.GetValue(dino) is { } weights ? (IEnumerable<(string?, IMetric[])>)[(weights, [SubjectSimilarity.Dino])] : []])
            {
                using var network = file is null ? options.Load(parsed, screen, pooled: false) : FeatureNetwork.Load(file);
                using var extraction = options.Extraction(parsed, network);
                foreach (var metric in metrics)
                {
                    using var status = new StatusLine(screen, parsed.GetValue(options.Json));
                    var result = options.Evaluation(parsed, screen, extraction, status).Measure(metric, pictures, real, screen.Stop);
                    status.Dispose();
                    code = Math.Max(code, EvalOptions.Say(screen, result, null, parsed.GetValue(options.Json)));
                }
            }

            return code;
        });
        return command;
    }
}
