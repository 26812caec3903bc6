namespace Obverse.Torch;

/// <summary>x Wᵀ + b; weight [out, in]; a <paramref name="precise"/> one computes in float32 whatever the tower does. New ones are drawn as torch.nn.Linear draws them, U(±1/sqrt(in)).</summary>
public sealed class Linear(Weights weights, long inputs, long outputs, bool bias = true, Init? init = null, bool precise = false)
{
    public Tensor Weight { get; } = weights.Get("weight", [outputs, inputs], init ?? Inits.Uniform(1 / Math.Sqrt(inputs)), precise);
    public Tensor? Bias { get; } = bias ? weights.Get("bias", [outputs], init is null ? Inits.Uniform(1 / Math.Sqrt(inputs)) : Inits.Zeros, precise) : null;

    public Tensor Forward(Tensor x) => x.Linear(Weight, Bias);
}

/// <summary>Mean and deviation in float32 whatever comes in; what goes out is of its type.</summary>
public sealed class LayerNorm(Weights weights, long width, double epsilon = 1e-5)
{
    public Tensor Weight { get; } = weights.Get("weight", [width], Inits.Ones, precise: true);
    public Tensor Bias { get; } = weights.Get("bias", [width], Inits.Zeros, precise: true);

    public Tensor Forward(Tensor x) => x.LayerNorm([width], Weight, Bias, epsilon);
}

/// <summary>Convolution of [n, channels, h, w]; weight [out, in, k, k]. New ones are drawn as torch.nn.Conv2d draws them, U(±1/sqrt(in k²)).</summary>
public sealed class Conv2d(Weights weights, long inputs, long outputs, long kernel = 3, long stride = 1, long padding = 1, Init? init = null)
{
    public Tensor Weight { get; } = weights.Get("weight", [outputs, inputs, kernel, kernel], init ?? Inits.Uniform(1 / Math.Sqrt(inputs * kernel * kernel)));
    public Tensor Bias { get; } = weights.Get("bias", [outputs], init is null ? Inits.Uniform(1 / Math.Sqrt(inputs * kernel * kernel)) : Inits.Zeros);

    public Tensor Forward(Tensor x) => x.Conv2d(Weight, Bias, stride, padding);
}

/// <summary>Mean and deviation over each group of channels and the picture, in float32 whatever comes in.</summary>
public sealed class GroupNorm(Weights weights, long groups, long channels, double epsilon)
{
    public Tensor Weight { get; } = weights.Get("weight", [channels], Inits.Ones, precise: true);
    public Tensor Bias { get; } = weights.Get("bias", [channels], Inits.Zeros, precise: true);

    public Tensor Forward(Tensor x) => x.GroupNorm(groups, Weight, Bias, epsilon);
}
