using System.Text.Json.Serialization;
using Obverse.Torch;

namespace Obverse;

/// <summary>Penalises differences of neighbouring pixels (anisotropic total variation, after Rudin, Osher and Fatemi 1992), on the canvas itself, not its views.</summary>
[Part("total-variation")]
public sealed record TotalVariation : Objective
{
    public override Tensor Evaluate(Scene scene) =>
        scene.Image.Diff(dim: 2).Abs().Mean([1, 2, 3]) + scene.Image.Diff(dim: 3).Abs().Mean([1, 2, 3]);   // rows, then columns of [count, 3, H, W]
}

/// <summary>
/// CLIP-Inv's total variation: the lengths of four difference maps (rows, columns, two diagonals), each over (H, W), averaged over channels, added
/// (spec pixel-baselines.md 3.1). Not squared, not divided by the number of pixels.
/// </summary>
[Part("neighbour-norm")]
public sealed record NeighbourNorm : Objective
{
    /// <summary>Lengths over all channels together, as CLIPStyler has them, in place of the mean over channels.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsWhole { get; init; }

    public override Tensor Evaluate(Scene scene)
    {
        var x = scene.Image;
        var (h, w) = (x.Size(2), x.Size(3));
        Tensor Part(long top, long left, long height, long width) => x.Narrow(2, top, height).Narrow(3, left, width);
        Tensor[] maps = [x.Diff(3), x.Diff(2), Part(1, 1, h - 1, w - 1) - Part(0, 0, h - 1, w - 1), Part(1, 0, h - 1, w - 1) - Part(0, 1, h - 1, w - 1)];
        Tensor Length(Tensor map) => IsWhole ? map.Norm([1, 2, 3]) : map.Norm([2, 3]).Mean(1);
        var total = Length(maps[0]);
        foreach (var map in maps[1..]) total = total + Length(map);
        return total;
    }
}

/// <summary>|x|_1 of the canvas, summed over its pixels (CLIP-Inv's second regulariser).</summary>
[Part("l1")]
public sealed record AbsoluteSum : Objective
{
    public override Tensor Evaluate(Scene scene) => scene.Image.Abs().Sum([1, 2, 3]);
}

public abstract partial record Objective
{
    public static Objective TotalVariation() => new TotalVariation();
    public static Objective NeighbourNorm() => new NeighbourNorm();
    public static Objective AbsoluteSum() => new AbsoluteSum();
}
