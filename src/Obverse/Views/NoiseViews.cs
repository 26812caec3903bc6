using Obverse.Torch;

namespace Obverse;

/// <summary>+ sigma · N(0, 1). Parameters: noise, the raw numbers, [count, 3, height, width].</summary>
[Part("noise")]
public sealed record NoiseView : View
{
    public double Sigma { get; init; } = 0.01;

    /// <summary>One noise for all pictures, as CLIPAG's patches have it (clipag 4.5).</summary>
    public bool IsShared { get; init; }

    public override ViewParameters Sample(Generator random, long count, long height, long width) =>
        new() { ["noise"] = random.Normal(IsShared ? 1 : count, 3, height, width).Expand(count, 3, height, width) };

    public override Tensor Apply(Tensor images, ViewParameters parameters) => images + parameters.Get("noise", images) * Sigma;
}

/// <summary>+ f · N(0, 1), f one U(0, most) a picture (VQGAN+CLIP's cutouts, canvases 5.7). Parameters: factor, [count, 1, 1, 1]; noise, [count, 3, height, width].</summary>
[Part("varied-noise")]
public sealed record VariedNoiseView : View
{
    public double Most { get; init; } = 0.1;

    public override ViewParameters Sample(Generator random, long count, long height, long width) =>
        new() { ["factor"] = random.Uniform(0, Most, count, 1, 1, 1), ["noise"] = random.Normal(count, 3, height, width) };

    public override Tensor Apply(Tensor images, ViewParameters parameters) => images + parameters.Get("noise", images) * parameters.Each("factor", images);
}

/// <summary>+ scale · U[0, 1): positive, of mean scale/2 (DAS, pixel-baselines 3.2). Parameters: noise, the raw numbers, [count, 3, height, width].</summary>
[Part("uniform-noise")]
public sealed record UniformNoiseView : View
{
    public double Scale { get; init; } = 0.2;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => new() { ["noise"] = random.Uniform(0, 1, count, 3, height, width) };
    public override Tensor Apply(Tensor images, ViewParameters parameters) => images + parameters.Get("noise", images) * Scale;
}

/// <summary>Into [0, 1]. No random parameters.</summary>
[Part("clip")]
public sealed record ClipView : View
{
    /// <summary>True: a colour outside still gets the gradient that leads it back (clamp_with_grad, canvases 5.6). False: it gets none.</summary>
    public bool KeepsGradient { get; init; }
    protected internal override bool IsRandom => false;

    public override ViewParameters Sample(Generator random, long count, long height, long width) => ViewParameters.None;
    public override Tensor Apply(Tensor images, ViewParameters parameters) => KeepsGradient ? images.ClampWithGrad(0, 1) : images.Clamp(0, 1);
}
