namespace Obverse.Torch;

/// <summary>Adam (Kingma and Ba 2015) as torch.optim computes it; with <paramref name="decoupled"/> its weight decay is AdamW's (Loshchilov and Hutter 2019).</summary>
public sealed class Adam(IReadOnlyList<ParameterGroup> groups, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, bool decoupled = false) : Optimizer(groups)
{
    protected override IReadOnlyList<string> Slots => ["m", "v"];

    protected override void Move(ParameterGroup group, Tensor parameter, Tensor gradient)
    {
        if (group.WeightDecay != 0)
        {
            if (decoupled) parameter.MulInPlace(1 - group.Rate * group.WeightDecay);
            else gradient = gradient + parameter * group.WeightDecay;
        }

        var m = Moment(parameter, "m").MulInPlace(beta1).AddInPlace(gradient, 1 - beta1);
        var v = Moment(parameter, "v").MulInPlace(beta2).AddcmulInPlace(gradient, gradient, 1 - beta2);
        var root = v.Sqrt().MulInPlace(1 / Math.Sqrt(1 - Math.Pow(beta2, Steps))).AddInPlace(epsilon);
        parameter.AddcdivInPlace(m, root, -group.Rate / (1 - Math.Pow(beta1, Steps)));
    }
}
