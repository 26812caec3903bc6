using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Optimises a <see cref="Canvas"/>, seen through <see cref="Views"/> by an <see cref="Encoder"/>, judged by an <see cref="Objective"/>, moved by a
/// <see cref="Schedule"/>. Everything random comes from the seed and the step's number, so an inversion can resume at any step.
/// </summary>
public sealed partial class Inversion : IDisposable
{
    private Optimizer? optimizer;
    private int busy;

    /// <summary>What is optimised; owned.</summary>
    public required Canvas Canvas { get; init; }

    /// <summary>The caller's.</summary>
    public required Encoder Encoder { get; init; }

    /// <summary>The targets by name; owned.</summary>
    public required Targets Targets { get; init; }

    public Views Views { get; init; } = Views.Plain;
    public Objective Objective { get; init; } = Objective.Toward();
    public Schedule Schedule { get; init; } = Schedule.Adam(5e-4);
    public ulong Seed { get; init; }

    /// <summary>Stops after N steps, before the end of the schedule; null: runs to its end.</summary>
    public int? StopAfter { get; init; }

    /// <summary>The next step's number; <see cref="Restore"/> sets it to resume.</summary>
    public int Next { get; private set; }

    /// <summary>For tests: recorded view parameters for a step and an encoder's number, in place of the seed's.</summary>
    internal Func<int, int, IReadOnlyList<ViewParameters>>? Recorded { get; init; }

    /// <summary>Runs step after step; leaving the loop early loses nothing. The token is checked between steps.</summary>
    public IEnumerable<Step> Run(CancellationToken cancellation = default)
    {
        Targets.MustFit(Encoder);
        while (Next < Math.Min(StopAfter ?? int.MaxValue, Schedule.StepCount) && !cancellation.IsCancellationRequested) yield return Advance();
    }

    /// <summary>The finished pictures, [count, 3, h, w] in [0, 1]; at another size if asked. Of a side alone the other follows by the picture's shape.</summary>
    public Tensor Show(long? height = null, long? width = null) => TensorScope.Of(() =>
    {
        using var still = new NoGrad();
        if (height is null && width is null) return Canvas.Show().Clamp(0, 1);
        long Beside(long side, long own, long other) => Math.Max(1, (long)Math.Round(side * (double)other / own));
        return Canvas.Show(height ?? Beside(width!.Value, Canvas.Width, Canvas.Height), width ?? Beside(height!.Value, Canvas.Height, Canvas.Width)).Clamp(0, 1);
    });

    /// <summary>Cosine of a picture [1, 3, h, w], without views, to the prompt; the mean over an ensemble.</summary>
    public double Similarity(Tensor picture)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        return Encoder.Members.Zip(Targets[Targets.Prompt]).Average(pair => (pair.First.Encoder.Embed(picture)[0] * pair.Second.Direction).Sum().Item());
    }

    public void Dispose()
    {
        optimizer?.Dispose();
        Canvas.Dispose();
        Targets.Dispose();
    }

    private Step Advance()
    {
        if (Interlocked.Exchange(ref busy, 1) != 0) throw new InvalidOperationException("an inversion takes one step at a time; another thread is at one of this inversion");
        try { return AdvanceAlone(); }
        finally { busy = 0; }
    }

    private Step AdvanceAlone()
    {
        var step = Next;
        if (Canvas.Grow(step) || optimizer is null) Begin();
        using var scope = new TensorScope();
        var stage = Schedule.StageAt(step);
        var image = Canvas.Present(stage.Render(Canvas));
        if (image is not { Dims: 4 } || image.Size(0) != Canvas.Count || image.Size(1) != 3) throw new InvalidOperationException($"{Canvas.GetType().Name} rendered [{string.Join(", ", image.Shape)}]; [{Canvas.Count}, 3, height, width] was wanted");
        var streams = 0;
        var scene = new Scene(image, step, Schedule.StepCount, views => Encode(image, step, stage.Of(views ?? Views), views is null ? 0 : ++streams));
        var losses = Objective.Losses(scene);
        if (!losses.RequiresGrad) throw new InvalidOperationException("the objective does not depend on the picture");
        losses.Sum().Backward();
        if (Schedule.ClipNorm is { } limit) optimizer!.ClipNorm(limit);
        Canvas.BeforeStep();
        Schedule.Apply(optimizer!, step);
        optimizer!.Step();
        optimizer.ZeroGrad();
        Canvas.Constrain();
        Next++;
        return Step.Of(step, Schedule.StepCount, losses, scene);
    }

    private void Begin()
    {
        optimizer?.Dispose();
        optimizer = Schedule.Create(Canvas);
    }

    // Random numbers of (seed, step, encoder), and of the number of the objective's own views where it has some.
    private List<EncodedViews> Encode(Tensor image, int step, Views views, int stream)
    {
        var encoded = new List<EncodedViews>();
        foreach (var (encoder, weight) in Encoder.Members)
        {
            var member = encoded.Count;
            using var random = stream == 0 ? Generator.For(Seed, 1, (ulong)step, (ulong)member) : Generator.For(Seed, 1, (ulong)step, (ulong)member, (ulong)stream);
            encoded.Add(new(encoder, views.Encode(encoder, image, random, stream == 0 ? Recorded?.Invoke(step, member) : null), weight, Targets, member));
        }

        return encoded;
    }
}
