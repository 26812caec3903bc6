using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Pictures in [-1, 1] to latents before the quantiser's convolution.</summary>
internal sealed class VqganEncoder
{
    private readonly Conv2d first, last;
    private readonly VqganLevel[] levels;
    private readonly Conv2d[] shrinks;
    private readonly VqganMiddle middle;
    private readonly GroupNorm norm;

    public VqganEncoder(Weights weights, VqganConfig config)
    {
        var (count, deepest) = (config.Widths.Count, config.Widths[^1]);
        first = new(weights / "conv_in", 3, config.Channels);
        levels = [.. config.Widths.Select((width, i) => new VqganLevel(weights / "down" / i, i == 0 ? config.Channels : config.Widths[i - 1], width, config.Blocks, config.Attention.Contains(i), config.Groups))];
        shrinks = [.. Enumerable.Range(0, count - 1).Select(i => new Conv2d(weights / "down" / i / "downsample" / "conv", config.Widths[i], config.Widths[i], stride: 2, padding: 0))];
        middle = new(weights / "mid", deepest, config.Groups);
        norm = new(weights / "norm_out", config.Groups, deepest, Vqgan.Epsilon);
        last = new(weights / "conv_out", deepest, config.Latent);
    }

    public Tensor Forward(Tensor x, Trace? trace)
    {
        x = first.Forward(x);
        for (var i = 0; i < levels.Length; i++)
        {
            x = levels[i].Forward(x, trace, $"encoder.down.{i}");
            if (i == shrinks.Length) break;
            x = shrinks[i].Forward(x.Pad([0, 1, 0, 1])); // a column and a row of zeros, right and below
            trace?.Add($"encoder.down.{i}.downsample", x);
        }

        x = last.Forward(norm.Forward(middle.Forward(x, trace, "encoder")).Silu());
        trace?.Add("encoder.conv_out", x);
        return x;
    }
}

/// <summary>Latents after the quantiser's convolution to pictures in [-1, 1], or a little beyond.</summary>
internal sealed class VqganDecoder
{
    private readonly Conv2d first, last;
    private readonly VqganLevel[] levels;
    private readonly Conv2d?[] grows;
    private readonly VqganMiddle middle;
    private readonly GroupNorm norm;

    public VqganDecoder(Weights weights, VqganConfig config)
    {
        var (count, deepest) = (config.Widths.Count, config.Widths[^1]);
        first = new(weights / "conv_in", config.Latent, deepest);
        middle = new(weights / "mid", deepest, config.Groups);
        levels = [.. config.Widths.Select((width, i) => new VqganLevel(weights / "up" / i, i == count - 1 ? deepest : config.Widths[i + 1], width, config.Blocks + 1, config.Attention.Contains(i), config.Groups))];
        grows = [.. config.Widths.Select((width, i) => i == 0 ? null : new Conv2d(weights / "up" / i / "upsample" / "conv", width, width))];
        norm = new(weights / "norm_out", config.Groups, config.Widths[0], Vqgan.Epsilon);
        last = new(weights / "conv_out", config.Widths[0], 3);
    }

    public Tensor Forward(Tensor z, Trace? trace)
    {
        var x = first.Forward(z);
        trace?.Add("decoder.conv_in", x);
        x = middle.Forward(x, trace, "decoder");
        for (var i = levels.Length - 1; i >= 0; i--)
        {
            x = levels[i].Forward(x, trace, $"decoder.up.{i}");
            if (grows[i] is not { } grow) continue;
            x = grow.Forward(x.Resize(2 * x.Size(2), 2 * x.Size(3), Interpolation.Nearest));
            trace?.Add($"decoder.up.{i}.upsample", x);
        }

        return last.Forward(norm.Forward(x).Silu());
    }
}
