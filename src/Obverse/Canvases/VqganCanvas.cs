using System.Text.Json.Serialization;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse;

/// <summary>
/// The latent of a VQGAN, moved while its decoder stays as it is (VQGAN+CLIP, Crowson et al. 2022; spec canvases.md 5.6). Every place is drawn as the codebook's nearest row, the gradient goes to the
/// latent unchanged, and after every step each channel is brought into the codebook's range.
/// </summary>
/// <param name="Weights">taming-transformers' weights: a file (safetensors or checkpoint), a folder, or a name of the zoo.</param>
/// <param name="StartsFromNoise">Without a start picture: the encoding of uniform noise, where the weights have an encoder; else random codes.</param>
[Part("vqgan")]
public sealed record VqganLatent(string Weights = "pocket-vqgan", bool StartsFromNoise = false) : CanvasPlan
{
    [JsonIgnore]
    public override IReadOnlyList<string> NeededWeights => [Weights];

    public override Canvas Create(CanvasContext context)
    {
        var (count, height, width, random, start) = context;
        var model = TensorScope.Unscoped(() => Vqgan.Load(context.WeightsFile(Weights), random.Device));
        try
        {
            using var scope = new TensorScope();
            using var still = new NoGrad();
            var factor = model.Config.Factor;
            var (h, w) = ((height + factor - 1) / factor, (width + factor - 1) / factor);
            if (start is null && StartsFromNoise && model.Config.HasEncoder) start = random.Uniform(0, 1, count, 3, h * factor, w * factor);
            var latent = start is null
                ? model.Rows(random.Integers(0, model.Config.Codes, count, h, w))
                : model.Encode(start.To(random.Device).Resize(h * factor, w * factor, Interpolation.Bicubic, antialias: true).Clamp(0, 1) * 2 - 1);
            return new VqganCanvas(model, latent.Expand(count, -1, -1, -1), height, width);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}

/// <summary>The latent [count, code width, h, w] is the one parameter group, "z". It owns the model.</summary>
public sealed class VqganCanvas : Canvas
{
    private readonly Vqgan model;
    private readonly Tensor z, low, high;

    public VqganCanvas(Vqgan model, Tensor latent, long height, long width)
    {
        Runtime.ReuseLargeBlocks();
        (this.model, Height, Width, z) = (model, height, width, Leaf(() => latent));
        Tensor Bound(Func<Tensor, Tensor> of) => Tensor.Owned(() => of(model.Codebook.Detach()).Reshape(1, -1, 1, 1).Clone());
        (low, high) = (Bound(rows => rows.Amin([0])), Bound(rows => rows.Amax([0])));
    }

    public override long Count => z.Size(0);
    public override long Height { get; }
    public override long Width { get; }
    public override IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups => [("z", [z])];

    public override Tensor Render()
    {
        var picture = (model.Decode(model.Quantize(z)) + 1) / 2;
        return (picture.Size(2), picture.Size(3)) == (Height, Width) ? picture : picture.Narrow(2, 0, Height).Narrow(3, 0, Width);
    }

    public override void Constrain()
    {
        using var still = new NoGrad();
        z.CopyInPlace(z.Maximum(low).Minimum(high));
    }

    public override void Dispose()
    {
        base.Dispose();
        low.Dispose();
        high.Dispose();
        model.Dispose();
    }
}
