using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Learned positions of an image tower, [1 + side², width]: the first is the class token's (or the mean's), the others are a square's, row by row.</summary>
internal static class PositionGrid
{
    /// <summary>The weights' own, of whatever square they are; new ones are of <paramref name="side"/>.</summary>
    public static Tensor Of(Weights weights, long side, long width, Init init)
    {
        const string Name = "positional_embedding";
        var found = weights.Find(Name);
        return found is not null && found.Dims == 2 && found.Size(1) == width && Side(found) is > 0 ? found : weights.Get(Name, [side * side + 1, width], init, precise: true);
    }

    /// <summary>For a picture of rows x columns patches: bicubic with antialias, the first row kept (open_clip/model.py, resize_pos_embed).</summary>
    public static Tensor At(Tensor positions, long rows, long columns)
    {
        var side = Side(positions);
        if ((rows, columns) == (side, side)) return positions;
        var grid = positions.Narrow(0, 1, side * side).Reshape(1, side, side, -1).Permute(0, 3, 1, 2).Contiguous(); // [1, width, side, side]
        return Tensor.Cat([positions.Narrow(0, 0, 1), grid.Resize(rows, columns, Interpolation.Bicubic, antialias: true).Permute(0, 2, 3, 1).Reshape(rows * columns, -1)]);
    }

    // 0 where it is no square.
    private static long Side(Tensor positions) => (long)Math.Round(Math.Sqrt(positions.Size(0) - 1)) is var side && side * side + 1 == positions.Size(0) ? side : 0;
}
