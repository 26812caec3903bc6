using Obverse;
using Obverse.Torch;

/// <summary>Asks for a mean colour of the picture, in [0, 1].</summary>
[Part("tinted")]
public sealed record Tinted(double Red, double Green, double Blue) : Objective
{
    public override Tensor Evaluate(Scene scene)
    {
        var mean = scene.Image.Mean([2, 3]);                                                              // [count, 3]
        var wanted = Tensor.From<float>([(float)Red, (float)Green, (float)Blue]).To(mean.Device);         // [3]
        return (mean - wanted).Square().Mean([1]);                                                        // [count]
    }
}
