using System.Globalization;
using Obverse.Files;

namespace Obverse.Models;

/// <summary>The shape of a VQGAN (taming-transformers' ddconfig; spec canvases.md 5.5). Level 0 has full resolution; each further one has half.</summary>
public sealed record VqganConfig
{
    /// <summary>Channels after the first convolution.</summary>
    public required int Channels { get; init; }

    /// <summary>Channels of each level.</summary>
    public required IReadOnlyList<int> Widths { get; init; }

    /// <summary>Residual blocks of a level of the encoder; the decoder has one more.</summary>
    public required int Blocks { get; init; }

    /// <summary>Levels with attention after each block. It stays at its level whatever the picture's size.</summary>
    public required IReadOnlyList<int> Attention { get; init; }

    /// <summary>Channels of the latent before and after the two 1x1 convolutions beside the quantiser.</summary>
    public required int Latent { get; init; }

    /// <summary>Width of a code.</summary>
    public required int CodeWidth { get; init; }

    /// <summary>Rows of the codebook.</summary>
    public required int Codes { get; init; }

    /// <summary>True for the Gumbel variant: codes are chosen by logits, not by distance.</summary>
    public bool IsGumbel { get; init; }

    /// <summary>Groups of its norms: taming's 32, unless the safetensors' metadata say otherwise under <see cref="GroupsKey"/>.</summary>
    public int Groups { get; init; } = UsualGroups;

    /// <summary>The key of <see cref="Groups"/>, our own: with 32 groups a level of 32 channels loses every channel's mean, and with it the colour of the picture.</summary>
    public const string GroupsKey = "norm_groups";

    internal const int UsualGroups = 32;

    /// <summary>Pixels along a side of a code's square: 16 for f16.</summary>
    public int Factor => 1 << (Widths.Count - 1);

    /// <summary>Whether the file has an encoder; without one nothing can start from a picture.</summary>
    public bool HasEncoder { get; init; } = true;

    /// <summary>Read off the tensors' names and shapes, so no config file is needed.</summary>
    /// <exception cref="WeightsException">Not a VQGAN's; the message says what is missing or has other channels.</exception>
    /// <param name="outline">Names and shapes.</param>
    /// <param name="origin">What errors name.</param>
    /// <param name="groups">Of its norms.</param>
    public static VqganConfig Of(IEnumerable<(string Name, long[] Shape)> outline, string origin, int groups = UsualGroups)
    {
        var shapes = outline.ToDictionary(pair => pair.Name, pair => pair.Shape);
        long[] Shape(string name) => shapes.TryGetValue(name, out var shape) ? shape : throw new WeightsException($"{origin}: not a VQGAN of taming-transformers' layout: no tensor '{name}'");
        int Side(string name, int at) => Shape(name) is var shape && at < shape.Length ? checked((int)shape[at]) : throw new WeightsException($"{origin}: tensor '{name}' has {shape.Length} dimensions");
        int Count(string prefix) => Enumerable.Range(0, 64).TakeWhile(i => shapes.Keys.Any(name => name.StartsWith($"{prefix}.{i.ToString(CultureInfo.InvariantCulture)}.", StringComparison.Ordinal))).Count();

        var (hasEncoder, levels) = (shapes.ContainsKey("encoder.conv_in.weight"), Count("decoder.up"));
        if (levels == 0) Shape("decoder.up.0.block.0.conv1.weight");
        int[] widths = [.. Enumerable.Range(0, levels).Select(level => Side($"decoder.up.{level}.block.0.conv1.weight", 0))];
        var isGumbel = shapes.ContainsKey("quantize.embed.weight");
        var codebook = isGumbel ? "quantize.embed.weight" : "quantize.embedding.weight";
        var config = new VqganConfig
        {
            Channels = hasEncoder ? Side("encoder.conv_in.weight", 0) : widths[0], Widths = widths, Blocks = Count("decoder.up.0.block") - 1, Attention = [.. Enumerable.Range(0, levels).Where(level => Count($"decoder.up.{level}.attn") > 0)],
            Latent = Side("decoder.conv_in.weight", 1), CodeWidth = Side(codebook, 1), Codes = Side(codebook, 0), IsGumbel = isGumbel, HasEncoder = hasEncoder, Groups = groups,
        };
        if ((hasEncoder ? Side("encoder.conv_in.weight", 1) : 3) is var inputs && inputs != 3) throw new WeightsException($"{origin}: its encoder takes pictures of {inputs} channels; 3 were wanted");
        if (Side("decoder.conv_out.weight", 0) is var outputs && outputs != 3) throw new WeightsException($"{origin}: its decoder gives pictures of {outputs} channels; 3 were wanted");
        foreach (var width in widths.Append(config.Channels)) if (width % groups != 0) throw new WeightsException($"{origin}: a level of {width} channels; its norms have {groups} groups, so a multiple of {groups} was wanted");
        if (config.Blocks < 1 || levels > 10) throw new WeightsException($"{origin}: {levels} levels of {config.Blocks} blocks; up to 10 levels of at least one were wanted");
        return config;
    }
}
