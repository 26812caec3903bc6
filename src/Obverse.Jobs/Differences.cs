using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>What differs from when a job was stored, so that its picture may differ.</summary>
public static class Differences
{
    public static IReadOnlyList<string> Of(Job job, Workshop workshop) => job is SampleJob sample ? Of(sample, workshop) : Of((InversionJob)job, workshop);

    /// <summary>The job as it is drawn here: with this machine's models, threads and versions.</summary>
    public static Job Here(Job job, Workshop workshop) => job is SampleJob sample ? Here(sample, workshop) : Here((InversionJob)job, workshop);

    public static IReadOnlyList<string> Of(InversionJob job, Workshop workshop)
    {
        List<string> found = [];
        foreach (var was in job.Models)
        {
            var now = workshop.Model(was.Name);
            if (was.Sha256 is { } sha && sha != now.Sha256) found.Add($"the weights of {was.Name} (SHA-256 {now.Sha256[..12]}…, the job had {sha[..Math.Min(12, sha.Length)]}…)");
            if (was.TextSha256 is { } text && text != now.TextSha256) found.Add($"the text encoder of {was.Name} (SHA-256 {now.TextSha256?[..12] ?? "none"}…, the job had {text[..Math.Min(12, text.Length)]}…)");
        }

        found.AddRange(OfMachine(job));
        return found;
    }

    /// <inheritdoc cref="Of(InversionJob, Workshop)"/>
    public static IReadOnlyList<string> Of(SampleJob job, Workshop workshop)
    {
        List<string> found = [];
        void Compare(string what, string? was, string? now)
        {
            if (was is not null && was != now) found.Add($"{what} (SHA-256 {now?[..12] ?? "none"}…, the job had {was[..Math.Min(12, was.Length)]}…)");
        }

        var here = workshop.ForJob(job.Model.Name);
        Compare($"the weights of {job.Model.Name}", job.Model.Sha256, here.Sha256);
        Compare($"the autoencoder of {job.Model.Name}", job.Model.AutoencoderSha256, here.AutoencoderSha256);
        Compare($"the text encoder of {job.Model.Name}", job.Model.TextSha256, here.TextSha256);
        if (job.References?.Encoder is { } encoder) Compare($"the weights of {encoder.Name}", encoder.Sha256, workshop.Model(encoder.Name).Sha256);
        found.AddRange(OfMachine(job));
        return found;
    }

    /// <summary>The job as it is drawn here: with this machine's models, threads and versions.</summary>
    public static SampleJob Here(SampleJob job, Workshop workshop) => (SampleJob)job.Here(workshop.Precision.On(workshop.Device ?? Device.Cpu).Name()) with
    {
        Model = workshop.ForJob(job.Model.Name), References = job.References?.Encoder is { } encoder ? job.References with { Encoder = workshop.Model(encoder.Name).ForJob } : job.References,
    };

    private static List<string> OfMachine(Job job)
    {
        List<string> found = [];
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
