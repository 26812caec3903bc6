using System.CommandLine;
using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What the commands of `obverse eval` share: the network, its cached features, threads; progress and pictures that cannot be read.</summary>
internal sealed class EvalOptions
{
    public Option<string?> Network { get; } = Flags.Text("--network", "MODEL", $"The network whose features are taken: a CLIP by folder, file or zoo name, or a weights file of Inception (FID's), DINO, DINOv2 or EfficientNet-Lite. [default: {LoadedModel.JudgeName}]");
    public Option<string?> Cache { get; } = Flags.Text("--cache", "FOLDER|none", "Where features are cached, by the hash of each picture. [default: ~/.cache/obverse/features]");
    public Option<int?> Halves { get; } = Flags.Whole("--halves", $"Random halves of the sets for the interval of a distance; 0: no interval. [default: {Resampling.Halves}]", 0, 10_000);
    public Option<int?> Threads { get; } = Flags.Threads();
    public Option<Device?> Device { get; } = Flags.Device();
    public Option<bool> Json { get; } = Flags.Json("Print the result as JSON lines.");

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[Network, Cache, Halves, Threads, Device, Json]) command.Add(option);
    }

    /// <summary>Loads the network; the caller disposes it.</summary>
    public FeatureNetwork Load(ParseResult parsed, Screen screen, bool pooled, InceptionInput input = InceptionInput.PytorchFid)
    {
        var name = parsed.GetValue(Network) ?? LoadedModel.JudgeName;
        if (!File.Exists(name)) CliModels.Find(name, screen);
        Runtime.Threads = parsed.GetValue(Threads) ?? Environment.ProcessorCount;
        LoadedModel.MustExist(parsed.GetValue(Device));
        return FeatureNetwork.Load(name, input, pooled, parsed.GetValue(Device));
    }

    public FeatureExtraction Extraction(ParseResult parsed, FeatureNetwork network, (int Index, int Of)? shard = null) => new(network, CacheFolder(parsed.GetValue(Cache)), shard);

    public static string? CacheFolder(string? given) => given == "none" ? null : given ?? FeatureStore.Folder;

    /// <summary>With progress on the screen; unreadable pictures are named at once.</summary>
    public SetEvaluation Evaluation(ParseResult parsed, Screen screen, FeatureExtraction extraction, StatusLine status) => new(extraction)
    {
        Halves = parsed.GetValue(Halves) ?? Resampling.Halves,
        OnUnreadable = line => screen.Note($"left out: {line}"),
        OnProgress = (done, of) =>
        {
            if (status.IsDue()) status.Show($"{done:N0}/{of:N0} pictures", new { Event = "progress", Done = done, Of = of });
        },
    };

    /// <summary>A set; pictures of a folder that have no caption beside them are asked for the prompt they store.</summary>
    public static PictureSource Open(string path, bool captioned)
    {
        var source = Path.GetExtension(path).Equals(".parquet", StringComparison.OrdinalIgnoreCase) && !Directory.Exists(path) ? ParquetCaptions.Open(path) : PictureSource.Open(path);
        if (!captioned || !Directory.Exists(path) || source.Pictures.Any(picture => picture.Captions.Count > 0)) return source;
        return source.With(i => source.Pictures[i] is var picture && PromptOf(Path.Combine(path, picture.Name)) is { } prompt ? picture with { Captions = [prompt] } : source.Pictures[i]);
    }

    private static string? PromptOf(string file)
    {
        try
        {
            return InversionJob.FromPicture(file).Prompt.Wanted is { Length: > 0 } prompt ? prompt : null;
        }
        catch (Exception e) when (e is InvalidDataException or PictureException or ArgumentException or FormatException or IOException)
        {
            return null;
        }
    }

    /// <summary>Says a result; 1 where pictures were left out.</summary>
    public static int Say(Screen screen, SetResult result, string? library, bool json)
    {
        foreach (var warning in result.Warnings) screen.Note(warning);
        if (result.Unreadable.Count > 0) screen.Note($"{result.Unreadable.Count:N0} {(result.Unreadable.Count == 1 ? "picture" : "pictures")} of {result.Pictures + result.Reference + result.Unreadable.Count:N0} cannot be read and {(result.Unreadable.Count == 1 ? "is" : "are")} left out");
        foreach (var figure in result.Figures)
        {
            if (json) screen.Json(new { Event = "result", Metric = figure.Name, figure.Value, figure.Interval?.Low, figure.Interval?.High, figure.Deviation, result.Pictures, Reference = result.Reference == 0 ? (int?)null : result.Reference, result.Network, As = library, Unreadable = result.Unreadable.Count });
            else screen.Say($"{figure.Name}  {EvaluationTable.Shown(figure)}  N {result.Pictures:N0}{(result.Reference > 0 ? $", reference {result.Reference:N0}" : "")}{(library is null ? "" : $", as {library}")}");
        }

        return result.Unreadable.Count == 0 ? 0 : 1;
    }
}
