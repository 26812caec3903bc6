namespace Obverse.Models;

/// <summary>The text tower. <see cref="EndId"/> null pools at the largest id; <see cref="EmbedDim"/> null has no projection (Stable Diffusion's).</summary>
public sealed record TextConfig
{
    public int ContextLength { get; init; } = 77;
    public int VocabularySize { get; init; } = 49408;
    public int Width { get; init; } = 512;
    public int Heads { get; init; } = 8;
    public int Layers { get; init; } = 12;
    public int MlpWidth { get; init; } = 2048;
    public Activation Activation { get; init; } = Activation.Gelu;
    public double Epsilon { get; init; } = 1e-5;
    public int? EndId { get; init; }
    public int? EmbedDim { get; init; }

    internal TransformerShape Shape => new(Width, Layers, Heads, MlpWidth, Activation, Epsilon);
}
