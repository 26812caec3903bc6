using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

/// <summary>Gradient checkpointing gives the gradients of the plain backward pass.</summary>
[Collection(nameof(Torch.Alone))]
public class RecomputationTests
{
    [Theory, InlineData(true), InlineData(false)]
    public void A_recomputed_unet_has_the_plain_gradients_in_weights_latents_and_rows(bool everything)
    {
        using var scope = new TensorScope();
        using var random = new Generator(11);
        var (owned, unet) = ToyDiffusion.New(random, ToyDiffusion.Shape with { Channels = [8, 16, 16], Attention = [true, true, false], Heads = [2, 2, 2] });
        using var weights = owned;
        // Sides that do not divide: the upsamplers go to the size of their skips.
        var (latents, rows, noise) = (random.Normal(2, 6, 7, 10), random.Normal(2, 5, 32), random.Normal(2, 6, 7, 10));
        Tensor[] leaves = everything ? [latents, rows, .. weights.All.Values] : [.. weights.All.Where(w => UNet.IsKeyOrValue(w.Key)).Select(w => w.Value)];
        foreach (var leaf in leaves) leaf.RequiresGrad = true;
        double[][] Gradients()
        {
            foreach (var leaf in leaves) leaf.Grad = null;
            using var inner = new TensorScope();
            var context = rows * 2; // a graph below that all blocks share
            (unet.Forward(latents * 1, Tensor.From([40L, 700L]), context) - noise).Square().Mean().Backward();
            return [.. leaves.Select(leaf => leaf.Grad!.To(DType.Float64).ToArray<double>())];
        }

        var plain = Gradients();
        unet.Recomputes = true;
        var again = Gradients();
        Assert.Equal(plain.Length, again.Length);
        for (var i = 0; i < plain.Length; i++)
        {
            var largest = plain[i].Max(Math.Abs);
            Assert.True(largest > 0, $"leaf {i} has no gradient");
            for (var j = 0; j < plain[i].Length; j++) Assert.True(Math.Abs(plain[i][j] - again[i][j]) <= 1e-5 * largest + 1e-9, $"leaf {i}, {j}: {plain[i][j]} and {again[i][j]}");
        }
    }

    [Fact]
    public void What_is_recomputed_leaves_no_tensors_and_no_graph_behind()
    {
        using var x = Tensor.Owned(() => Tensor.From([1f, 2]));
        using var w = Tensor.Owned(() => Tensor.From([3f, 4]));
        w.RequiresGrad = true;
        void Step()
        {
            using var scope = new TensorScope();
            Tensor.Recomputed(seen => seen[0] * w * seen[1], [x, x]).Sum().Backward(); // x² w, though x wants no gradient
        }

        Step(); // makes what the thread holds on to
        var before = Tensor.Live;
        for (var i = 0; i < 2; i++) Step();
        Assert.Equal(before, Tensor.Live);
        using var inner = new TensorScope();
        Assert.Equal([3f, 12], w.Grad!.ToFloats());
    }
}
