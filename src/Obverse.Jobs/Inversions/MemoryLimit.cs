using System.Globalization;

namespace Obverse.Jobs;

/// <summary>How much a step may take: 1.55 GB, 2 GB with the program and a small model, or what the job's recipe takes at its own best where that is more. OBVERSE_MEMORY=8GB is another limit for all.</summary>
internal static class MemoryLimit
{
    internal const double GB = 1e9, Program = 0.45 * GB;
    private const double Usual = 1.55 * GB;

    /// <summary>From here on a step's blocks are mostly of the size that glibc maps anew each time, and to keep them is worth its memory: `clipag` at normal quality, 64 views, takes 11 to 19 % less processor time (docs/speed.md).</summary>
    internal const double LargeStep = 1 * GB;

    /// <summary>What OBVERSE_MEMORY leaves beside the program.</summary>
    internal static double? Asked => Environment.GetEnvironmentVariable("OBVERSE_MEMORY") is { Length: > 0 } text
        && double.TryParse(text.TrimEnd('B', 'b', 'G', 'g', ' '), NumberStyles.Float, CultureInfo.InvariantCulture, out var gigabytes) && gigabytes > 0 ? gigabytes * GB - Program : null;

    /// <summary>What a job's largest step takes; refuses it before anything of its size is allocated.</summary>
    /// <exception cref="UsageException">The message says what it would take and what would fit.</exception>
    public static StepMemory Check(InversionJob job, Encoder encoder)
    {
        Encoder[] members = [.. encoder.Members.Select(member => member.Encoder)];
        StepMemory At(double scale, int views) => StepMemory.Of(job.Recipe.ViewCount(views), members, Side(job.Height, scale), Side(job.Width, scale));
        var (needs, views) = (At(1, job.Recipe.Views.Count), job.Recipe.Views.Count);
        if (needs.Total <= Usual && Asked is null) return needs;
        var limit = Asked ?? Math.Max(Usual, OwnBest(job, members));
        if (needs.Total <= limit) return needs;
        var fewer = views;
        for (var most = views - 1; most > 0 && fewer > most;) if (At(1, most).Total <= limit) fewer = most; else most = Math.Min(most - 1, (int)(most * 0.98));
        var scale = 1.0;
        while (scale > 1e-3 && At(scale, views).Total > limit) scale *= 0.99;
        string[] fits = [.. fewer < views ? (string[])[$"--views {fewer}"] : [], .. scale > 1e-3 && Side(job.Width, scale) < job.Width | Side(job.Height, scale) < job.Height && At(scale, views).Total <= limit ? (string[])[$"--size {Side(job.Width, scale)}x{Side(job.Height, scale)}"] : []];
        throw new UsageException(string.Create(CultureInfo.InvariantCulture,
            $"{job.Width}x{job.Height} with {views} views per step takes about {Show(needs.Total + Program)} (canvas {Show(needs.Canvas)}, views {Show(needs.Views)}, encoder {Show(needs.Encoder)}), the limit is {Show(limit + Program)}: {(fits.Length > 0 ? string.Join(" or ", fits) + " would fit; " : "")}OBVERSE_MEMORY={Math.Ceiling((needs.Total + Program) / GB * 1.1)}GB raises it{(job.Shown is null && scale < 1 ? ", --show-size renders larger than it draws" : "")}"));
    }

    // A recipe of the program's own draws as it is meant to, whatever the model.
    private static double OwnBest(InversionJob job, Encoder[] members)
    {
        if (!Recipes.Names.Contains(job.Recipe.Name)) return 0;
        var side = members.OfType<ClipEncoder>().Select(clip => InversionRequest.SideFor(Quality.Best, clip.Model.ImageSize)).DefaultIfEmpty(0).Max();
        return side == 0 ? 0 : Enum.GetValues<Quality>().Max(quality => StepMemory.Of(Recipes.Named(job.Recipe.Name, quality, side, side), members, side, side).Total);
    }

    private static int Side(int full, double scale) => scale >= 1 ? full : Math.Max(Math.Min(full, PictureSize.Least), (int)(full * scale / 8) * 8);

    internal static string Show(double bytes) => bytes < 0.95 * GB ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0} MB") : string.Create(CultureInfo.InvariantCulture, $"{bytes / GB:0.0} GB");
}
