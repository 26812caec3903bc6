using Obverse.Torch;

namespace Obverse;

/// <summary>What looks at pictures: maps them, and prompts, to one sphere of embeddings. Frozen: only the way to the pixels is differentiated.</summary>
public abstract class Encoder : IDisposable
{
    /// <summary>The model's name, for messages and for the run's record.</summary>
    public abstract string Name { get; }

    /// <summary>Where it computes: pictures of any device come in, embeddings of this one come out.</summary>
    public virtual Device Device => Device.Cpu;

    /// <summary>Length of an embedding.</summary>
    public abstract long Dimension { get; }

    /// <summary>[n, 3, h, w] in [0, 1], any size -> [n, d], each row of length 1.</summary>
    public abstract Tensor Embed(Tensor images);

    /// <summary>Texts -> [n, d], each row of length 1.</summary>
    public abstract Tensor Embed(IReadOnlyList<string> texts);

    /// <summary>The encoders behind this one with their weights: itself, or an ensemble's. Each sees views of its own.</summary>
    public virtual IReadOnlyList<(Encoder Encoder, double Weight)> Members => [(this, 1)];

    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>Several encoders as one: their losses are added with these weights, and each has views of its own (DAS; CLIP-Inv averages with 1/M).</summary>
public sealed class EnsembleEncoder(params IReadOnlyList<(Encoder Encoder, double Weight)> members) : Encoder
{
    public override string Name => string.Join(" + ", members.Select(m => m.Encoder.Name));
    public override Device Device => members[0].Encoder.Device;
    public override long Dimension => members.Sum(m => m.Encoder.Dimension);
    public override IReadOnlyList<(Encoder Encoder, double Weight)> Members => members;

    /// <summary>The members' embeddings side by side, so scaled that the whole has length 1.</summary>
    public override Tensor Embed(Tensor images) => Joined(member => member.Embed(images));

    public override Tensor Embed(IReadOnlyList<string> texts) => Joined(member => member.Embed(texts));

    public override void Dispose()
    {
        foreach (var (encoder, _) in members) encoder.Dispose();
        base.Dispose();
    }

    private Tensor Joined(Func<Encoder, Tensor> embed)
    {
        var total = members.Sum(m => m.Weight);
        return Tensor.Cat([.. members.Select(m => embed(m.Encoder) * Math.Sqrt(m.Weight / total))], 1);
    }
}
