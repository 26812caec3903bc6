namespace Obverse.Torch;

/// <summary>x Wᵀ + b; weight [out, in]. New ones are drawn as torch.nn.Linear draws them, U(±1/sqrt(in)).</summary>
public sealed class Linear(Weights weights, long inputs, long outputs, bool bias = true, Init? init = null)
{
    public Tensor Weight { get; } = weights.Get("weight", [outputs, inputs], init ?? Inits.Uniform(1 / Math.Sqrt(inputs)));
    public Tensor? Bias { get; } = bias ? weights.Get("bias", [outputs], init is null ? Inits.Uniform(1 / Math.Sqrt(inputs)) : Inits.Zeros) : null;

    public Tensor Forward(Tensor x) => x.Linear(Weight, Bias);
}

public sealed class LayerNorm(Weights weights, long width, double epsilon = 1e-5)
{
    public Tensor Weight { get; } = weights.Get("weight", [width], Inits.Ones);
    public Tensor Bias { get; } = weights.Get("bias", [width], Inits.Zeros);

    public Tensor Forward(Tensor x) => x.LayerNorm([width], Weight, Bias, epsilon);
}
