using System.Diagnostics;

namespace Obverse.Files;

/// <summary>How far a pull is, over all its files. Updated by several threads at once.</summary>
public sealed class HubProgress(Action<HubProgress>? tell = null)
{
    private const double WindowSeconds = 8;

    private readonly Lock guard = new();
    private readonly Dictionary<string, (long Done, long? Of)> files = new(StringComparer.Ordinal);
    private readonly Queue<(double Seconds, long Bytes)> window = new();
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private long fetched;

    /// <summary>The file that was reported last.</summary>
    public string File { get; private set; } = "";

    /// <summary>Something that is not a number: another process is waited for, a try failed.</summary>
    public string? Remark { get; private set; }

    public int Files { get { lock (guard) return files.Count; } }

    public long Done { get { lock (guard) return files.Values.Sum(file => file.Done); } }

    /// <summary>Of the files whose size is known.</summary>
    public long Of { get { lock (guard) return files.Values.Sum(file => Math.Max(file.Done, file.Of ?? 0)); } }

    /// <summary>Of the last seconds; NaN before anything came.</summary>
    public double BytesPerSecond
    {
        get
        {
            lock (guard) return window.Count < 2 ? double.NaN : (fetched - window.Peek().Bytes) / Math.Max(1e-3, watch.Elapsed.TotalSeconds - window.Peek().Seconds);
        }
    }

    public double SecondsLeft => (Of - Done) / BytesPerSecond;

    internal void Expect(string file, long? size)
    {
        lock (guard) files[file] = files.TryGetValue(file, out var known) ? (known.Done, size ?? known.Of) : (0, size);
    }

    internal void At(string file, long done, long came)
    {
        lock (guard)
        {
            files[file] = (done, files.TryGetValue(file, out var known) ? known.Of : null);
            File = file;
            Remark = null;
            fetched += came;
            var now = watch.Elapsed.TotalSeconds;
            if (window.Count == 0 || now - window.Last().Seconds > 0.1) window.Enqueue((now, fetched));
            while (window.Count > 2 && now - window.Peek().Seconds > WindowSeconds) window.Dequeue();
            tell?.Invoke(this);
        }
    }

    internal void Say(string remark)
    {
        lock (guard)
        {
            Remark = remark;
            tell?.Invoke(this);
        }
    }
}
