using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Evaluation;

/// <summary>What a number of ascent steps towards a text gained: the cosine under the model itself, and under a judge that never drew (low-pass views).</summary>
public sealed record AscentGain(string Text, double Own, double Judged, double LowFrequencies);

/// <summary>
/// Whether a model's gradients are perceptually aligned (spec clipag.md 4.1): if steps up its own score also raise the score of another network, they draw the thing; if only the model's own
/// score rises, they are adversarial texture.
/// </summary>
public static class AlignedGradients
{
    /// <summary>A picture of one grey, [1, 3, side, side].</summary>
    public static Tensor Grey(int side) => Tensor.Full([1, 3, side, side], 0.5);

    /// <summary>One text after another, from the same start.</summary>
    /// <param name="model">A CLIP with a text encoder.</param>
    /// <param name="judge">Another network.</param>
    /// <param name="texts">What to go towards.</param>
    /// <param name="start">[1, 3, h, w] in 0 … 1, of the model's side.</param>
    /// <param name="steps">Of ascent.</param>
    /// <param name="size">Length of a step (L2).</param>
    public static IEnumerable<AscentGain> Of(ClipModel model, Judge judge, IReadOnlyList<string> texts, Tensor start, int steps = 20, double size = 0.5)
    {
        foreach (var text in texts)
        {
            using var scope = new TensorScope();
            Tensor embedded;
            using (new NoGrad()) embedded = model.EncodeText([text])[0];
            yield return Of(new(model, embedded), judge, text, start, steps, size).Gain;
        }
    }

    /// <summary>The gain towards one text, and the picture it led to, [1, 3, h, w].</summary>
    public static (AscentGain Gain, Tensor Image) Of(Saliency saliency, Judge judge, string text, Tensor start, int steps = 20, double size = 0.5)
    {
        double? first = null;
        var image = start;
        foreach (var (ascended, before) in saliency.Ascent(start, steps, size))
        {
            first ??= before;
            image = ascended;
        }

        var gradient = saliency.InputGradient(start).Gradient;
        var after = saliency.InputGradient(image).Score;
        double Judged(Tensor picture) => judge.Assess(picture.ToPicture(), text).LowPass.Cosine;
        return (new(text, after - first!.Value, Judged(image) - Judged(start), Saliency.LowFrequencyShare(gradient)), image);
    }

    /// <summary>A gradient for the eye: grey is none; its 99th percentile, whatever the sign, is full colour. [1, 3, h, w].</summary>
    public static Tensor Shown(Tensor gradient)
    {
        using var still = new NoGrad();
        var sizes = gradient.Abs().ToFloats();
        Array.Sort(sizes);
        return (gradient / (2 * Math.Max(sizes[(int)((sizes.Length - 1) * 0.99)], 1e-20)) + 0.5).Clamp(0, 1);
    }
}
