namespace Obverse.Torch;

/// <summary>Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174).</summary>
public sealed unsafe partial class Tensor
{
    /// <summary>
    /// f(inputs) without its graph: the backward pass computes it once more, so that of a deep network only what lies between such parts is kept, and one part at a time. Weights that
    /// f reads get their gradients. What several parts read must be cut off first (<see cref="Shared"/>), for every part walks over the graph below its inputs.
    /// </summary>
    /// <param name="f">The same result for the same inputs: no random numbers of its own.</param>
    /// <param name="inputs">All of one type; of any shapes.</param>
    public static Tensor Recomputed(Func<IReadOnlyList<Tensor>, Tensor> f, params IReadOnlyList<Tensor> inputs)
    {
        if (!NoGrad.IsRecording) return f(inputs);
        long[][] shapes = [.. inputs.Select(input => input.Shape)];
        using var scope = new TensorScope();
        var packed = Cat([.. inputs.Select(input => input.Reshape(-1))]); // a cut of the graph has one input
        if (!packed.RequiresGrad) packed.RequiresGrad = true; // what f learns gets its gradient though nothing below learns
        return scope.Keep(Tape.Apply(packed, x => TensorScope.Of(() => f(Unpacked(x))), (x, gradient) =>
        {
            var leaf = x.Detach();
            leaf.RequiresGrad = true;
            using (new Recording()) f(Unpacked(leaf)).Backward(gradient);
            return leaf.Grad ?? leaf.ZerosLike();
        }));

        IReadOnlyList<Tensor> Unpacked(Tensor all)
        {
            var (parts, at) = (new Tensor[shapes.Length], 0L);
            for (var i = 0; i < parts.Length; i++)
            {
                var length = shapes[i].Aggregate(1L, (product, side) => product * side);
                parts[i] = all.Narrow(0, at, length).Reshape(shapes[i]);
                at += length;
            }

            return parts;
        }
    }

    /// <summary>The same values for several <see cref="Recomputed"/> parts: their gradients meet here, and the graph below is walked over once.</summary>
    public Tensor Shared() => NoGrad.IsRecording && RequiresGrad ? StraightThrough(x => x.Clone()) : this;
}
