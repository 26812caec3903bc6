using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

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
    /// <param name="replaces">Whether pictures that other settings made are drawn over; false: the first of them is refused, unless one before it was this list's.</param>
    /// <exception cref="UsageException">A picture of other settings is there.</exception>
    public static void Run<T>(IEnumerable<T> items, Func<T, (InversionJob Job, string Path)> plan, Workshop workshop, int workers, Action<T, string, JobFinished?> onDone, Action<T, Exception>? onFailed = null, CancellationToken cancellation = default, bool replaces = true) =>
        Run(items, plan, (job, outputs) => job.Finish(workshop, outputs, cancellation), workshop, workers, onDone, onFailed, cancellation, replaces);

    /// <summary>The same of samples.</summary>
    public static void Samples<T>(IEnumerable<T> items, Func<T, (SampleJob Job, string Path)> plan, Workshop workshop, int workers, Action<T, string, SampleFinished?> onDone, Action<T, Exception>? onFailed = null, CancellationToken cancellation = default, bool replaces = true) =>
        Run(items, plan, (job, outputs) => job.Finish(workshop, outputs, cancellation), workshop, workers, onDone, onFailed, cancellation, replaces);

    private static void Run<T, TJob, TDone>(IEnumerable<T> items, Func<T, (TJob Job, string Path)> plan, Func<TJob, Outputs, TDone> draw, Workshop workshop, int workers, Action<T, string, TDone?> onDone, Action<T, Exception>? onFailed, CancellationToken cancellation, bool replaces)
        where TJob : Job where TDone : JobEvent
    {
        var gate = new Lock();
        Workers.ForEach(items, workers, item =>
        {
            var (job, path) = plan(item);
            TDone? done = null;
            var outputs = new Outputs(path) { KeepsWhenStopped = false };
            if (job.IsMade(path, Damaged))
            {
                replaces = true; // it goes on here; what differs was changed since
                Checkpoints.RemoveLeftover(job, outputs);
            }
            else
            {
                if (!replaces && IsAnothers(path)) throw new UsageException($"{path} is there already, made by other settings or another version; the same ones, or another --out, were wanted");
                Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
                try
                {
                    done = draw(job, outputs);
                    Runtime.ReturnFreeMemory(); // or each job would leave some that no other can use
                }
                catch (InvalidDataException wrong) when (onFailed is not null)
                {
                    lock (gate) onFailed(item, wrong);
                    return;
                }
            }

            lock (gate) onDone(item, path, done);
        }, cancellation);

        static bool IsAnothers(string path)
        {
            try
            {
                if (!File.Exists(path)) return false;
                var file = Picture.ReadFile(path);
                PngText.MustBeIntact(file, path);
                return Job.FromPicture(file, path) is not null;
            }
            catch (Exception damaged) when (damaged is IOException or InvalidDataException)
            {
                return false; // drawn anew
            }
        }

        void Damaged(string problem)
        {
            lock (gate) workshop.OnRemark($"{problem}; drawn anew");
        }
    }
}
