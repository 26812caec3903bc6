using Obverse.Diffusion;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class LatentPreviewTests
{
    [Fact]
    public void Of_a_linear_decoder_the_look_is_the_picture_a_pixel_a_latent()
    {
        using var scope = new TensorScope();
        using var random = new Generator(2);
        var colours = random.Normal(4, 3) * 0.05;
        Tensor Decode(Tensor latents) => (latents.Permute(0, 2, 3, 1).Matmul(colours) + 0.5).Permute(0, 3, 1, 2).Resize(2 * latents.Size(2), 2 * latents.Size(3), Interpolation.Nearest);
        using var preview = LatentPreview.Fit(4, 2, Decode, Device.Cpu);
        var latents = random.Normal(2, 4, 5, 7);
        var look = preview.ToPictures(latents);
        Assert.Equal([2, 3, 5, 7], look.Shape);
        Assert.Equal(0, (look - Decode(latents).AvgPool2d(2)).Abs().Max().Item(), 1e-4);
    }

    [Fact]
    public void Maps_are_means_over_layers_of_the_prompts_half()
    {
        using var scope = new TensorScope();
        using var maps = new AttentionMaps(3, 4, 4);
        var coarse = Tensor.Zeros([2, 4, 3]);
        coarse[1, .., 0].FillInPlace(1); // a 2x2 layer that looks at the first row only
        var fine = Tensor.Zeros([2, 16, 3]);
        fine[1, .., 2].FillInPlace(1);
        fine[0, .., 1].FillInPlace(1); // the negative half is passed by
        maps.Add(coarse, 2, 2);
        maps.Add(fine, 4, 4);
        Assert.Equal([0.5, 0, 0.5], Enumerable.Range(0, 3).Select(row => Math.Round(maps.Of([row]).Mean().Item(), 6)));
        Assert.Equal(1, maps.Of([0, 1, 2]).Min().Item(), 1e-6);
    }
}
