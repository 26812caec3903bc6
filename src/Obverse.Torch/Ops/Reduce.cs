namespace Obverse.Torch;

/// <summary>Many elements to fewer.</summary>
public sealed partial class Tensor
{
    public Tensor Sum() => sum_all.Call(this);
    public Tensor Sum(ReadOnlySpan<long> dims, bool keep = false) => sum.Call(this, Value.Ints(dims), keep);
    public Tensor Sum(int dim, bool keep = false) => sum.Call(this, Value.Ints(dim), keep);
    public Tensor Mean() => mean_all.Call(this);
    public Tensor Mean(ReadOnlySpan<long> dims, bool keep = false) => mean.Call(this, Value.Ints(dims), keep);
    public Tensor Mean(int dim, bool keep = false) => mean.Call(this, Value.Ints(dim), keep);
    public Tensor Amax(ReadOnlySpan<long> dims, bool keep = false) => amax.Call(this, Value.Ints(dims), keep);
    public Tensor Amin(ReadOnlySpan<long> dims, bool keep = false) => amin.Call(this, Value.Ints(dims), keep);
    public Tensor Max() => max_all.Call(this);
    public Tensor Min() => min_all.Call(this);
    public Tensor All() => all.Call(this);
    public Tensor Any() => any.Call(this);
    public Tensor Argmax(int dim, bool keep = false) => argmax.Call(this, dim, keep);
    public Tensor Argmin(int dim, bool keep = false) => argmin.Call(this, dim, keep);
    public Tensor Softmax(int dim) => softmax.Call(this, dim);
    public Tensor LogSoftmax(int dim) => log_softmax.Call(this, dim);

    /// <summary>Euclidean length over all elements.</summary>
    public Tensor Norm() => Norm([]);

    /// <summary>Euclidean length over these dimensions; none are all of them. The gradient of a zero is zero.</summary>
    public Tensor Norm(ReadOnlySpan<long> dims, bool keep = false)
    {
        if (dims.Length <= 2) return norm.Call(this, Value.Ints(dims), keep);
        var rest = Norm(dims[..2], keep: true).Norm(dims[2..], keep: true); // the operator takes two dimensions at most; a length of lengths is the length
        if (keep) return rest;
        var reduced = dims.ToArray().Select(dim => dim < 0 ? dim + Dims : dim).ToHashSet();
        return rest.Reshape([.. Shape.Where((_, dim) => !reduced.Contains(dim))]);
    }

    public Tensor Norm(int dim, bool keep = false) => Norm([dim], keep);

    /// <summary>x / |x| along a dimension, with <paramref name="epsilon"/> under the root so that zero has a gradient (spec clip.md 1.10).</summary>
    public Tensor Normalized(int dim = -1, double epsilon = 1e-12) => this / (Square().Sum(dim, keep: true) + epsilon).Sqrt();

    /// <summary>The p-quantile of all elements, between two of them by a line ("torch.quantile"). It has no gradient.</summary>
    public double Quantile(double p)
    {
        var all = ToFloats();
        Array.Sort(all);
        var place = p * (all.Length - 1);
        var below = (int)place;
        return below + 1 < all.Length ? all[below] + (place - below) * (all[below + 1] - all[below]) : all[^1];
    }

    /// <summary>The k largest (or smallest) along a dimension, sorted, and where they are.</summary>
    public (Tensor Values, Tensor Indices) TopK(long k, int dim = -1, bool largest = true) => topk.CallMany(this, k, dim, largest, true) is [var values, var indices] ? (values, indices) : default;
    public (Tensor Values, Tensor Indices) Sort(int dim = -1, bool descending = false) => sort.CallMany(this, true, dim, descending) is [var values, var indices] ? (values, indices) : default;

    private static readonly Op
        sum_all = Op.Find("aten::sum"), sum = Op.Find("aten::sum", "dim_IntList"), mean_all = Op.Find("aten::mean"), mean = Op.Find("aten::mean", "dim"), amax = Op.Find("aten::amax"), amin = Op.Find("aten::amin"),
        max_all = Op.Find("aten::max"), min_all = Op.Find("aten::min"), all = Op.Find("aten::all"), any = Op.Find("aten::any"), argmax = Op.Find("aten::argmax"), argmin = Op.Find("aten::argmin"),
        softmax = Op.Find("aten::softmax", "int"), log_softmax = Op.Find("aten::log_softmax", "int"), norm = Op.Find("aten::frobenius_norm", "dim"), topk = Op.Find("aten::topk"), sort = Op.Find("aten::sort", "stable");
}
