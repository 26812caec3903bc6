using Obverse.Files;

namespace Obverse.Jobs;

/// <summary>Many jobs, each with its file; what is there already, whole and made by the same job, is not made again. Batch, gallery and ablation run on it.</summary>
public static class JobList
{
    /// <summary>Runs the items in their order of starting, <paramref name="workers"/> side by side.</summary>
    /// <param name="items">What is to be made.</param>
    /// <param name="plan">The job of an item, and its picture's file.</param>
    /// <param name="workshop">Models and banks.</param>
    /// <param name="workers">Pictures side by side, a core each; 1: one that has all.</param>
    /// <param name="onDone">Is told of each item, one at a time; the result is null where the picture was there.</param>
    /// <param name="onFailed">Is told of one that cannot be drawn, and the others go on; null: it is thrown.</param>
    /// <param name="cancellation">Ends it after the steps at hand; unfinished pictures are not written.</param>
    public static void Run<T>(IEnumerable<T> items, Func<T, (InversionJob Job, string Path)> plan, Workshop workshop, int workers, Action<T, string, JobFinished?> onDone, Action<T, Exception>? onFailed = null, CancellationToken cancellation = default)
    {
        var gate = new Lock();
        Workers.ForEach(items, workers, item =>
        {
            var (job, path) = plan(item);
            JobFinished? done = null;
            if (!job.IsMade(path, Damaged))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
                FileNames.MustBeWritable(path, bytes: 1); // before it is drawn
                try
                {
                    done = job.Finish(workshop, new Outputs(path) { KeepsWhenStopped = false }, cancellation);
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
