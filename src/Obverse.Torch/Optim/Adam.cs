namespace Obverse.Torch;

/// <summary>Adam (Kingma and Ba 2015) as torch.optim computes it; with <paramref name="decoupled"/> its weight decay is AdamW's (Loshchilov and Hutter 2019).</summary>
public sealed class Adam(IReadOnlyList<ParameterGroup> groups, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, bool decoupled = false) : Optimizer(groups)
{
    protected override IReadOnlyList<string> Slots => ["m", "v"];

    /// <summary>Whether libtorch's one pass over parameter, gradient and moments is used where it can be; off for the test of it.</summary>
    internal bool IsFused { get; init; } = true;

    protected override void Move(ParameterGroup group, Tensor parameter, Tensor gradient)
    {
        var (m, v) = (Moment(parameter, "m"), Moment(parameter, "v"));
        if (IsFused && parameter.Device.Type != DeviceType.Meta && parameter.DType == gradient.DType && parameter.IsContiguous && gradient.IsContiguous)
        {
            (decoupled ? fused_decoupled : fused).Do(Value.Tensors([parameter]), Value.Tensors([gradient]), Value.Tensors([m]), Value.Tensors([v]), Value.Tensors([]), Value.Tensors([Numbers.Beside(parameter, (double)Steps)]),
                group.Rate, beta1, beta2, group.WeightDecay, epsilon, false, false);
            return;
        }

        if (group.WeightDecay != 0)
        {
            if (decoupled) parameter.MulInPlace(1 - group.Rate * group.WeightDecay);
            else gradient = gradient + parameter * group.WeightDecay;
        }

        m.MulInPlace(beta1).AddInPlace(gradient, 1 - beta1);
        v.MulInPlace(beta2).AddInPlace(gradient.Square(), 1 - beta2);
        var root = (v.Sqrt() / Math.Sqrt(1 - Math.Pow(beta2, Steps))) + epsilon;
        parameter.AddInPlace(m / root, -group.Rate / (1 - Math.Pow(beta1, Steps)));
    }

    private static readonly Op fused = Op.Find("aten::_fused_adam_"), fused_decoupled = Op.Find("aten::_fused_adamw_");
}
