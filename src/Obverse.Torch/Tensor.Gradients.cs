namespace Obverse.Torch;

/// <summary>The way back.</summary>
public sealed partial class Tensor
{
    /// <summary>Adds d(this)/d(leaf) to the gradient of every leaf below. <paramref name="seed"/> is needed where this is not one number.</summary>
    public void Backward(Tensor? seed = null, bool keepGraph = false) => Back(this, [], seed, keepGraph, createGraph: false);

    /// <summary>d(output)/d(input) for every input; null where an input does not reach the output. Gradients that leaves hold already stay as they are.</summary>
    public static Tensor?[] Gradients(Tensor output, IReadOnlyList<Tensor> inputs, Tensor? seed = null, bool keepGraph = false, bool createGraph = false)
    {
        var held = new Tensor?[inputs.Count];
        for (var i = 0; i < held.Length; i++)
        {
            held[i] = inputs[i].Grad;
            inputs[i].Grad = null;
        }

        var found = new Tensor?[inputs.Count];
        try
        {
            Back(output, inputs, seed, keepGraph || createGraph, createGraph);
            for (var i = 0; i < found.Length; i++) found[i] = inputs[i].Grad;
        }
        finally
        {
            for (var i = 0; i < held.Length; i++)
            {
                inputs[i].Grad = held[i];
                held[i]?.Dispose();
            }
        }

        return found;
    }

    // The graph above the latest cut first, then cut by cut what lies below: whatever could still reach a cut was walked before it.
    private static void Back(Tensor output, IReadOnlyList<Tensor> inputs, Tensor? seed, bool keepGraph, bool createGraph)
    {
        var cuts = output.Tape?.Latest ?? [];
        if (cuts.Count > 0 && createGraph) throw new NotSupportedException("a gradient of a gradient through an activation of ours: use its plain version");
        Tensor[] Wanted(int from) => inputs.Count == 0 ? [] : [.. inputs, .. cuts.Skip(from).Select(cut => cut.Out)]; // none: all leaves
        backward.Do(output, Value.Tensors(Wanted(0)), seed, keepGraph, createGraph);
        if (cuts.Count == 0) return;

        using var scope = new TensorScope();
        var walked = new List<Tape.Cut>();
        for (var i = 0; i < cuts.Count; i++)
        {
            if (cuts[i].Carried(isAsked: inputs.Any(cuts[i].Out.IsSameAs)) is not { } gradient) continue;
            backward.Do(cuts[i].In, Value.Tensors(Wanted(i + 1)), gradient, keepGraph, false);
            walked.Add(cuts[i]);
        }

        if (!keepGraph) output.Tape!.Forget(walked);
    }

    // Handles of one and the same tensor.
    private unsafe bool IsSameAs(Tensor other) => C.Impl(Handle) == C.Impl(other.Handle);

    private static readonly Op backward = Op.Find("aten::_backward");
}
