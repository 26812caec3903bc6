using Obverse.Torch;

namespace Obverse;

/// <summary>A canvas around another one, which does all that is not overridden. It owns the inner one.</summary>
public abstract class CanvasWrapper(Canvas inner) : Canvas
{
    public Canvas Inner => inner;
    public override long Count => inner.Count;
    public override long Height => inner.Height;
    public override long Width => inner.Width;
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => inner.Groups;
    public override Tensor Render() => inner.Render();
    public override Tensor Render(long height, long width) => inner.Render(height, width);
    public override Tensor Present(Tensor raw) => inner.Present(raw);
    public override bool Grow(int step) => inner.Grow(step);
    public override void BeforeStep() => inner.BeforeStep();
    public override void Constrain() => inner.Constrain();
    public override Tensor Finish(Tensor raw) => inner.Finish(raw);
    public override Tensor Show() => inner.Show();
    public override Tensor Show(long height, long width) => inner.Show(height, width);
    public override Tensor? ShowRows(long height, long width, long top, long count) => inner.ShowRows(height, width, top, count);
    public override IEnumerable<KeyValuePair<string, Tensor>> State() => inner.State();
    public override void Restore(Func<string, Tensor> state) => inner.Restore(state);

    public override void Dispose()
    {
        inner.Dispose();
        GC.SuppressFinalize(this);
    }
}
