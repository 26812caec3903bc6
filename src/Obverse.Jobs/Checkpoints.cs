using System.Diagnostics;
using Obverse.Files;

namespace Obverse.Jobs;

/// <summary>The checkpoints of a running job: one every <see cref="Outputs.CheckpointEvery"/> beside its picture, removed once the picture is there. What a killed run left is taken up by the next run of the same job.</summary>
internal sealed class Checkpoints(Job job, Outputs outputs, Action<string> onRemark)
{
    private const int Pause = 20; // times as long as the last one took: of a canvas of gigabytes not one every 20 seconds

    private long last = Stopwatch.GetTimestamp();
    private TimeSpan took;
    private bool isOurs;

    /// <summary>What runs, where its checkpoint left it if there is one.</summary>
    /// <param name="build">Makes it.</param>
    /// <param name="restore">Takes it to where a checkpoint left it.</param>
    /// <param name="next">Its next step.</param>
    public T Begin<T>(Func<T> build, Action<T, string> restore, Func<T, int> next) where T : IDisposable
    {
        var from = outputs.Resume ?? (outputs.IsPictureOnly && job.Stopped is null && IsOf(job, outputs.Checkpoint) ? outputs.Checkpoint : null);
        var run = build();
        if (from is null) return run;
        isOurs = Path.GetFullPath(from) == Path.GetFullPath(outputs.Checkpoint);
        try
        {
            restore(run, from);
        }
        catch (Exception wrong)
        {
            run.Dispose();
            if (outputs.Resume is not null || wrong is not (IOException or InvalidDataException)) throw;
            onRemark($"{wrong.Message}; drawn from the start");
            return build();
        }

        IsResumed = true;
        if (outputs.Resume is null) onRemark($"{from}: resumed after step {next(run)}");
        return run;
    }

    /// <summary>Whether it goes on from a checkpoint.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>True where the last one is older than the interval.</summary>
    public bool IsDue => outputs.CheckpointEvery is { } every && (every == TimeSpan.Zero || Stopwatch.GetElapsedTime(last) >= (took * Pause > every ? took * Pause : every));

    /// <summary>One in passing: where there is no room for it, the run goes on without.</summary>
    public void Pass(Action<string, IReadOnlyDictionary<string, string>> save)
    {
        if (!IsDue) return;
        var start = Stopwatch.GetTimestamp();
        try
        {
            Save(save);
        }
        catch (IOException full)
        {
            if (took == default) onRemark($"no checkpoint: {full.Message}");
        }

        last = Stopwatch.GetTimestamp();
        took = Stopwatch.GetElapsedTime(start, last);
    }

    public void Save(Action<string, IReadOnlyDictionary<string, string>> save)
    {
        isOurs = true;
        var metadata = new Dictionary<string, string> { [Job.Keyword] = job.Unstopped.ToJson() };
        if (outputs.Series is { } series) metadata[PictureSeries.Keyword] = PartJson.Write(series);
        save(outputs.Checkpoint, metadata);
    }

    /// <summary>The picture is there.</summary>
    public void Remove()
    {
        if (isOurs || IsOf(job, outputs.Checkpoint)) Delete(outputs.Checkpoint);
    }

    /// <summary>What a run leaves that is killed between its picture and the end.</summary>
    public static void RemoveLeftover(Job job, Outputs outputs)
    {
        if (IsOf(job, outputs.Checkpoint)) Delete(outputs.Checkpoint);
    }

    /// <summary>Whether the file is a checkpoint of this very job, on as many threads: then it goes on to the same bytes.</summary>
    public static bool IsOf(Job job, string path)
    {
        if (!File.Exists(path)) return false;
        try
        {
            return PartJson.Write(Job.FromSafetensors(path)) == PartJson.Write(job.Unstopped);
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
