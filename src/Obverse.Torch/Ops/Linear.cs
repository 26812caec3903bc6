namespace Obverse.Torch;

/// <summary>Products, norms and losses that networks are made of.</summary>
public sealed partial class Tensor
{
    public Tensor Matmul(Tensor other) => matmul.Call(this, other);
    public Tensor Bmm(Tensor other) => bmm.Call(this, other);
    public Tensor Dot(Tensor other) => (this * other).Sum();
    public static Tensor Addmm(Tensor bias, Tensor a, Tensor b) => addmm.Call(bias, a, b);
    public static Tensor Baddbmm(Tensor bias, Tensor a, Tensor b) => baddbmm.Call(bias, a, b);

    /// <summary>x Wᵀ + b, W of [out, in].</summary>
    public Tensor Linear(Tensor weight, Tensor? bias = null) => linear.Call(this, weight, bias);
    public static Tensor Einsum(string equation, params Tensor[] parts) => einsum.Call(equation, Value.Tensors(parts));
    public Tensor Embedding(Tensor weight) => embedding.Call(weight, this);
    public Tensor LayerNorm(ReadOnlySpan<long> shape, Tensor? weight, Tensor? bias, double epsilon) => layer_norm.Call(this, Value.Ints(shape), weight, bias, epsilon);
    public Tensor GroupNorm(long groups, Tensor? weight, Tensor? bias, double epsilon) => group_norm.Call(this, groups, weight, bias, epsilon);

    /// <summary>Batch normalisation with fixed statistics ("aten::batch_norm", evaluation mode).</summary>
    public Tensor BatchNorm(Tensor? weight, Tensor? bias, Tensor mean, Tensor variance, double epsilon) => batch_norm.Call(this, weight, bias, mean, variance, false, 0.1, epsilon, false);

    /// <summary>softmax(q kᵀ scale + mask) v over [batch, heads, tokens, head width].</summary>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, double scale, Tensor? mask = null)
    {
        var scores = (q * scale).Matmul(k.Transpose(-2, -1));
        if (mask is not null) scores = scores + mask;
        return scores.Softmax(-1).Matmul(v);
    }

    /// <summary>Singular values, descending: this = U diag(S) Vh.</summary>
    public (Tensor U, Tensor S, Tensor Vh) Svd(bool full = false) => svd.CallMany(this, full) is [var u, var s, var v] ? (u, s, v) : default;
    public (Tensor Q, Tensor R) Qr() => qr.CallMany(this) is [var q, var r] ? (q, r) : default;

    /// <summary>Eigenvalues, ascending, and vectors (columns) of a symmetric matrix.</summary>
    public (Tensor Values, Tensor Vectors) Eigh() => eigh.CallMany(this) is [var values, var vectors] ? (values, vectors) : default;
    public Tensor Solve(Tensor right) => solve.Call(this, right);
    public Tensor Inverse() => inverse.Call(this);

    /// <summary>Mean of -log softmax(this)[target]; target holds class numbers (int64) or probabilities.</summary>
    public Tensor CrossEntropy(Tensor target) => cross_entropy.Call(this, target);
    public Tensor MeanSquaredError(Tensor target) => mse_loss.Call(this, target);

    private static readonly Op
        matmul = Op.Find("aten::matmul"), bmm = Op.Find("aten::bmm"), addmm = Op.Find("aten::addmm"), baddbmm = Op.Find("aten::baddbmm"), linear = Op.Find("aten::linear"), einsum = Op.Find("aten::einsum"),
        embedding = Op.Find("aten::embedding"), layer_norm = Op.Find("aten::layer_norm"), group_norm = Op.Find("aten::group_norm"), batch_norm = Op.Find("aten::batch_norm"),
        svd = Op.Find("aten::linalg_svd"), qr = Op.Find("aten::linalg_qr"), eigh = Op.Find("aten::linalg_eigh"), solve = Op.Find("aten::linalg_solve"), inverse = Op.Find("aten::linalg_inv"),
        cross_entropy = Op.Find("aten::cross_entropy_loss"), mse_loss = Op.Find("aten::mse_loss");
}
