using System.Diagnostics;
using Obverse.Files;

namespace Obverse.Jobs;

/// <summary>The checkpoints of a running job: one every <see cref="Outputs.CheckpointEvery"/> beside its picture, removed once the picture is there. What a killed run left is taken up by the next run of the same job.</summary>
internal sealed class Checkpoints(InversionJob job, Outputs outputs, Action<string> onRemark)
{
    private const int Pause = 20; // times as long as the last one took: of a canvas of gigabytes not one every 20 seconds

    private long last = Stopwatch.GetTimestamp();
    private TimeSpan took;
    private bool isOurs;

    /// <summary>The inversion, where its checkpoint left it if there is one.</summary>
    public Inversion Begin(Func<Inversion> build)
    {
        var from = outputs.Resume ?? (outputs.IsPictureOnly && job.StoppedAfter is null && IsOf(job, outputs.Checkpoint) ? outputs.Checkpoint : null);
        var inversion = build();
        if (from is null) return inversion;
        isOurs = Path.GetFullPath(from) == Path.GetFullPath(outputs.Checkpoint);
        try
        {
            inversion.Restore(from);
        }
        catch (Exception wrong)
        {
            inversion.Dispose();
            if (outputs.Resume is not null || wrong is not (IOException or InvalidDataException)) throw;
            onRemark($"{wrong.Message}; drawn from the start");
            return build();
        }

        IsResumed = true;
        if (outputs.Resume is null) onRemark($"{from}: resumed after step {inversion.Next}");
        return inversion;
    }

    /// <summary>Whether it goes on from a checkpoint.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>True where the last one is older than the interval.</summary>
    public bool IsDue => outputs.CheckpointEvery is { } every && (every == TimeSpan.Zero || Stopwatch.GetElapsedTime(last) >= (took * Pause > every ? took * Pause : every));

    /// <summary>One in passing: where there is no room for it, the run goes on without.</summary>
    public void Pass(Inversion inversion)
    {
        if (!IsDue) return;
        var start = Stopwatch.GetTimestamp();
        try
        {
            Save(inversion);
        }
        catch (IOException full)
        {
            if (took == default) onRemark($"no checkpoint: {full.Message}");
        }

        last = Stopwatch.GetTimestamp();
        took = Stopwatch.GetElapsedTime(start, last);
    }

    public void Save(Inversion inversion)
    {
        isOurs = true;
        var metadata = new Dictionary<string, string> { [Job.Keyword] = (job with { StoppedAfter = null }).ToJson() };
        if (outputs.Series is { } series) metadata[PictureSeries.Keyword] = PartJson.Write(series);
        inversion.Save(outputs.Checkpoint, metadata);
    }

    /// <summary>The picture is there.</summary>
    public void Remove()
    {
        if (isOurs || IsOf(job, outputs.Checkpoint)) Delete(outputs.Checkpoint);
    }

    /// <summary>What a run leaves that is killed between its picture and the end.</summary>
    public static void RemoveLeftover(InversionJob job, Outputs outputs)
    {
        if (IsOf(job, outputs.Checkpoint)) Delete(outputs.Checkpoint);
    }

    /// <summary>Whether the file is a checkpoint of this very job, on as many threads: then it goes on to the same bytes.</summary>
    public static bool IsOf(InversionJob job, string path)
    {
        if (!File.Exists(path)) return false;
        try
        {
            return PartJson.Write<Job>(InversionJob.FromSafetensors(path)) == PartJson.Write<Job>(job with { StoppedAfter = null });
        }
        catch (Exception wrong) when (wrong is IOException or InvalidDataException)
        {
            return false;
        }
    }

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // it is only in the way
        }
    }
}
