using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>
/// Several pictures in parallel, each on one core: no core waits at the end of an operator, so two cores draw more pictures this way than by sharing every operator, and more than
/// by optimising several pictures in one batch (docs/speed.md).
/// </summary>
public static class Workers
{
    /// <summary>Processes all items in order, <paramref name="count"/> at a time; the first failure stops the rest and is thrown. With one worker the caller's thread and its cores are used.</summary>
    public static void ForEach<T>(IEnumerable<T> items, int count, Action<T> body, CancellationToken cancel = default)
    {
        if (count <= 1)
        {
            foreach (var item in items)
            {
                cancel.ThrowIfCancellationRequested();
                body(item);
            }

            return;
        }

        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var queue = items.GetEnumerator();
        Exception? first = null;
        bool Next(out T item)
        {
            lock (queue)
            {
                var there = !failed.IsCancellationRequested && queue.MoveNext();
                item = there ? queue.Current : default!;
                return there;
            }
        }

        Thread[] threads = [.. Enumerable.Range(0, count).Select(_ => new Thread(() =>
        {
            try
            {
                Runtime.Threads = 1; // of this thread alone
                while (Next(out var item)) body(item);
            }
            catch (Exception wrong)
            {
                Interlocked.CompareExchange(ref first, wrong, null);
                failed.Cancel();
            }
        }, maxStackSize: 16 << 20))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        cancel.ThrowIfCancellationRequested();
        if (first is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(first).Throw();
    }
}
