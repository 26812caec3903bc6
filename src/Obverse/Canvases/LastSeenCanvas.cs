using Obverse.Torch;

namespace Obverse;

/// <summary>A canvas whose result is the picture as it was in the last step, before its update (Direct Ascent Synthesis; spec pixel-baselines.md 3.2).</summary>
public sealed class LastSeenCanvas(Canvas inner) : CanvasWrapper(inner)
{
    private const string Name = "last-seen";
    private Tensor? last;

    public override Tensor Present(Tensor raw)
    {
        last?.Dispose();
        last = raw.OwnedCopy();
        return Inner.Present(raw);
    }

    public override Tensor Show() => last is null ? Inner.Show() : Inner.Finish(last);

    /// <summary>At the drawn size the same picture; at another one the canvas as it is now, one update newer.</summary>
    public override Tensor Show(long height, long width) => last is not null && (last.Size(2), last.Size(3)) == (height, width) ? Show() : Inner.Show(height, width);

    public override IEnumerable<KeyValuePair<string, Tensor>> State() => last is null ? Inner.State() : Inner.State().Append(new(Name, last));

    public override void Restore(Func<string, Tensor> state)
    {
        Inner.Restore(state);
        last?.Dispose();
        last = Tensor.Owned(() => state(Name).To(Groups[0].Parameters[0].Device).Clone());
    }

    public override void Dispose()
    {
        last?.Dispose();
        base.Dispose();
    }
}
