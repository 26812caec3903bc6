using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Retrieval;

namespace Obverse.Jobs;

/// <summary>Draws the methods of a table that are variants of `ablate`, into the table's folder: a folder a variant, pictures of one caption under one name, so that differences are paired.</summary>
public static class TableDrawing
{
    public const int UsualSide = 96;

    /// <summary>The drawings that a table needs; refuses what cannot be drawn.</summary>
    public static Ablation Plan(TableSpec spec, string folder, (int Index, int Of) shard, int workers)
    {
        var draw = spec.Draw ?? throw new ArgumentException("a table without \"draw\" draws nothing");
        var quality = draw.Quality is null ? (Quality?)null : Enum.TryParse<Quality>(draw.Quality, ignoreCase: true, out var named) && Enum.IsDefined(named) ? named : throw new UsageException($"\"quality\": '{draw.Quality}' was given; draft, normal or best was wanted");
        var side = draw.Size ?? UsualSide;
        var banked = draw.Bank ?? ZooBank.Of(draw.Model);
        var all = Ablations.All(draw.Steps, banked is null ? null : InrBank.PlanOf(banked), quality ?? Quality.Normal, side);
        return new()
        {
            Folder = folder, Captions = Captions(draw), Shard = shard, PlainBank = draw.PlainBank, Workers = workers,
            Variants = Ablations.Chosen([.. spec.Methods.Select(method => method.Variant).OfType<string>().Distinct()], all, banked, draw.PlainBank),
            Request = new() { Models = [draw.Model ?? LoadedModel.Drawing], Bank = banked, Quality = quality, Size = new(side, side), Seed = draw.Seed },
        };
    }

    /// <summary>The table whose drawn methods are folders of drawn pictures.</summary>
    public static TableSpec Drawn(TableSpec spec, Ablation drawings) => spec with { Methods = [.. spec.Methods.Select(method => method.Variant is { } variant ? method with { Pictures = drawings.FolderOf(variant) } : method)] };

    // Of a data set: the first captions of all its pictures, then the second ones.
    private static IReadOnlyList<string> Captions(TableDraw draw)
    {
        var file = draw.Captions ?? throw new UsageException("the table draws its pictures, and \"draw\" names no \"captions\": give --captions FILE");
        string[] lines = Path.GetExtension(file).ToLowerInvariant() is ".json" or ".zip"
            ? [.. CaptionData.Read(file, draw.CaptionsPerPicture ?? 1).SelectMany(one => one.Captions.Index()).OrderBy(one => one.Index).Select(one => one.Item)]
            : [.. TextLines.Read(file).Where(line => line.Length > 0)];
        if (lines.Length == 0) throw new UsageException($"{file}: holds no captions");
        return draw.N is { } n ? Ablation.Spread(lines, n, file) : lines;
    }
}
