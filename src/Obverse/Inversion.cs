using Obverse.Torch;

namespace Obverse;

/// <summary>
/// Optimises a <see cref="Canvas"/>, seen through <see cref="Views"/> by an <see cref="Encoder"/>, judged by an <see cref="Objective"/>, moved by a
/// <see cref="Schedule"/>. Everything random comes from the seed and the step's number, so a run can be taken up at any step.
/// </summary>
public sealed class Inversion : IDisposable
{
    private Optimizer? optimizer;
    private Tensor? lastSeen;

    public required Canvas Canvas { get; init; }
    public required Encoder Encoder { get; init; }

    /// <summary>What is to be seen: one target for every member of the encoder.</summary>
    public required IReadOnlyList<Target> Targets { get; init; }

    public Views Views { get; init; } = Views.Plain;
    public Objective Objective { get; init; } = Objective.Toward();
    public Schedule Schedule { get; init; } = Schedule.Adam(5e-4);
    public ulong Seed { get; init; }

    /// <summary>Where given, early steps are drawn coarser and seen through fewer views.</summary>
    public Pace? Pace { get; init; }

    /// <summary>[1, 1, h, w] of 0 … 1: where the picture may change; elsewhere <see cref="Background"/> shows.</summary>
    public Tensor? Mask { get; init; }

    /// <summary>[1, 3, h, w] in [0, 1].</summary>
    public Tensor? Background { get; init; }

    /// <summary>The result is the picture as last seen, before the last update (DAS), not after it.</summary>
    public bool ShowsLastSeen { get; init; }

    /// <summary>Steps after which the run ends although its schedule goes on; null: at the schedule's end.</summary>
    public int? StopAfter { get; init; }

    /// <summary>The next step's number; set it to go on from a restored canvas.</summary>
    public int Next { get; private set; }

    /// <summary>Raised after every step, on the thread that runs it.</summary>
    public event Action<Step>? Stepped;

    /// <summary>What goes when this goes: targets, mask and background, where a run made them.</summary>
    internal IReadOnlyList<IDisposable> Belongings { get; init; } = [];

    /// <summary>For tests: recorded draws for a step and an encoder's number, in place of the seed's; and a look at the inner tensors by name.</summary>
    internal Func<int, int, IReadOnlyList<Draws>>? Recorded { get; init; }
    internal Action<string, Tensor>? Observe { get; init; }

    /// <summary>Runs step after step; leaving the loop early keeps what is there. The token is looked at between steps.</summary>
    public IEnumerable<Step> Run(CancellationToken cancellation = default)
    {
        if (Targets.Count != Encoder.Members.Count) throw new ArgumentException($"{Targets.Count} targets for {Encoder.Members.Count} encoders: one each is wanted");
        while (Next < (StopAfter ?? Schedule.StepCount) && !cancellation.IsCancellationRequested) yield return Advance();
    }

    /// <summary>The finished pictures, [count, 3, h, w] in [0, 1]; at another size if asked.</summary>
    public Tensor Show(long? height = null, long? width = null) => TensorScope.Of(() =>
    {
        using var still = new NoGrad();
        var shown = height is null ? (ShowsLastSeen && lastSeen is not null ? Canvas.Finish(lastSeen) : Canvas.Show()) : Canvas.Show(height.Value, width!.Value);
        return Composite(shown).Clamp(0, 1);
    });

    /// <summary>Cosine of a picture [1, 3, h, w], whole and as it is, to the target: of an ensemble the mean.</summary>
    public double Similarity(Tensor picture)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        return Encoder.Members.Zip(Targets).Average(pair => (pair.First.Encoder.Embed(picture)[0] * pair.Second.Direction).Sum().Item());
    }

    /// <summary>What a checkpoint needs beside the run's description: parameters, moments and the step's number.</summary>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var scope = new TensorScope();
        var state = Canvas.State().Select(pair => KeyValuePair.Create("canvas." + pair.Key, pair.Value))
            .Concat((optimizer?.Save() ?? []).Select(pair => KeyValuePair.Create("optimizer." + pair.Key, pair.Value)))
            .Append(KeyValuePair.Create("next", Tensor.From([(long)Next])));
        if (lastSeen is not null) state = state.Append(KeyValuePair.Create("last-seen", lastSeen));
        Safetensors.Save(path, state, metadata);
    }

    /// <summary>Goes on where <see cref="Save"/> was called; the rest of the run must be the same.</summary>
    public void Restore(string path)
    {
        using var file = Safetensors.Open(path);
        using var scope = new TensorScope();
        Next = (int)file["next"].Item();
        Canvas.Restore(name => file["canvas." + name]);
        Begin();
        optimizer!.Load(name => file.Contains("optimizer." + name) ? file["optimizer." + name] : null);
        if (file.Contains("last-seen")) lastSeen = Tensor.Owned(() => file["last-seen"].To(Canvas.Layers[0].Parameters[0].Device).Clone());
    }

    public void Dispose()
    {
        optimizer?.Dispose();
        lastSeen?.Dispose();
        Canvas.Dispose();
        foreach (var belonging in Belongings) belonging.Dispose();
    }

    private void Begin()
    {
        optimizer?.Dispose();
        optimizer = Schedule.Create(Canvas);
    }

    private Step Advance()
    {
        var step = Next;
        if (Canvas.Grow(step) || optimizer is null) Begin();
        using var scope = new TensorScope();
        var stage = Pace?.At(step, Schedule.StepCount) ?? new Stage(1, 1);
        var raw = stage.Side < 1 && Mask is null ? Canvas.Render(Pace.Side(Canvas.Height, stage.Side), Pace.Side(Canvas.Width, stage.Side)) : Canvas.Render();
        var image = Composite(Canvas.Present(raw));
        if (ShowsLastSeen)
        {
            lastSeen?.Dispose();
            lastSeen = raw.OwnedCopy();
        }

        IReadOnlyList<Look>? looks = null;
        var scene = new Scene(image, step, () => looks = Look(image, step, stage));
        var losses = Objective.Evaluate(scene);
        if (!losses.RequiresGrad) throw new InvalidOperationException("the objective does not depend on the picture");
        var loss = losses.Sum();
        if (Observe is not null) ObserveGradients(loss, image, raw);
        loss.Backward();
        if (Schedule.ClipNorm is { } limit)
        {
            var norm = optimizer!.ClipNorm(limit);
            Observe?.Invoke("grad_norm", Tensor.Number(norm));
        }

        foreach (var (name, parameters) in Canvas.Layers) Observe?.Invoke("grad." + name, parameters[0].Grad!);
        Canvas.BeforeStep();
        for (var layer = 0; layer < optimizer!.Groups.Count; layer++) optimizer.Groups[layer].Rate = Schedule.RateAt(step, layer, optimizer.Groups.Count);
        optimizer.Step();
        optimizer.ZeroGrad();
        Canvas.Constrain();
        Next++;

        double[] Floats(Tensor t) => [.. t.ToFloats().Select(v => (double)v)];
        var done = new Step
        {
            Index = step,
            Of = Schedule.StepCount,
            Losses = Floats(losses),
            Similarities = looks is null ? [] : Floats((looks[0].Embeddings.Detach() * looks[0].Target.Direction.Unsqueeze(-2)).Sum(-1).Mean(1)),
        };
        Stepped?.Invoke(done);
        return done;
    }

    private List<Look> Look(Tensor image, int step, Stage stage)
    {
        var looks = new List<Look>();
        var views = stage.Copies < 1 ? Views with { Copies = Pace.Views(Views.Copies, stage.Copies) } : Views;
        foreach (var (encoder, weight) in Encoder.Members)
        {
            var number = looks.Count;
            using var random = Generator.For(Seed, 1, (ulong)step, (ulong)number);
            var seen = Recorded is null ? views.Apply(image, random) : views.Apply(image, Recorded(step, number));
            Observe?.Invoke($"views{number}", seen.Detach());
            var embeddings = encoder.Embed(seen).Reshape(Canvas.Count, views.Copies, -1);
            Observe?.Invoke($"embeddings{number}", embeddings.Detach());
            if (Views.IsAveraged) embeddings = embeddings.Mean(1, keep: true).Normalized(); // spec implicit-inversion.md 2.6
            looks.Add(new(encoder, embeddings, Targets[number], weight));
        }

        return looks;
    }

    private void ObserveGradients(Tensor loss, Tensor image, Tensor raw)
    {
        var gradients = Tensor.Gradients(loss, [image, raw], keepGraph: true);
        Observe!("image", image.Detach());
        Observe("grad_image", gradients[0]!);
        Observe("grad_raw", gradients[1]!);
    }

    private Tensor Composite(Tensor image) => Inpainting.Over(image, Mask, Background);
}

/// <summary>What one step did. Losses and similarities: one a picture.</summary>
public sealed record Step
{
    /// <summary>From 0.</summary>
    public required int Index { get; init; }
    public required int Of { get; init; }
    public required double[] Losses { get; init; }

    /// <summary>Mean cosine of the views' embeddings to the target's direction.</summary>
    public required double[] Similarities { get; init; }

    public double Loss => Losses.Average();
    public double Similarity => Similarities.Length == 0 ? double.NaN : Similarities.Average();
}
