using Obverse.Models;
using Obverse.Torch;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Diffusion;

/// <summary>Large pictures are encoded and decoded in overlapping tiles.</summary>
public class AutoencoderTileTests(ITestOutputHelper output)
{
    private static readonly AutoencoderTiles tiles = new() { Side = 40, Overlap = 8 };

    // Side 40, 8 shared, 64 in all: the first tile ends at 40, the second counts from 26 on, and no convolution reaches further than 12 latents. Before 24 only the norms differ, which see a tile.
    [Theory]
    [InlineData(false, 0.1)]
    [InlineData(true, 0.2)] // the middle's attention sees a tile only, too
    public void Tiles_are_the_whole_but_for_their_norms_and_close_to_it_at_the_seams(bool attention, double tolerance)
    {
        var config = new AutoencoderConfig { Channels = [8, 16], LayersPerBlock = 1, Groups = 4, MiddleAttention = attention };
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var weights = TinyDiffusion.Random(6, w => new Autoencoder(w, config));
        var autoencoder = TensorScope.Unscoped(() => new Autoencoder(weights, config));
        using var random = new Generator(4);
        var latents = random.Normal(1, 4, 64, 64);
        Near(autoencoder.Decode(latents), tiles.Decode(autoencoder, latents), 48, "decoded");
        var pictures = random.Uniform(-1, 1, 1, 3, 128, 128);
        var (whole, tiled) = (autoencoder.Encode(pictures), tiles.Encode(autoencoder, pictures));
        Near(whole.Mean, tiled.Mean, 24, "mean");
        Near(whole.LogVariance, tiled.LogVariance, 24, "log variance");

        void Near(Tensor expected, Tensor found, long inside, string what)
        {
            Assert.Equal(expected.Shape, found.Shape);
            var all = (expected - expected.Mean()).Square().Mean().Sqrt().Item();
            double Off(Tensor difference) => difference.Square().Mean().Sqrt().Item() / all;
            var (within, total) = (Off((found - expected).Narrow(2, 0, inside).Narrow(3, 0, inside)), Off(found - expected));
            output.WriteLine($"{what}: {within:g3} within, {total:g3} in all");
            Assert.True(within > 0 && within < tolerance && total < tolerance, $"{what}: {within:g3} within, {total:g3} in all");
        }
    }

    [Fact]
    public void What_fits_one_tile_is_the_whole_to_the_bit()
    {
        var config = new AutoencoderConfig { Channels = [8, 16], LayersPerBlock = 1, Groups = 4 };
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var weights = TinyDiffusion.Random(6, w => new Autoencoder(w, config));
        var autoencoder = TensorScope.Unscoped(() => new Autoencoder(weights, config));
        using var random = new Generator(4);
        var latents = random.Normal(1, 4, 40, 20);
        Assert.Equal(autoencoder.ToPictures(latents).ToFloats(), autoencoder.ToPictures(latents, tiles).ToFloats());
        var pictures = random.Uniform(0, 1, 1, 3, 80, 40);
        Assert.Equal(autoencoder.ToLatents(pictures).ToFloats(), autoencoder.ToLatents(pictures, tiles: tiles).ToFloats());
    }

    [Fact]
    public void Only_what_is_too_large_is_tiled()
    {
        var full = AutoencoderConfig.StableDiffusion1;
        Assert.Null(AutoencoderTiles.For(full, 512, 512));
        Assert.NotNull(AutoencoderTiles.For(full, 1024, 1024));
        Assert.True(AutoencoderTiles.BytesOf(full, 1024, 1024) < 2e9);
        Assert.True(AutoencoderTiles.BytesOf(full, 4096, 4096) < 3e9);
    }
}
