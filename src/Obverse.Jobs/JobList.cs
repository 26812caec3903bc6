using Obverse.Files;

namespace Obverse.Jobs;

/// <summary>Many jobs, each with its file; what is there already, whole and made by the same job, is not made again. Batch, gallery and ablation run on it.</summary>
public static class JobList
{
    /// <summary>Runs the items in order, <paramref name="workers"/> in parallel.</summary>
    /// <param name="items">The items.</param>
    /// <param name="plan">The job of an item and the file of its picture.</param>
    /// <param name="workshop">Models and banks.</param>
    /// <param name="workers">Pictures in parallel, one core each; 1: one at a time with all cores.</param>
    /// <param name="onDone">Called for each item, one at a time; the result is null if the picture was already there.</param>
    /// <param name="onFailed">Called for an item that cannot be drawn, and the others continue; null: the exception is thrown.</param>
    /// <param name="cancellation">Stops after the current steps; unfinished pictures are not saved.</param>
    public static void Run<T>(IEnumerable<T> items, Func<T, (InversionJob Job, string Path)> plan, Workshop workshop, int workers, Action<T, string, JobFinished?> onDone, Action<T, Exception>? onFailed = null, CancellationToken cancellation = default)
    {
        var gate = new Lock();
        Workers.ForEach(items, workers, item =>
        {
            var (job, path) = plan(item);
            JobFinished? done = null;
            var outputs = new Outputs(path) { KeepsWhenStopped = false };
            if (job.IsMade(path, Damaged)) Checkpoints.RemoveLeftover(job, outputs);
            else
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
                FileNames.MustBeWritable(path, bytes: 1); // before it is drawn
                try
                {
                    done = job.Finish(workshop, outputs, cancellation);
                }
                catch (InvalidDataException wrong) when (onFailed is not null)
                {
                    lock (gate) onFailed(item, wrong);
                    return;
                }
            }

            lock (gate) onDone(item, path, done);
        }, cancellation);

        void Damaged(string problem)
        {
            lock (gate) workshop.OnRemark($"{problem}; drawn anew");
        }
    }
}
