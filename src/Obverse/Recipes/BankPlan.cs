namespace Obverse;

/// <summary>What a recipe takes from a bank of captioned pictures: three switches of CLIP^-1 (spec implicit-inversion.md 2.8). The fourth, blending, is the term <c>Toward("pictures")</c> of its objective.</summary>
public sealed record BankPlan
{
    /// <summary>Starts from the bank's representation whose caption is nearest; else from a random one.</summary>
    public bool IsRetrieved { get; init; } = true;

    /// <summary>Neighbouring pairs for the orthogonal Procrustes alignment of each text; 0: no alignment. Chosen here (spec 2.5, sweep 16 to 256).</summary>
    [Limit(0, 1_000_000)]
    public int Neighbours { get; init; } = 64;

    /// <summary>Procrustes by the raw decomposition, not the minimiser nearest to the identity.</summary>
    public bool IsRaw { get; init; }

    /// <summary>Pictures that are blended.</summary>
    [Limit(1, 1_000_000)]
    public int Blended { get; init; } = 16;

    /// <summary>Of the blend's softmax: 1 / CLIP's logit scale.</summary>
    [Limit(1e-6, 1e6)]
    public double Temperature { get; init; } = 0.01;

    /// <summary>Number of nearest representations to start from: seed s starts from the (s mod this)-th. 1, as published: every seed from the nearest.</summary>
    [Limit(1, 1_000_000)]
    public int Starts { get; init; } = 1;

    /// <summary>The nearest representation by caption and picture together; else by caption, as published.</summary>
    public bool StartsByPair { get; init; }

    /// <summary>Blends the pictures that are nearest themselves; else those whose captions are, as published (spec 2.7 has both).</summary>
    public bool BlendsByPicture { get; init; }
}
