using System.Text.Json;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Tests.Engine;

/// <summary>The traces' image-only tower (fixture tree, `traces/tiny-clip`): a vision transformer without text.</summary>
internal sealed class TinyTower : Encoder
{
    private readonly Obverse.Torch.Weights weights;
    private readonly VisionTransformer tower;
    private readonly VisionConfig config;
    private readonly Tensor mean, std;

    private TinyTower(string name, Obverse.Torch.Weights weights, VisionConfig config, float[] mean, float[] std)
    {
        (Name, this.weights, Dimension) = (name, weights, config.EmbedDim);
        (tower, this.config) = (new(weights / "visual", config), config);
        (this.mean, this.std) = (Tensor.From(mean, 1, 3, 1, 1), Tensor.From(std, 1, 3, 1, 1));
    }

    public override string Name { get; }
    public override long Dimension { get; }

    public static TinyTower Of(Case trace, string model, bool quickGelu)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require("traces/tiny-clip/config.json")));
        var (root, vision) = (json.RootElement, json.RootElement.GetProperty("vision_cfg"));
        var width = vision.GetProperty("width").GetInt32();
        var config = new VisionConfig
        {
            ImageSize = vision.GetProperty("image_size").GetInt32(), PatchSize = vision.GetProperty("patch_size").GetInt32(), Width = width, Heads = width / vision.GetProperty("head_width").GetInt32(),
            Layers = vision.GetProperty("layers").GetInt32(), MlpWidth = 4 * width, EmbedDim = root.GetProperty("embed_dim").GetInt32(), Activation = quickGelu ? Activation.QuickGelu : Activation.Gelu,
        };
        float[] Numbers(string name) => [.. root.GetProperty(name).EnumerateArray().Select(v => v.GetSingle())];
        return new($"{trace.Name}:{model}", Obverse.Torch.Weights.Load(Fixtures.Require($"traces/tiny-clip/{model}.safetensors")), config, Numbers("mean"), Numbers("std"));
    }

    public Obverse.Evaluation.Saliency Saliency(Tensor text) => new(tower, config, images => (images - mean) / std, text);

    public IReadOnlyDictionary<string, Tensor> Weights => weights.All;

    public override Tensor Embed(Tensor images) => Raw(images).Normalized();

    /// <summary>Embeddings of any length, [n, d], and what is inside.</summary>
    public Tensor Raw(Tensor images, Trace? inside = null) => tower.Forward((images - mean) / std, inside);

    public override Encoder WithoutNormalization() => new Plain(this);

    public override Tensor Embed(IReadOnlyList<string> texts) => throw new NotSupportedException("the traces' tower has no text side");

    public override void Dispose()
    {
        weights.Dispose();
        base.Dispose();
    }

    private sealed class Plain(TinyTower inner) : Encoder
    {
        public override string Name => inner.Name;
        public override long Dimension => inner.Dimension;
        public override Tensor Embed(Tensor images) => inner.tower.Forward(images).Normalized();
        public override Tensor Embed(IReadOnlyList<string> texts) => inner.Embed(texts);
    }
}
