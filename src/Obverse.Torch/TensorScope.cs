namespace Obverse.Torch;

/// <summary>
/// Disposes every tensor made on this thread while it is open, except those that were <see cref="Keep"/>-ed (they move to the scope
/// around it). Only the loop opens one, and it never spans a `yield` or `await`.
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
        for (var i = tensors.Count - 1; i >= 0; i--) // what is kept was made late
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

    /// <summary>Runs something whose tensors belong to no scope: optimiser state, caches.</summary>
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
    private readonly int before;

    public NoGrad() => before = Library.ob_grad_mode(0);

    public void Dispose() => Library.ob_grad_mode(before);
}

/// <summary>
/// While open, matrix products and convolutions of this thread's CPU tensors are computed in bfloat16 ("torch.autocast"): with AVX512-BF16 or AMX
/// several times faster, to about three digits. Weights and sums stay float32. Close it before <see cref="Tensor.Backward"/>, which remembers.
/// </summary>
public readonly ref struct Autocast
{
    private readonly int before;

    /// <summary>True where the processor multiplies bfloat16 itself (AVX512-BF16: CPUID 7.1, EAX bit 5); elsewhere float32 is faster.</summary>
    public static bool IsFast { get; } = System.Runtime.Intrinsics.X86.X86Base.IsSupported
        && System.Runtime.Intrinsics.X86.X86Base.CpuId(0, 0).Eax >= 7 && System.Runtime.Intrinsics.X86.X86Base.CpuId(7, 0).Eax >= 1
        && (System.Runtime.Intrinsics.X86.X86Base.CpuId(7, 1).Eax & 1 << 5) != 0;

    public Autocast() : this(true)
    {
    }

    public Autocast(bool on) => before = Library.ob_autocast(on ? 1 : 0);

    public void Dispose() => Library.ob_autocast(before);
}
