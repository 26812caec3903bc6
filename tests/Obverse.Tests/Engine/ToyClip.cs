using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Tests.Engine;

/// <summary>A CLIP of two layers and 32 px with seeded random weights: all of the engine is tested on it, with no files but its own.</summary>
internal static class ToyClip
{
    public static ClipConfig Config { get; } = new()
    {
        Vision = new() { ImageSize = 32, PatchSize = 8, Width = 64, Heads = 4, Layers = 2, MlpWidth = 128, EmbedDim = 32 },
        Text = new() { ContextLength = 16, VocabularySize = 600, Width = 32, Heads = 2, Layers = 2, MlpWidth = 64, EmbedDim = 32 },
    };

    public static Encoder Load(ulong seed = 5)
    {
        using var random = new Generator(seed);
        return new Seeing(ClipModel.New(Config, random));
    }

    // Texts are drawn from their hash: enough of a text tower to invert toward.
    private sealed class Seeing(ClipModel model) : Encoder
    {
        private readonly ClipEncoder inner = new(model, "toy");

        public override string Name => "toy";
        public override long Dimension => inner.Dimension;
        public override Tensor Embed(Tensor images) => inner.Embed(images);

        public override Tensor Embed(IReadOnlyList<string> texts) => Tensor.Stack([.. texts.Select(text =>
        {
            using var random = new Generator((ulong)text.Sum(c => c * 31L));
            return random.Normal(Dimension).Normalized();
        })]);

        public override void Dispose()
        {
            model.Dispose();
            base.Dispose();
        }
    }
}
