using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Learned rows among the patches of every block of a vision transformer (VPT-Deep, Jia et al. 2022, github.com/KMnP/vpt), through one linear layer that all blocks share, and a layer norm before
/// ln_post, as SD-IPC's code has them (sd-ipc.md 6.4).
/// </summary>
public sealed class DeepPrompts : PicturePrompts
{
    /// <summary>Rows a block, and how many of their numbers are dropped in training, of SD-IPC's code.</summary>
    public const int UsualCount = 50;
    private const double Dropout = 0.1;

    private readonly VisionTransformer tower;
    private readonly Tensor prompts; // [layers, count, width]
    private readonly Linear projection;
    private readonly LayerNorm norm;
    private readonly PromptPlacement placement;
    private readonly int count;

    internal DeepPrompts(VisionTransformer tower, Weights weights, VisionConfig config, int count, PromptPlacement placement) : base(weights)
    {
        var (width, patches) = (config.Width, (config.ImageSize / config.PatchSize) * (config.ImageSize / config.PatchSize));
        var most = placement == PromptPlacement.Replace ? patches : 10_000;
        if (count < 1 || count > most) throw new ArgumentException($"{count} deep prompts a block were given; 1 to {most}{(placement == PromptPlacement.Replace ? ", the tower's patches," : "")} were wanted");
        (this.tower, this.count, this.placement) = (tower, count, placement);
        // U(±sqrt(6 / (3 p² + width))) with p = 16, also where the patches are of 14 pixels: SD-IPC's code has 256.
        prompts = weights.Get("prompts", [config.Layers, count, width], Inits.Uniform(Math.Sqrt(6.0 / (3 * 256 + width))), precise: true);
        projection = new(weights / "proj", width, width, init: Inits.Normal(Math.Sqrt(2.0 / width)), precise: true); // kaiming_normal, fan_out
        norm = new(weights / "norm", width);
    }

    public override Tensor Forward(Tensor pixels, Generator? dropout = null, Trace? trace = null) => tower.Forward(pixels, this, dropout, trace);

    /// <summary>The rows before a block, [n, tokens, width], with this block's prompts among them.</summary>
    internal Tensor Among(Tensor x, int layer, Generator? dropout)
    {
        var n = x.Size(0);
        var rows = projection.Forward(prompts.Select(0, layer)).Unsqueeze(0).Expand(n, count, x.Size(2)).To(x.DType);
        if (dropout is not null) rows = rows * ((dropout.Uniform(0, 1, rows.Shape) >= Dropout).To(x.DType) * (1 / (1 - Dropout))).To(x.Device);
        var gone = placement == PromptPlacement.Insert && layer == 0 ? 1 : 1 + count;
        return Tensor.Cat([x.Narrow(1, 0, 1), rows, x.Narrow(1, gone, x.Size(1) - gone)], 1);
    }

    internal Tensor Normed(Tensor classToken) => norm.Forward(classToken);
}
