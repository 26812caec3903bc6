using Obverse.Torch;

namespace Obverse;

/// <summary>All that an objective may be made from before the first step.</summary>
/// <param name="Start">The start picture at the canvas's size, [1, 3, h, w] in [0, 1]; null: none.</param>
/// <param name="WeightsFile">Where the weights lie that an objective names (<see cref="Objective.NeededWeights"/>).</param>
/// <param name="Device">Where the canvas is.</param>
public sealed record ObjectiveContext(Tensor? Start, Func<string, string> WeightsFile, Device Device) : IDisposable
{
    private readonly List<IDisposable> owned = [];

    /// <summary>Something that lives as long as the inversion.</summary>
    public void Own(IDisposable part) => owned.Add(part);

    public void Dispose()
    {
        foreach (var part in owned) part.Dispose();
        owned.Clear();
    }

    /// <summary>The canvas, which takes along what the objective owns.</summary>
    public Canvas Beside(Canvas canvas) => owned.Count == 0 ? canvas : new Together(canvas, this);

    private sealed class Together(Canvas inner, ObjectiveContext context) : CanvasWrapper(inner)
    {
        public override void Dispose()
        {
            base.Dispose();
            context.Dispose();
        }
    }
}
