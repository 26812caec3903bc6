using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// ResnetBlock2D of diffusers: group norm, SiLU, 3x3 convolution, twice, beside a shortcut (1x1 where the channels differ). In a UNet the time is added between the two;
/// the autoencoder's blocks know no time.
/// </summary>
internal sealed class ResidualBlock
{
    private readonly GroupNorm norm1, norm2;
    private readonly Conv2d conv1, conv2;
    private readonly Conv2d? shortcut;
    private readonly Linear? time;

    public ResidualBlock(Weights weights, long inputs, long outputs, long groups, double epsilon, long? timeWidth = null)
    {
        norm1 = new(weights / "norm1", groups, inputs, epsilon);
        conv1 = new(weights / "conv1", inputs, outputs);
        if (timeWidth is { } width) time = new(weights / "time_emb_proj", width, outputs);
        norm2 = new(weights / "norm2", groups, outputs, epsilon);
        conv2 = new(weights / "conv2", outputs, outputs, init: timeWidth is null ? null : Inits.Zeros); // a new UNet begins as its shortcuts (Dhariwal and Nichol 2021)
        if (inputs != outputs) shortcut = new(weights / "conv_shortcut", inputs, outputs, kernel: 1, padding: 0);
    }

    /// <param name="x">[n, inputs, h, w].</param>
    /// <param name="activatedTime">SiLU of the time's embedding, [n, width].</param>
    public Tensor Forward(Tensor x, Tensor? activatedTime = null)
    {
        using var scope = new TensorScope();
        var inside = conv1.Forward(norm1.Forward(x).SiluInPlace());
        if (time is not null) inside = inside + time.Forward(activatedTime!).Unsqueeze(-1).Unsqueeze(-1);
        inside = conv2.Forward(norm2.Forward(inside).SiluInPlace());
        return scope.Keep(inside.AddReusing(shortcut?.Forward(x) ?? x));
    }
}
