using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

public class ResizeTests
{
    [Theory]
    [InlineData(5, 7, 12, 20, false, null)]
    [InlineData(9, 9, 31, 31, true, null)]
    [InlineData(12, 8, 5, 6, false, null)] // shrinking without antialias
    [InlineData(6, 9, 13, 18, false, 2.1)] // coordinates by a scale that is not the sides' ratio
    [InlineData(1, 1, 4, 4, false, null)]
    public void By_matrices_it_is_libtorch_s(int height, int width, int toHeight, int toWidth, bool alignCorners, double? scale)
    {
        using var random = new Generator(2);
        using var scope = new TensorScope();
        var (pixels, seed) = (random.Normal(2, 3, height, width), random.Normal(2, 3, toHeight, toWidth));
        pixels.RequiresGrad = true;
        Value ratio = scale is { } s ? s : Value.None;
        var plain = Op.Find("aten::upsample_bicubic2d").Call(pixels, Value.Ints(toHeight, toWidth), alignCorners, ratio, ratio);
        var fast = pixels.Resize(toHeight, toWidth, Interpolation.Bicubic, alignCorners: alignCorners, scale: scale is { } by ? (by, by) : null);
        Assert.Equal(plain.Shape, fast.Shape);
        Tensor Slope(Tensor y) => Tensor.Gradients((y * seed).Sum(), [pixels])[0]!;
        Assert.InRange((plain - fast).Abs().Max().Item(), 0, 3e-6);
        Assert.InRange((Slope(plain) - Slope(fast)).Abs().Max().Item(), 0, 3e-5);
    }
}
