using Obverse.Torch;

namespace Obverse;

/// <summary>Maps pictures and texts to unit embeddings of one space. Frozen: gradients flow to the pixels only.</summary>
public abstract class Encoder : IDisposable
{
    /// <summary>The model's name, for messages and stored jobs.</summary>
    public abstract string Name { get; }

    /// <summary>The device it computes on: takes pictures of any device, gives embeddings of this one.</summary>
    public virtual Device Device => Device.Cpu;

    /// <summary>Length of an embedding.</summary>
    public abstract long Dimension { get; }

    /// <summary>[n, 3, h, w] in [0, 1], any size -> [n, d], each row of length 1.</summary>
    public abstract Tensor Embed(Tensor images);

    /// <summary>Texts -> [n, d], each row of length 1.</summary>
    public abstract Tensor Embed(IReadOnlyList<string> texts);

    /// <summary>Reckons what a picture [1, 3, h, w] and its gradient take in the encoder; an encoder that does not know says 0.</summary>
    public virtual double BytesPerView(long height, long width) => 0;

    /// <summary>Itself with weight 1, or the members of an ensemble with their weights. Each is given views of its own.</summary>
    public virtual IReadOnlyList<(Encoder Encoder, double Weight)> Members => [(this, 1)];

    /// <summary>The same encoder with pictures given as they are, in [0, 1], without its mean and deviation taken off (a quirk of published notebooks); itself where it takes none off. It owns nothing.</summary>
    public virtual Encoder WithoutNormalization() => this;

    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>Several encoders as one: their losses are added with these weights, and each has views of its own (DAS; CLIP-Inv averages with 1/M).</summary>
public sealed class EnsembleEncoder(params IReadOnlyList<(Encoder Encoder, double Weight)> members) : Encoder
{
    public override string Name => string.Join(" + ", members.Select(m => m.Encoder.Name));
    public override Device Device => members[0].Encoder.Device;
    public override long Dimension => members.Sum(m => m.Encoder.Dimension);
    public override IReadOnlyList<(Encoder Encoder, double Weight)> Members => members;

    /// <summary>The members' embeddings concatenated and scaled to length 1.</summary>
    public override Tensor Embed(Tensor images) => Joined(member => member.Embed(images));

    public override Tensor Embed(IReadOnlyList<string> texts) => Joined(member => member.Embed(texts));

    public override Encoder WithoutNormalization() => new EnsembleEncoder([.. members.Select(member => (member.Encoder.WithoutNormalization(), member.Weight))]);

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
