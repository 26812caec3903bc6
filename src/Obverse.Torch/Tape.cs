namespace Obverse.Torch;

/// <summary>
/// Functions whose gradient is ours, since libtorch's C functions cannot register one: each cuts the graph. What comes out is a new leaf; in the backward pass
/// its gradient is taken through the function here and goes on into the graph below. A tensor knows the tape of what it was made from, so
/// <see cref="Tensor.Backward"/> and <see cref="Tensor.Gradients"/> walk over the cuts as if they were not there.
/// </summary>
internal sealed class Tape
{
    private static long made;

    private readonly List<Cut> cuts = []; // in the order in which they were made: what depends on a cut comes after it
    private Tape? joined; // where two tapes met, one goes on for both

    /// <summary>y = forward(x), whose gradient in x is backward(x, gradient in y).</summary>
    public static Tensor Apply(Tensor x, Func<Tensor, Tensor> forward, Func<Tensor, Tensor, Tensor> backward)
    {
        Tensor y;
        using (new NoGrad()) y = forward(x);
        if (!NoGrad.IsRecording || !x.RequiresGrad) return y;
        y.RequiresGrad = true;
        y.Tape = x.Tape?.Root ?? new Tape();
        y.Tape.cuts.Add(new(Interlocked.Increment(ref made), x.Alias(), y.Alias(), backward));
        return y;
    }

    /// <summary>The tape of what is made from these arguments.</summary>
    public static Tape? Of(ReadOnlySpan<Value> args)
    {
        Tape? found = null;
        foreach (ref readonly var arg in args)
        {
            if (arg.Owner is Tensor { Tape: { } one }) found = Joined(found, one);
            else if (arg.Owner is Tensor[] list)
            {
                foreach (var tensor in list)
                {
                    if (tensor.Tape is { } other) found = Joined(found, other);
                }
            }
        }

        return found is null || !NoGrad.IsRecording ? null : found;
    }

    /// <summary>The cuts below, the latest first.</summary>
    public IReadOnlyList<Cut> Latest => [.. Root.cuts.OrderByDescending(cut => cut.Number)];

    /// <summary>Lets go of a cut that was walked over, as libtorch does of its graph.</summary>
    public void Forget(Cut walked)
    {
        Root.cuts.Remove(walked);
        walked.Dispose();
    }

    private Tape Root => joined is null ? this : joined = joined.Root;

    private static Tape Joined(Tape? a, Tape b)
    {
        b = b.Root;
        a = a?.Root ?? b;
        if (a == b) return a;
        a.cuts.AddRange(b.cuts);
        b.cuts.Clear();
        return b.joined = a;
    }

    /// <summary>A place where the graph was cut: what went in, with its history, and the leaf that came out.</summary>
    internal sealed record Cut(long Number, Tensor In, Tensor Out, Func<Tensor, Tensor, Tensor> Backward) : IDisposable
    {
        /// <summary>The gradient that reached the leaf, taken through the function; null where none did. It goes from the leaf unless somebody asked for it there.</summary>
        public Tensor? Carried(bool isAsked)
        {
            if (Out.Grad is not { } gradient) return null;
            if (!isAsked) Out.Grad = null;
            using var still = new NoGrad();
            return Backward(In, gradient);
        }

        public void Dispose()
        {
            In.Dispose();
            Out.Dispose();
        }
    }
}
