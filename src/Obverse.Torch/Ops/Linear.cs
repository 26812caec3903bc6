namespace Obverse.Torch;

/// <summary>Products, norms and losses that networks are made of.</summary>
public sealed partial class Tensor
{
    public Tensor Matmul(Tensor other) => IsSlowHalf ? InFloats(() => matmul.Call(Float, other.Float)) : matmul.Call(this, other);

    /// <summary>x Wᵀ + b, W of [out, in].</summary>
    public Tensor Linear(Tensor weight, Tensor? bias = null) => IsSlowHalf ? InFloats(() => linear.Call(Float, weight.Float, bias?.Float)) : linear.Call(this, weight, bias);
    public Tensor Embedding(Tensor weight) => embedding.Call(weight, this);
    public Tensor LayerNorm(ReadOnlySpan<long> shape, Tensor? weight, Tensor? bias, double epsilon) => layer_norm.Call(this, Value.Ints(shape), weight, bias, epsilon);
    public Tensor GroupNorm(long groups, Tensor? weight, Tensor? bias, double epsilon) => group_norm.Call(this, groups, weight, bias, epsilon);

    /// <summary>softmax(q kᵀ scale + mask) v over [batch, heads, tokens, head width] ("aten::scaled_dot_product_attention"); a causal one lets a token look back only.</summary>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, double? scale = null, Tensor? mask = null, bool causal = false) => q.IsSlowHalf
        ? q.InFloats(() => attention.Call(q.Float, k.Float, v.Float, mask?.Float, 0.0, causal, scale ?? Value.None))
        : attention.Call(q, k, v, mask, 0.0, causal, scale ?? Value.None);

    // Products of bfloat16 where the processor has none: in float32, and rounded after. That is what hardware gives (it sums in float32 too), and many times faster here than libtorch's own loops.
    private bool IsSlowHalf => !Processor.MultipliesBFloat16 && DType == DType.BFloat16 && Device == Device.Cpu;

    private Tensor Float => To(DType.Float32);

    private Tensor InFloats(Func<Tensor> product) => TensorScope.Of(() => product().To(DType));

    /// <summary>Singular values, descending: this = U diag(S) Vh.</summary>
    public (Tensor U, Tensor S, Tensor Vh) Svd(bool full = false) => svd.CallMany(this, full) is [var u, var s, var v] ? (u, s, v) : default;

    /// <summary>Eigenvalues, ascending, and vectors (columns) of a symmetric matrix.</summary>
    public (Tensor Values, Tensor Vectors) Eigh() => eigh.CallMany(this) is [var values, var vectors] ? (values, vectors) : default;

    /// <summary>Singular values alone, descending.</summary>
    public Tensor SingularValues() => svdvals.Call(this);

    /// <summary>Eigenvalues of a symmetric matrix alone, ascending.</summary>
    public Tensor EigenvaluesSymmetric() => eigvalsh.Call(this);

    /// <summary>Eigenvalues of any square matrix, in no order: [n, 2], real and imaginary parts.</summary>
    public Tensor Eigenvalues() => TensorScope.Of(() => view_as_real.Call(eigvals.Call(this)).Clone());

    /// <summary>L of a positive definite matrix L Lᵀ.</summary>
    public Tensor Cholesky() => cholesky.Call(this);
    public Tensor Solve(Tensor right) => solve.Call(this, right);

    /// <summary>Mean of -log softmax(this)[target]; target holds class numbers (int64) or probabilities.</summary>
    public Tensor CrossEntropy(Tensor target) => cross_entropy.Call(this, target);

    private static readonly Op
        matmul = Op.Find("aten::matmul"), linear = Op.Find("aten::linear"), embedding = Op.Find("aten::embedding"), layer_norm = Op.Find("aten::layer_norm"), group_norm = Op.Find("aten::group_norm"),
        attention = Op.Find("aten::scaled_dot_product_attention"), svd = Op.Find("aten::linalg_svd"), eigh = Op.Find("aten::linalg_eigh"), svdvals = Op.Find("aten::linalg_svdvals"), eigvalsh = Op.Find("aten::linalg_eigvalsh"), eigvals = Op.Find("aten::linalg_eigvals"), view_as_real = Op.Find("aten::view_as_real"), cholesky = Op.Find("aten::linalg_cholesky"),
        solve = Op.Find("aten::linalg_solve"), cross_entropy = Op.Find("aten::cross_entropy_loss");
}
