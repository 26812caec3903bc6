using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>Where each row of a prompt was looked at while a picture was sampled: the mean of the cross-attentions' probabilities over layers, heads and steps, each at the size of the latents.</summary>
public sealed class AttentionMaps(int rows, long height, long width) : IDisposable
{
    private readonly Tensor sum = Tensor.Owned(() => Tensor.Zeros([rows, height, width]));
    private int count;

    /// <summary>Adds a layer's, of the last one of its batch: guidance has the prompt's half there.</summary>
    public void Add(Tensor probabilities, long layerHeight, long layerWidth)
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var planes = probabilities.Select(0, -1).T().To(Device.Cpu, DType.Float32).Reshape(1, rows, layerHeight, layerWidth);
        sum.AddInPlace(planes.Resize(height, width).Squeeze(0));
        count++;
    }

    /// <summary>The sum over some rows, [h, w]: their share of each place's attention.</summary>
    public Tensor Of(IReadOnlyList<int> which) => sum.IndexSelect(0, Tensor.From([.. which.Select(row => (long)row)])).Sum(0) / Math.Max(1, count);

    public void Dispose() => sum.Dispose();
}
