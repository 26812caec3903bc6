using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>What differs from when a job was stored, so that its picture may differ.</summary>
public static class Differences
{
    public static IReadOnlyList<string> Of(InversionJob job, Workshop workshop)
    {
        List<string> found = [];
        foreach (var was in job.Models)
        {
            var now = workshop.Model(was.Name);
            if (was.Sha256 is { } sha && sha != now.Sha256) found.Add($"the weights of {was.Name} (SHA-256 {now.Sha256[..12]}…, the job had {sha[..Math.Min(12, sha.Length)]}…)");
            if (was.TextSha256 is { } text && text != now.TextSha256) found.Add($"the text encoder of {was.Name} (SHA-256 {now.TextSha256?[..12] ?? "none"}…, the job had {text[..Math.Min(12, text.Length)]}…)");
        }

        if (job.Threads != Runtime.Threads) found.Add($"{Runtime.Threads} threads, the job had {job.Threads}");
        if (job.Libtorch != Runtime.Version) found.Add($"libtorch {Runtime.Version}, the job had {job.Libtorch}");
        if (job.Random != Generator.Name) found.Add($"random numbers by {Generator.Name}, the job had {job.Random ?? "libtorch's Mersenne twister"}");
        if (job.Obverse != Job.Version) found.Add($"Obverse {Job.Version}, the job had {job.Obverse}");
        return found;
    }

    /// <summary>The job as it is drawn here: with this machine's models, threads and versions.</summary>
    public static InversionJob Here(InversionJob job, Workshop workshop) =>
        (InversionJob)job.Here(workshop.Model(job.Models[0].Name).Precision) with { Models = [.. job.Models.Select(model => workshop.Model(model.Name).ForJob)] };
}
