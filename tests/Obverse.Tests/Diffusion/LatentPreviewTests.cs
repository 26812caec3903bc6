using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class LatentPreviewTests
{
    [Fact]
    public void A_linear_look_tells_more_of_the_picture_than_its_mean_colour()
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var random = new Generator(2);
        using var weights = Weights.New(random);
        var autoencoder = new Autoencoder(weights, new() { Channels = [8, 16], LayersPerBlock = 1, Groups = 4, SampleSize = 16, ScalingFactor = 1 });
        var latents = random.Normal(1, 4, 6, 6).Resize(12, 18, Interpolation.Nearest);
        var seen = autoencoder.ToPictures(latents).AvgPool2d(2);
        var look = LatentPreview.Of(autoencoder).ToPictures(latents);
        Assert.Equal(seen.Shape, look.Shape);
        var (left, all) = ((seen - look).Square().Mean().Item(), (seen - seen.Mean([0, 2, 3], keep: true)).Square().Mean().Item());
        Assert.True(left < 0.5 * all, $"{left} of {all} is left");
        Assert.Same(LatentPreview.Of(autoencoder), LatentPreview.Of(autoencoder)); // fitted once
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
