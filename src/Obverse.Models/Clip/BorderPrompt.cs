using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Learned pixels added to the border of every picture, for towers that have no rows to put prompts among (visual prompting, Bahng et al. 2022, arXiv 2203.17274: 30 of 224 pixels). It begins as nothing.
/// </summary>
public sealed class BorderPrompt : PicturePrompts
{
    private const double Width = 30.0 / 224;

    private readonly IImageTower tower;
    private readonly Tensor pixels, border; // [1, 3, side, side]; [1, 1, side, side] of 1 in the border
    private readonly int side;

    internal BorderPrompt(IImageTower tower, Weights weights, int side) : base(weights)
    {
        (this.tower, this.side) = (tower, side);
        pixels = weights.Get("border", [1, 3, side, side], Inits.Zeros, precise: true);
        var width = Math.Max(1, (int)Math.Round(side * Width));
        border = TensorScope.Unscoped(() => Tensor.Owned(() => Tensor.Zeros([1, 1, side - 2 * width, side - 2 * width]).Pad([width, width, width, width], value: 1).To(weights.Device)));
    }

    public override Tensor Forward(Tensor pictures, Generator? dropout = null, Trace? trace = null)
    {
        var (height, width) = (pictures.Size(2), pictures.Size(3));
        var added = pixels * border;
        if (height != side || width != side) added = added.Resize(height, width);
        return tower.Forward(pictures + added, trace);
    }

    public override void Dispose()
    {
        border.Dispose();
        base.Dispose();
    }
}
