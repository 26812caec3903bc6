using Obverse.Torch;

namespace Obverse;

/// <summary>
/// A canvas whose result is the picture after the step at which the views' mean distance to the prompt, as it was before that step, was least (CLIPAG's notebook, spec clipag.md 4.2, step 7:
/// the picture is one step newer than its score). The canvas hears of the distance through <see cref="Watching"/>.
/// </summary>
public sealed class BestCanvas(Canvas inner) : CanvasWrapper(inner)
{
    private const string Picture = "best", Distance = "best-distance";
    private const double Unknown = 1e300;
    private Tensor? best;
    private double least = Unknown, now = double.PositiveInfinity;

    /// <summary>The step whose picture is shown; null: none yet.</summary>
    public int? Step { get; private set; }

    /// <summary>The same objective, which tells this canvas how far the views are from the prompt.</summary>
    public Objective Watching(Objective objective) => new Watched(objective, this);

    public override void Constrain()
    {
        Inner.Constrain();
        if (now >= least) return;
        least = now;
        Keep();
    }

    public override Tensor Show() => best is null ? Inner.Show() : Inner.Finish(best);
    public override Tensor Show(long height, long width) => best is null ? Inner.Show(height, width) : Show() is var shown && (shown.Size(2), shown.Size(3)) == (height, width) ? shown : shown.Resize(height, width, Interpolation.Bicubic, antialias: true).Clamp(0, 1);

    public override IEnumerable<KeyValuePair<string, Tensor>> State()
    {
        if (best is null) Keep();
        return Inner.State().Append(new(Picture, best!)).Append(new(Distance, Tensor.From([least])));
    }

    public override void Restore(Func<string, Tensor> state)
    {
        Inner.Restore(state);
        best?.Dispose();
        best = Tensor.Owned(() => state(Picture).To(Groups[0].Parameters[0].Device).Clone());
        using var saved = state(Distance);
        least = saved.Item();
    }

    public override void Dispose()
    {
        best?.Dispose();
        base.Dispose();
    }

    private void Keep()
    {
        best?.Dispose();
        using var still = new NoGrad();
        best = Tensor.Owned(() => Inner.Render().Detach().Clone());
    }

    private sealed record Watched(Objective Objective, BestCanvas Canvas) : Objective
    {
        private static readonly Toward prompt = new();

        public override Tensor Evaluate(Scene scene)
        {
            var losses = Objective.Losses(scene);
            Canvas.now = scene.Sum(seen => prompt.Of(seen.Embeddings.Detach(), seen.Target(Targets.Prompt))).Mean().Item();
            if (Canvas.now < Canvas.least) Canvas.Step = scene.Step;
            return losses;
        }
    }
}
