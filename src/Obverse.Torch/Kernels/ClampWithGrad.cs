namespace Obverse.Torch;

/// <summary>Clamps; backwards, a value outside keeps only a gradient whose descent step leads back inside (clamp_with_grad of VQGAN+CLIP, spec canvases.md 5.6).</summary>
internal static class ClampWithGrad
{
    public static Tensor Apply(Tensor x, double min, double max) => Tape.Apply(x, at => at.Clamp(min, max), (at, gradient) =>
        gradient * (gradient * (at - at.Clamp(min, max)) >= 0));
}
