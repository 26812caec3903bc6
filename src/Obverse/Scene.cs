using Obverse.Torch;

namespace Obverse;

/// <summary>One encoder's unit embeddings of a step's views, [count, views, d] (one view where they are averaged), and its targets.</summary>
/// <param name="Encoder">A member of the inversion's encoder.</param>
/// <param name="Embeddings">Differentiable.</param>
/// <param name="Weight">The member's.</param>
/// <param name="Targets">The inversion's.</param>
/// <param name="Member">The encoder's number among the members.</param>
public sealed record EncodedViews(Encoder Encoder, Tensor Embeddings, double Weight, Targets Targets, int Member)
{
    /// <summary>This encoder's target of a name.</summary>
    public Target Target(string name) => Targets[name][Member];
}

/// <summary>The input of an objective at one step: the picture and, computed on demand, the embeddings of its views.</summary>
public sealed class Scene(Tensor image, int step, int steps, Func<Views?, IReadOnlyList<EncodedViews>> encode)
{
    private IReadOnlyList<EncodedViews>? encoded;

    /// <summary>The pictures as presented, [count, 3, H, W].</summary>
    public Tensor Image => image;

    /// <summary>Which step this is, from 0.</summary>
    public int Step => step;

    /// <summary>Steps of the schedule.</summary>
    public int Steps => steps;

    /// <summary>One entry for every member of the encoder; encoded once a step.</summary>
    public IReadOnlyList<EncodedViews> Encoded => encoded ??= encode(null);

    /// <summary>The embeddings so far; null if no objective asked for them.</summary>
    internal IReadOnlyList<EncodedViews>? EncodedSoFar => encoded;

    /// <summary>The same step through other views, with random numbers of their own.</summary>
    public Scene Through(Views views) => new(image, step, steps, _ => encode(views));

    /// <summary>A loss of every member [count], weighted and added.</summary>
    public Tensor Sum(Func<EncodedViews, Tensor> loss)
    {
        Tensor? total = null;
        foreach (var member in Encoded)
        {
            var part = loss(member) * member.Weight;
            total = total is null ? part : total + part;
        }

        return total!;
    }
}
