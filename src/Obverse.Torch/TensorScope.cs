namespace Obverse.Torch;

/// <summary>
/// Disposes every tensor made on this thread while it is open, except those passed to <see cref="Keep"/> (they move to the scope
/// around it). Whatever computes more than one tensor opens one; parts of an inversion need none, since its loop opens one a step. It never spans a `yield` or `await`.
/// </summary>
public sealed class TensorScope : IDisposable
{
    [ThreadStatic] private static TensorScope? current;
    [ThreadStatic] private static Stack<List<Tensor>>? spare; // lists are used again: a step allocates none

    private readonly TensorScope? outer = current;
    private readonly List<Tensor> tensors = (spare ??= new()).TryPop(out var list) ? list : new(256);
    private readonly int thread = Environment.CurrentManagedThreadId;
    private bool closed;

    public TensorScope() => current = this;

    /// <summary>Lets the tensor outlive this scope; returns it.</summary>
    public Tensor Keep(Tensor tensor)
    {
        for (var i = tensors.Count - 1; i >= 0; i--) // a result is among the last that were made
        {
            if (!ReferenceEquals(tensors[i], tensor)) continue;
            tensors[i] = tensors[^1];
            tensors.RemoveAt(tensors.Count - 1);
            outer?.tensors.Add(tensor);
            break;
        }

        return tensor;
    }

    public void Dispose()
    {
        if (closed) return;
        if (thread != Environment.CurrentManagedThreadId || current != this) throw new InvalidOperationException("TensorScope: closed on another thread or out of order; it must not span a yield or await");
        closed = true;
        current = outer;
        foreach (var tensor in tensors) tensor.Dispose();
        tensors.Clear();
        spare!.Push(tensors);
    }

    /// <summary>Runs something whose one result lives on.</summary>
    public static Tensor Of(Func<Tensor> body)
    {
        using var scope = new TensorScope();
        return scope.Keep(body());
    }

    /// <summary>Runs something whose tensors all belong to no scope: models, caches. For one tensor there is <see cref="Tensor.Owned"/>.</summary>
    public static T Unscoped<T>(Func<T> body)
    {
        var open = current;
        current = null;
        try { return body(); }
        finally { current = open; }
    }

    internal static void Adopt(Tensor tensor) => current?.tensors.Add(tensor);
}

/// <summary>Switches the recording of gradients off while open.</summary>
public readonly ref struct NoGrad
{
    private readonly bool before;

    public NoGrad()
    {
        before = IsRecording;
        if (before) Set(false);
    }

    /// <summary>True where gradients are recorded, on this thread.</summary>
    public static unsafe bool IsRecording
    {
        get
        {
            LibTorch.Ensure();
            return C.IsGradMode() != 0;
        }
    }

    public void Dispose()
    {
        if (before) Set(true);
    }

    internal static unsafe void Set(bool on) => C.SetGradMode(on ? (byte)1 : (byte)0);
}

/// <summary>Switches the recording of gradients on while open, inside a <see cref="NoGrad"/>: for a backward pass that computes forward again.</summary>
internal readonly ref struct Recording
{
    private readonly bool before;

    public Recording()
    {
        before = NoGrad.IsRecording;
        NoGrad.Set(true);
    }

    public void Dispose() => NoGrad.Set(before);
}

/// <summary>
/// While open, matrix products and convolutions of this thread's CPU tensors are computed in bfloat16 ("torch.autocast"): with AVX512-BF16 or AMX
/// several times faster, to about three digits. Weights and sums stay float32. Close it before <see cref="Tensor.Backward"/>, which remembers.
/// </summary>
public readonly unsafe ref struct Autocast
{
    private const sbyte Cpu = 0;
    private readonly bool before;

    public Autocast() : this(true)
    {
    }

    public Autocast(bool on)
    {
        LibTorch.Ensure();
        before = C.IsAutocast(Cpu) != 0;
        C.SetAutocastType(Cpu, (sbyte)DType.BFloat16);
        Set(on);
    }

    public void Dispose() => Set(before);

    private static void Set(bool on)
    {
        if (!on && C.IsAutocast(Cpu) != 0) C.ClearAutocast();
        C.SetAutocast(Cpu, on ? (byte)1 : (byte)0);
    }
}
