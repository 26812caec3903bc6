namespace Obverse.Torch;

/// <summary>Gradients: what is recorded for them, and the backward pass.</summary>
public sealed unsafe partial class Tensor
{
    /// <summary>True where gradients are recorded. Setting it makes a leaf.</summary>
    public bool RequiresGrad
    {
        get => C.RequiresGrad(C.Impl(Handle)) != 0;
        set => C.Check(C.SetRequiresGrad(Handle, value ? (byte)1 : (byte)0), $"requires_grad of {Described}");
    }

    /// <summary>The gradient that <see cref="Backward"/> left here, a new handle each time; null where there is none.</summary>
    public Tensor? Grad
    {
        get
        {
            var gradient = C.Grad(C.Impl(Handle)); // the address of a Tensor that this one owns
            if (IsUndefined(gradient)) return null;
            nint copy;
            C.Check(C.Copy(gradient, &copy), "grad");
            return new(copy);
        }
        set
        {
            if (value is null && IsUndefined(C.Grad(C.Impl(Handle)))) return;
            var place = C.MutableGrad(C.Impl(Handle));
            if (value is not null) C.Check(C.Assign(value.Handle, place), "grad");
            else
            {
                nint nothing;
                C.Check(C.Undefined(&nothing), "grad");
                C.Check(C.Assign(nothing, place), "grad");
                C.Free(nothing);
            }

            GC.KeepAlive(value);
        }
    }

    /// <summary>What of this tensor's making libtorch's graph does not know; null: nothing.</summary>
    internal Tape? Tape { get; set; }

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

        for (var i = 0; i < cuts.Count; i++)
        {
            using var scope = new TensorScope(); // a gradient goes as soon as it was carried on
            if (cuts[i].Carried(isAsked: inputs.Any(cuts[i].Out.IsSameAs)) is not { } gradient) continue;
            backward.Do(cuts[i].In, Value.Tensors(Wanted(i + 1)), gradient, keepGraph, false);
            if (!keepGraph) output.Tape!.Forget(cuts[i]);
        }
    }

    // Handles of one and the same tensor.
    private bool IsSameAs(Tensor other) => C.Impl(Handle) == C.Impl(other.Handle);

    private static readonly Op backward = Op.Find("aten::_backward");

    // The one undefined tensor that all share: its address is known once it was asked for.
    private static bool IsUndefined(nint tensor) => C.Impl(tensor) == undefined.Value;

    private static readonly Lazy<nint> undefined = new(() =>
    {
        nint nothing;
        C.Check(C.Undefined(&nothing), "undefined");
        return C.Impl(nothing); // never freed
    });
}
