namespace Obverse.Torch;

/// <summary>Element by element.</summary>
public sealed partial class Tensor
{
    public static Tensor operator +(Tensor a, Tensor b) => a.Plus(b, 1);
    public static Tensor operator +(Tensor a, Scalar b) => a.Plus(Numbers.For(a, b), 1);
    public static Tensor operator +(Scalar a, Tensor b) => b + a;
    public static Tensor operator -(Tensor a, Tensor b) => a.Plus(b, -1);
    public static Tensor operator -(Tensor a, Scalar b) => a.Plus(Numbers.For(a, b), -1);
    public static Tensor operator -(Scalar a, Tensor b) => Numbers.For(b, a).Plus(b, -1);
    public static Tensor operator *(Tensor a, Tensor b) => mul.Call(a, b);
    public static Tensor operator *(Tensor a, Scalar b) => mul.Call(a, Numbers.For(a, b));
    public static Tensor operator *(Scalar a, Tensor b) => b * a;
    public static Tensor operator /(Tensor a, Tensor b) => div.Call(a, b);
    public static Tensor operator /(Tensor a, Scalar b) => div.Call(a, Numbers.For(a, b));
    public static Tensor operator /(Scalar a, Tensor b) => div.Call(Numbers.For(b, a), b);
    public static Tensor operator -(Tensor a) => neg.Call(a);
    public static Tensor operator <(Tensor a, Scalar b) => lt.Call(a, Numbers.For(a, b));
    public static Tensor operator >(Tensor a, Scalar b) => gt.Call(a, Numbers.For(a, b));
    public static Tensor operator <=(Tensor a, Scalar b) => le.Call(a, Numbers.For(a, b));
    public static Tensor operator >=(Tensor a, Scalar b) => ge.Call(a, Numbers.For(a, b));
    public static Tensor operator <(Tensor a, Tensor b) => lt.Call(a, b);
    public static Tensor operator >(Tensor a, Tensor b) => gt.Call(a, b);

    /// <summary>"aten::eq": element by element, a bool tensor.</summary>
    public Tensor EqualTo(Tensor other) => eq.Call(this, other);
    public Tensor EqualTo(Scalar other) => eq.Call(this, Numbers.For(this, other));
    public Tensor NotEqualTo(Scalar other) => ne.Call(this, Numbers.For(this, other));

    public Tensor Abs() => abs.Call(this);
    public Tensor Exp() => exp.Call(this);
    public Tensor Log() => log.Call(this);
    public Tensor Sqrt() => sqrt.Call(this);
    public Tensor Square() => square.Call(this);
    public Tensor Sin() => sin.Call(this);
    public Tensor Cos() => cos.Call(this);
    public Tensor Tanh() => tanh.Call(this);
    public Tensor Asin() => asin.Call(this);
    public Tensor Atanh() => atanh.Call(this);
    public Tensor Floor() => floor.Call(this);
    public Tensor Round() => round.Call(this);
    public Tensor Relu() => relu.Call(this);
    public Tensor Sigmoid() => sigmoid.Call(this);
    public Tensor Silu() => silu.Call(this);

    /// <summary>The same, over this where no gradient is recorded.</summary>
    public Tensor SiluInPlace() => NoGrad.IsRecording ? silu.Call(this) : silu_in_place.CallInPlace(this);

    /// <summary>x Φ(x), with erf, not tanh ("aten::gelu").</summary>
    public Tensor Gelu() => gelu.Call(this);

    /// <summary>x σ(1.702 x), what OpenAI's weights were trained with: as silu(1.702 x) / 1.702, one fused pass each way.</summary>
    public Tensor QuickGelu() => (this * 1.702).Silu().MulInPlace(1 / 1.702);

    public Tensor Clamp(double min, double max) => clamp.Call(this, Numbers.Beside(this, min), Numbers.Beside(this, max));
    public Tensor ClampMin(Scalar min) => clamp.Call(this, Numbers.Beside(this, min));

    /// <inheritdoc cref="Torch.ClampWithGrad"/>
    public Tensor ClampWithGrad(double min, double max) => Torch.ClampWithGrad.Apply(this, min, max);

    /// <summary>sin(omega · (alpha |x| + 1) · x), the factor constant in the gradient: FINER's activation (alpha 1) or SIREN's (alpha 0) in one pass. Float32 on the processor.</summary>
    public Tensor FinerSine(double omega, double alpha = 1) => Torch.FinerSine.Apply(this, (float)omega, (float)alpha);

    /// <summary>What <paramref name="forward"/> makes of it; backwards, the gradient passes unchanged (the straight-through estimator of a quantiser, spec canvases.md 5.6).</summary>
    public Tensor StraightThrough(Func<Tensor, Tensor> forward) => Tape.Apply(this, forward, (_, gradient) => gradient);

    /// <inheritdoc cref="StrokeRaster.Apply"/>
    public Tensor DrawStrokes(IReadOnlyList<int> curves, int height, int width, int pieces = 16, double softness = 1) => StrokeRaster.Apply(this, curves, height, width, pieces, softness);

    public Tensor Minimum(Tensor other) => minimum.Call(this, other);
    public Tensor Maximum(Tensor other) => maximum.Call(this, other);

    /// <summary>this + weight (end - this).</summary>
    public Tensor Lerp(Tensor end, Scalar weight) => lerp.Call(this, end, Numbers.Beside(this, weight));
    public Tensor Remainder(Scalar by) => remainder.Call(this, Numbers.For(this, by));
    public Tensor Where(Tensor condition, Tensor other) => where.Call(condition, this, other);
    public Tensor MaskedFill(Tensor mask, Scalar value) => masked_fill.Call(this, mask, Numbers.For(this, value));
    public Tensor IsFinite() => isfinite.Call(this);

    /// <summary>this + alpha other, written over this.</summary>
    public Tensor AddInPlace(Tensor other, Scalar? alpha = null)
    {
        var factor = alpha?.Real ?? 1;
        return NoGrad.IsRecording || !Axpy.Fits(this, other) ? CopyInPlace(Plus(other, factor)) : Axpy.Add(this, other, (float)factor);
    }

    /// <summary>The sum, over this where no gradient is recorded and the shapes are one; this must be a result that nobody else looks at.</summary>
    public Tensor AddReusing(Tensor other) => NoGrad.IsRecording || !Axpy.Fits(this, other) ? this + other : AddInPlace(other);

    /// <summary>The product, over this where no gradient is recorded; this must be a result that nobody else looks at.</summary>
    public Tensor MulReusing(Tensor other) => NoGrad.IsRecording ? this * other : mul_in_place.CallInPlace(this, other);

    public Tensor MulInPlace(Scalar by) => mul_in_place.CallInPlace(this, Numbers.For(this, by));
    public Tensor LerpInPlace(Tensor end, Scalar weight) => lerp_in_place.CallInPlace(this, end, Numbers.Beside(this, weight));
    public Tensor ClampInPlace(double min, double max) => clamp_in_place.CallInPlace(this, Numbers.Beside(this, min), Numbers.Beside(this, max));

    /// <summary>min(max(this, 0), 6), over this where no gradient is recorded.</summary>
    public Tensor Relu6InPlace() => NoGrad.IsRecording ? relu6.Call(this) : relu6_in_place.CallInPlace(this);

    public Tensor FillInPlace(Scalar value) => fill_in_place.CallInPlace(this, Numbers.For(this, value));

    // this + alpha other by the one C function that keeps the graph: this - (-alpha) other, to the same bits. It refuses whole numbers with a real alpha: those go through float64, exact to 2^53.
    private unsafe Tensor Plus(Tensor other, double alpha)
    {
        if (!IsWhole(DType) || !IsWhole(other.DType))
        {
            nint sum;
            if (C.Subtract(Handle, other.Handle, -alpha, &sum) != 0) throw new TorchException($"aten::add: libtorch refused self: {Described}, other: {other.Described}");
            GC.KeepAlive(this);
            GC.KeepAlive(other);
            return new(sum) { Tape = Tape is null && other.Tape is null ? null : Tape.Of([this, other]) };
        }

        if (alpha != Math.Floor(alpha)) throw new ArgumentException($"{alpha} times a tensor of whole numbers");
        var type = Dims > 0 == other.Dims > 0 ? Wider(DType, other.DType) : Dims > 0 ? DType : other.DType; // a number does not widen
        using var a = To(DType.Float64);
        using var b = other.To(DType.Float64);
        using var real = a.Plus(b, alpha);
        return real.To(type);
    }

    private static bool IsWhole(DType type) => type is DType.UInt8 or DType.Int8 or DType.Int16 or DType.Int32 or DType.Int64 or DType.Bool;

    private static DType Wider(DType a, DType b) => a == DType.Bool ? b : b == DType.Bool ? a : (DType)Math.Max((int)a, (int)b);

    private static readonly Op
        mul = Op.Find("aten::mul", "Tensor"), div = Op.Find("aten::div", "Tensor"), neg = Op.Find("aten::neg"), lt = Op.Find("aten::lt", "Tensor"), gt = Op.Find("aten::gt", "Tensor"),
        le = Op.Find("aten::le", "Tensor"), ge = Op.Find("aten::ge", "Tensor"), eq = Op.Find("aten::eq", "Tensor"), ne = Op.Find("aten::ne", "Tensor"),
        abs = Op.Find("aten::abs"), exp = Op.Find("aten::exp"), log = Op.Find("aten::log"), sqrt = Op.Find("aten::sqrt"), square = Op.Find("aten::square"),
        sin = Op.Find("aten::sin"), cos = Op.Find("aten::cos"), tanh = Op.Find("aten::tanh"), asin = Op.Find("aten::asin"), atanh = Op.Find("aten::atanh"),
        floor = Op.Find("aten::floor"), round = Op.Find("aten::round"), relu = Op.Find("aten::relu"), relu6 = Op.Find("aten::relu6"), sigmoid = Op.Find("aten::sigmoid"), silu = Op.Find("aten::silu"), silu_in_place = Op.Find("aten::silu_"), gelu = Op.Find("aten::gelu"),
        clamp = Op.Find("aten::clamp", "Tensor"), minimum = Op.Find("aten::minimum"), maximum = Op.Find("aten::maximum"), lerp = Op.Find("aten::lerp", "Tensor"), remainder = Op.Find("aten::remainder", "Tensor"),
        where = Op.Find("aten::where", "self"), masked_fill = Op.Find("aten::masked_fill", "Tensor"), isfinite = Op.Find("aten::isfinite"),
        mul_in_place = Op.Find("aten::mul_", "Tensor"), lerp_in_place = Op.Find("aten::lerp_", "Tensor"), clamp_in_place = Op.Find("aten::clamp_", "Tensor"),
        relu6_in_place = Op.Find("aten::relu6_"), fill_in_place = Op.Find("aten::fill_", "Tensor");
}
