namespace Obverse.Torch;

/// <summary>Plain descent, with momentum if asked (torch.optim.SGD, no dampening).</summary>
public sealed class Sgd(IReadOnlyList<ParameterGroup> groups, double momentum = 0) : Optimizer(groups)
{
    protected override IReadOnlyList<string> Slots => momentum == 0 ? [] : ["velocity"];

    protected override void Move(ParameterGroup group, Tensor parameter, Tensor gradient)
    {
        if (group.WeightDecay != 0) gradient = gradient + parameter * group.WeightDecay;
        if (momentum != 0) gradient = Moment(parameter, "velocity").MulInPlace(momentum).AddInPlace(gradient);
        parameter.AddInPlace(gradient, -group.Rate);
    }
}
