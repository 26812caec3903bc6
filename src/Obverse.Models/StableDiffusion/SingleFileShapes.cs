using Obverse.Files;

namespace Obverse.Models;

/// <summary>Configurations of a single file's parts, from the shapes of its tensors. What no shape tells is Stable Diffusion 1.x's: 8 heads, 32 groups (fewer where the channels do not divide), heads of the text encoder 64 wide.</summary>
internal sealed class SingleFileShapes(IReadOnlyDictionary<string, long[]> shapes, string file)
{
    public UNetConfig UNet()
    {
        int Side(string name, int dim) => this.Side(SingleFile.UNetPrefix + name, dim);
        bool Has(string name) => shapes.ContainsKey(SingleFile.UNetPrefix + name);
        var blocks = 0;
        while (Has($"input_blocks.{blocks + 1}.0.in_layers.2.weight")) blocks++; // until the first downsampler
        if (blocks == 0) throw new WeightsException($"{file}: its UNet has no residual blocks where Stable Diffusion 1.x has them");
        List<int> channels = [];
        List<bool> attention = [];
        for (var at = 1; Has($"input_blocks.{at}.0.out_layers.3.weight"); at += blocks + 1)
        {
            channels.Add(Side($"input_blocks.{at}.0.out_layers.3.weight", 0));
            attention.Add(Has($"input_blocks.{at}.1.proj_in.weight"));
        }

        return new()
        {
            InChannels = Side("input_blocks.0.0.weight", 1), OutChannels = Side("out.2.weight", 0), Channels = channels, Attention = attention, LayersPerBlock = blocks,
            ContextWidth = Side("middle_block.1.transformer_blocks.0.attn2.to_k.weight", 1), Heads = [.. channels.Select(_ => 8)], Groups = Groups(channels),
        };
    }

    public AutoencoderConfig Autoencoder()
    {
        string At(string name) => SingleFile.AutoencoderPrefix + name;
        var blocks = 0;
        while (shapes.ContainsKey(At($"encoder.down.0.block.{blocks}.conv1.weight"))) blocks++;
        List<int> channels = [];
        while (shapes.ContainsKey(At($"encoder.down.{channels.Count}.block.0.conv2.weight"))) channels.Add(Side(At($"encoder.down.{channels.Count}.block.0.conv2.weight"), 0));
        if (channels.Count == 0) throw new WeightsException($"{file}: its autoencoder has no residual blocks where Stable Diffusion 1.x has them");
        return new() { Channels = channels, LayersPerBlock = blocks, LatentChannels = Side(At("quant_conv.weight"), 0) / 2, Groups = Groups(channels), MiddleAttention = shapes.ContainsKey(At("encoder.mid.attn_1.q.weight")) };
    }

    public TextConfig Text()
    {
        string At(string name) => SingleFile.TextPrefix + "text_model." + name;
        var width = Side(At("embeddings.token_embedding.weight"), 1);
        return new()
        {
            ContextLength = Side(At("embeddings.position_embedding.weight"), 0), VocabularySize = Side(At("embeddings.token_embedding.weight"), 0), Width = width, Heads = Math.Max(1, width / 64),
            Layers = shapes.Keys.Count(name => name.StartsWith(At("encoder.layers."), StringComparison.Ordinal) && name.EndsWith(".layer_norm1.weight", StringComparison.Ordinal)), MlpWidth = Side(At("encoder.layers.0.mlp.fc1.weight"), 0),
            Activation = Activation.QuickGelu,
        };
    }

    private int Side(string name, int dim) => !shapes.TryGetValue(name, out var shape) ? throw new WeightsException($"{file}: tensor '{name}' is missing") : dim < shape.Length ? checked((int)shape[dim]) : throw new WeightsException($"{file}: tensor '{name}' has {shape.Length} dimensions");

    private static int Groups(IEnumerable<int> channels) => channels.Aggregate(32, (groups, width) =>
    {
        while (width % groups != 0) groups /= 2;
        return groups;
    });
}
