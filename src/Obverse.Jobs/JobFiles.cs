using Obverse.Files;
using Obverse.Models;

namespace Obverse.Jobs;

/// <summary>What a job that was read from a file would touch on this machine. The file may be a stranger's: each outside file has a hash that it must still have, or is asked for; a hub is asked only where that was allowed.</summary>
internal static class JobFiles
{
    /// <exception cref="UsageException">Something that is not allowed; the message names it and what would allow it.</exception>
    /// <exception cref="IOException">A device or a pipe.</exception>
    public static void Check(InversionJob job, Workshop workshop)
    {
        foreach (var model in job.Models) Check(model, workshop);
        foreach (var part in job.Prompt.Images.Concat(job.Targets?.Values.SelectMany(prompt => prompt.Images) ?? []))
        {
            MustBeLocal(part.Image!, workshop);
            if (part.Sha256 is null && !workshop.AllowsFiles) throw Unhashed(part.Image!, "picture");
        }

        if (job.Bank is { } bank) MustBeLocal(bank.Path, workshop);
        CheckCanvas(job, workshop);
    }

    /// <inheritdoc cref="Check(InversionJob, Workshop)"/>
    public static void Check(SampleJob job, Workshop workshop)
    {
        if (!StableDiffusionModel.IsOfZoo(job.Model.Name))
        {
            MustBeLocal(job.Model.Name, workshop);
            CheckDiffusion(job.Model, workshop);
        }

        if (job.References?.Encoder is { } encoder) Check(encoder, workshop);
        foreach (var file in job.Files) MustBeLocal(file.Path, workshop);
    }

    /// <summary>Only what the canvas is made from: to render one, no model is needed.</summary>
    /// <inheritdoc cref="Check(InversionJob, Workshop)"/>
    public static void CheckCanvas(InversionJob job, Workshop workshop)
    {
        foreach (var file in new[] { job.Start, job.Mask }.Concat(job.Weights?.Values ?? [])) if (file is not null) MustBeLocal(file.Path, workshop);
    }

    private static void Check(JobModel model, Workshop workshop)
    {
        var path = ModelName.Parse(model.Name).Path;
        if (Zoo.Names.Contains(path)) return;
        MustBeLocal(path, workshop);
        string found;
        try
        {
            found = Zoo.Resolve(model.Name);
        }
        catch (FileNotFoundException wrong)
        {
            if (LoadedModel.Repository(path) is null) throw new UsageException(wrong.Message);
            if (!workshop.AllowsHub || workshop.Pull is null) throw new UsageException($"the job's model {model.Name} is not on this machine; --allow-hub fetches it, or first `obverse models pull {model.Name}`");
            return;
        }

        if (LoadedModel.Repository(path) is { } repository && Zoo.Cached(repository) == found) return;
        OrdinaryFile.Checked(Directory.Exists(found) ? WeightFiles.Find(found) : found, "model");
        if (model.Sha256 is null && !workshop.AllowsFiles) throw Unhashed(model.Name, "model");
    }

    /// <summary>A loaded model, where the job means a file of this machine: other weights are drawn with only where that was allowed. Names of the zoo and of a hub may have new ones, which is said.</summary>
    /// <exception cref="InvalidDataException">They are not the job's.</exception>
    public static void Check(JobModel was, LoadedModel now, Workshop workshop)
    {
        if (workshop.AllowsFiles || was.Sha256 is null || was.Sha256 == now.Sha256) return;
        var path = ModelName.Parse(was.Name).Path;
        if (Zoo.Names.Contains(path) || LoadedModel.Repository(path) is { } repository && Zoo.Cached(repository) is not null) return;
        throw new InvalidDataException($"the weights of {was.Name} are not the job's (SHA-256 {now.Sha256[..12]}…, stored {was.Sha256[..Math.Min(12, was.Sha256.Length)]}…); --allow-files draws with them");
    }

    private static void CheckDiffusion(SampleModel model, Workshop workshop)
    {
        string found;
        try
        {
            found = StableDiffusionModel.Find(model.Name);
        }
        catch (FileNotFoundException wrong)
        {
            if (LoadedModel.Repository(model.Name) is null) throw new UsageException(wrong.Message);
            if (!workshop.AllowsHub || workshop.Pull is null) throw new UsageException($"the job's model {model.Name} is not on this machine; --allow-hub fetches it, or first `obverse models pull {model.Name}`");
            return;
        }

        if (LoadedModel.Repository(model.Name) is { } repository && Zoo.Cached(repository) == found) return;
        foreach (var file in StableDiffusionModel.FilesOf(found)) OrdinaryFile.Checked(file, "model");
        if (model.Sha256 is null && !workshop.AllowsFiles) throw Unhashed(model.Name, "model");
    }

    /// <summary>The same of a Stable Diffusion model, whose parts have hashes of their own.</summary>
    /// <inheritdoc cref="Check(JobModel, LoadedModel, Workshop)"/>
    public static void Check(SampleModel was, SampleModel now, Workshop workshop)
    {
        if (workshop.AllowsFiles || StableDiffusionModel.IsOfZoo(was.Name) || LoadedModel.Repository(was.Name) is { } repository && Zoo.Cached(repository) is not null) return;
        foreach (var (stored, here) in new[] { (was.Sha256, now.Sha256), (was.AutoencoderSha256, now.AutoencoderSha256), (was.TextSha256, now.TextSha256) })
        {
            if (stored is not null && stored != here) throw new InvalidDataException($"the weights of {was.Name} are not the job's (SHA-256 {here?[..12]}…, stored {stored[..Math.Min(12, stored.Length)]}…); --allow-files draws with them");
        }
    }

    // Looking whether such a file is there would already ask another machine, with this user's name.
    private static void MustBeLocal(string path, Workshop workshop)
    {
        if (!workshop.AllowsFiles && path is ['/' or '\\', '/' or '\\', ..]) throw new UsageException($"the job names {path}, a path that may lead to another machine; --allow-files reads it");
    }

    private static UsageException Unhashed(string path, string what) => new($"the job names the {what} {path} without its SHA-256, so nobody can say whether it is the one; --allow-files reads it");
}
