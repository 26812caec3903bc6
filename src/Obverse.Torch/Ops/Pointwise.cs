namespace Obverse.Torch;

/// <summary>Element by element.</summary>
public sealed partial class Tensor
{
    public static Tensor operator +(Tensor a, Tensor b) => add.Call(a, b);
    public static Tensor operator +(Tensor a, Scalar b) => add_scalar.Call(a, b);
    public static Tensor operator +(Scalar a, Tensor b) => add_scalar.Call(b, a);
    public static Tensor operator -(Tensor a, Tensor b) => sub.Call(a, b);
    public static Tensor operator -(Tensor a, Scalar b) => sub_scalar.Call(a, b);
    public static Tensor operator -(Scalar a, Tensor b) => rsub_scalar.Call(b, a);
    public static Tensor operator *(Tensor a, Tensor b) => mul.Call(a, b);
    public static Tensor operator *(Tensor a, Scalar b) => mul_scalar.Call(a, b);
    public static Tensor operator *(Scalar a, Tensor b) => mul_scalar.Call(b, a);
    public static Tensor operator /(Tensor a, Tensor b) => div.Call(a, b);
    public static Tensor operator /(Tensor a, Scalar b) => div_scalar.Call(a, b);
    public static Tensor operator /(Scalar a, Tensor b) => mul_scalar.Call(reciprocal.Call(b), a);
    public static Tensor operator -(Tensor a) => neg.Call(a);
    public static Tensor operator <(Tensor a, Scalar b) => lt_scalar.Call(a, b);
    public static Tensor operator >(Tensor a, Scalar b) => gt_scalar.Call(a, b);
    public static Tensor operator <=(Tensor a, Scalar b) => le_scalar.Call(a, b);
    public static Tensor operator >=(Tensor a, Scalar b) => ge_scalar.Call(a, b);
    public static Tensor operator <(Tensor a, Tensor b) => lt.Call(a, b);
    public static Tensor operator >(Tensor a, Tensor b) => gt.Call(a, b);
    public static Tensor operator <=(Tensor a, Tensor b) => le.Call(a, b);
    public static Tensor operator >=(Tensor a, Tensor b) => ge.Call(a, b);
    public static Tensor operator &(Tensor a, Tensor b) => logical_and.Call(a, b);
    public static Tensor operator |(Tensor a, Tensor b) => logical_or.Call(a, b);
    public static Tensor operator !(Tensor a) => logical_not.Call(a);

    /// <summary>"aten::eq": element by element, a bool tensor.</summary>
    public Tensor EqualTo(Tensor other) => eq.Call(this, other);
    public Tensor EqualTo(Scalar other) => eq_scalar.Call(this, other);
    public Tensor NotEqualTo(Scalar other) => ne_scalar.Call(this, other);

    public Tensor Abs() => abs.Call(this);
    public Tensor Sign() => sign.Call(this);
    public Tensor Exp() => exp.Call(this);
    public Tensor Log() => log.Call(this);
    public Tensor Sqrt() => sqrt.Call(this);
    public Tensor Rsqrt() => rsqrt.Call(this);
    public Tensor Square() => square.Call(this);
    public Tensor Reciprocal() => reciprocal.Call(this);
    public Tensor Pow(Scalar exponent) => pow.Call(this, exponent);
    public Tensor Pow(Tensor exponent) => pow_tensor.Call(this, exponent);
    public Tensor Sin() => sin.Call(this);
    public Tensor Cos() => cos.Call(this);
    public Tensor Tan() => tan.Call(this);
    public Tensor Tanh() => tanh.Call(this);
    public Tensor Atanh() => atanh.Call(this);
    public Tensor Acos() => acos.Call(this);
    public Tensor Erf() => erf.Call(this);
    public Tensor Sigmoid() => sigmoid.Call(this);
    public Tensor Floor() => floor.Call(this);
    public Tensor Ceil() => ceil.Call(this);
    public Tensor Round() => round.Call(this);
    public Tensor Relu() => relu.Call(this);
    public Tensor Relu6() => hardtanh.Call(this, 0.0, 6.0);
    public Tensor Silu() => silu.Call(this);

    /// <summary>x Φ(x), with erf, not tanh ("aten::gelu").</summary>
    public Tensor Gelu() => gelu.Call(this);

    /// <summary>x σ(1.702 x): what OpenAI's weights were trained with.</summary>
    public Tensor QuickGelu() => this * (this * 1.702).Sigmoid();

    public Tensor LeakyRelu(double slope = 0.01) => leaky_relu.Call(this, slope);
    public Tensor Clamp(double min, double max) => clamp.Call(this, min, max);

    /// <summary>Clamps; backwards, a value outside keeps only a gradient whose descent leads it back in (clamp_with_grad of VQGAN+CLIP, spec canvases.md 5.6). The shim's own operator.</summary>
    public Tensor ClampWithGrad(double min, double max) => clamp_with_grad.Call(this, min, max);

    /// <summary>sin(omega · (alpha |x| + 1) · x), the factor constant in the gradient: FINER's activation (alpha 1) or SIREN's (alpha 0) in one pass. Float32 on the processor; the shim's own operator.</summary>
    public Tensor FinerSine(double omega, double alpha = 1) => finer_sine.Call(this, omega, alpha);

    public Tensor ClampMin(Scalar min) => clamp_min.Call(this, min);
    public Tensor ClampMax(Scalar max) => clamp_max.Call(this, max);
    public Tensor Maximum(Tensor other) => maximum.Call(this, other);
    public Tensor Minimum(Tensor other) => minimum.Call(this, other);
    public Tensor Lerp(Tensor end, Scalar weight) => lerp.Call(this, end, weight);
    public Tensor Remainder(Scalar by) => remainder.Call(this, by);
    public Tensor FloorDivide(Scalar by) => floor_divide.Call(this, by);

    /// <summary>this where <paramref name="condition"/> holds, else <paramref name="other"/>.</summary>
    public Tensor Where(Tensor condition, Tensor other) => where.Call(condition, this, other);
    public Tensor MaskedFill(Tensor mask, Scalar value) => masked_fill.Call(this, mask, value);
    public Tensor IsNan() => isnan.Call(this);
    public Tensor IsFinite() => isfinite.Call(this);

    public Tensor AddInPlace(Tensor other, Scalar? alpha = null) => add_in_place.CallInPlace(this, other, alpha ?? 1);
    public Tensor AddInPlace(Scalar other) => add_scalar_in_place.CallInPlace(this, other);
    public Tensor SubInPlace(Tensor other) => sub_in_place.CallInPlace(this, other);
    public Tensor MulInPlace(Tensor other) => mul_in_place.CallInPlace(this, other);
    public Tensor MulInPlace(Scalar by) => mul_scalar_in_place.CallInPlace(this, by);
    public Tensor AddcmulInPlace(Tensor a, Tensor b, Scalar value) => addcmul_in_place.CallInPlace(this, a, b, value);
    public Tensor AddcdivInPlace(Tensor a, Tensor b, Scalar value) => addcdiv_in_place.CallInPlace(this, a, b, value);
    public Tensor LerpInPlace(Tensor end, Scalar weight) => lerp_in_place.CallInPlace(this, end, weight);
    public Tensor ClampInPlace(double min, double max) => clamp_in_place.CallInPlace(this, min, max);
    /// <summary>min(max(this + bias, 0), 6), written over this; <paramref name="bias"/> [c] is added to the rows of [n, c]. On the processor one pass of the shim's own (float32), elsewhere libtorch's.</summary>
    public Tensor Relu6InPlace(Tensor? bias = null)
    {
        if (Device == Device.Cpu && DType == DType.Float32) return relu6_in_place.CallInPlace(this, bias);
        return hardtanh_in_place.CallInPlace(bias is null ? this : AddInPlace(bias), 0.0, 6.0);
    }

    public Tensor ZeroInPlace() => zero_in_place.CallInPlace(this);
    public Tensor FillInPlace(Scalar value) => fill_in_place.CallInPlace(this, value);

    private static readonly Op
        add = Op.Find("aten::add", "Tensor"), add_scalar = Op.Find("aten::add", "Scalar"), sub = Op.Find("aten::sub", "Tensor"), sub_scalar = Op.Find("aten::sub", "Scalar"),
        rsub_scalar = Op.Find("aten::rsub", "Scalar"), mul = Op.Find("aten::mul", "Tensor"), mul_scalar = Op.Find("aten::mul", "Scalar"), div = Op.Find("aten::div", "Tensor"),
        div_scalar = Op.Find("aten::div", "Scalar"), neg = Op.Find("aten::neg"), lt = Op.Find("aten::lt", "Tensor"), lt_scalar = Op.Find("aten::lt", "Scalar"), gt = Op.Find("aten::gt", "Tensor"),
        gt_scalar = Op.Find("aten::gt", "Scalar"), le = Op.Find("aten::le", "Tensor"), le_scalar = Op.Find("aten::le", "Scalar"), ge = Op.Find("aten::ge", "Tensor"),
        ge_scalar = Op.Find("aten::ge", "Scalar"), eq = Op.Find("aten::eq", "Tensor"), eq_scalar = Op.Find("aten::eq", "Scalar"), ne_scalar = Op.Find("aten::ne", "Scalar"),
        logical_and = Op.Find("aten::logical_and"), logical_or = Op.Find("aten::logical_or"), logical_not = Op.Find("aten::logical_not"),
        abs = Op.Find("aten::abs"), sign = Op.Find("aten::sign"), exp = Op.Find("aten::exp"), log = Op.Find("aten::log"), sqrt = Op.Find("aten::sqrt"), rsqrt = Op.Find("aten::rsqrt"),
        square = Op.Find("aten::square"), reciprocal = Op.Find("aten::reciprocal"), pow = Op.Find("aten::pow", "Tensor_Scalar"), pow_tensor = Op.Find("aten::pow", "Tensor_Tensor"),
        sin = Op.Find("aten::sin"), cos = Op.Find("aten::cos"), tan = Op.Find("aten::tan"), tanh = Op.Find("aten::tanh"), atanh = Op.Find("aten::atanh"), acos = Op.Find("aten::acos"),
        erf = Op.Find("aten::erf"), sigmoid = Op.Find("aten::sigmoid"), floor = Op.Find("aten::floor"), ceil = Op.Find("aten::ceil"), round = Op.Find("aten::round"), relu = Op.Find("aten::relu"),
        hardtanh = Op.Find("aten::hardtanh"), silu = Op.Find("aten::silu"), gelu = Op.Find("aten::gelu"), leaky_relu = Op.Find("aten::leaky_relu"), clamp = Op.Find("aten::clamp"), clamp_with_grad = Op.Find("obverse::clamp_with_grad"), finer_sine = Op.Find("obverse::finer_sine"), relu6_in_place = Op.Find("obverse::relu6_"),
        clamp_min = Op.Find("aten::clamp_min"), clamp_max = Op.Find("aten::clamp_max"), maximum = Op.Find("aten::maximum"), minimum = Op.Find("aten::minimum"),
        lerp = Op.Find("aten::lerp", "Scalar"), remainder = Op.Find("aten::remainder", "Scalar"), floor_divide = Op.Find("aten::floor_divide", "Scalar"),
        where = Op.Find("aten::where", "self"), masked_fill = Op.Find("aten::masked_fill", "Scalar"), isnan = Op.Find("aten::isnan"), isfinite = Op.Find("aten::isfinite"),
        add_in_place = Op.Find("aten::add_", "Tensor"), add_scalar_in_place = Op.Find("aten::add_", "Scalar"), sub_in_place = Op.Find("aten::sub_", "Tensor"), mul_in_place = Op.Find("aten::mul_", "Tensor"), mul_scalar_in_place = Op.Find("aten::mul_", "Scalar"),
        addcmul_in_place = Op.Find("aten::addcmul_"), addcdiv_in_place = Op.Find("aten::addcdiv_"), lerp_in_place = Op.Find("aten::lerp_", "Scalar"), clamp_in_place = Op.Find("aten::clamp_"),
        zero_in_place = Op.Find("aten::zero_"), hardtanh_in_place = Op.Find("aten::hardtanh_"), fill_in_place = Op.Find("aten::fill_", "Scalar");
}
