using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Where a picture's latent lies: mean and logarithm of the variance, [n, channels, h, w] each.</summary>
public sealed record LatentDistribution(Tensor Mean, Tensor LogVariance)
{
    /// <summary>mean + deviation · noise.</summary>
    public Tensor Sample(Tensor noise) => Mean + (LogVariance * 0.5).Exp() * noise;

    /// <summary>Divergence from N(0, 1), summed over a picture: [n].</summary>
    public Tensor Divergence() => (Mean.Square() + LogVariance.Exp() - 1 - LogVariance).Sum([1, 2, 3]) * 0.5;

    /// <summary>Of what quant_conv gives: the mean, and the logarithm between -30 and 20.</summary>
    internal static LatentDistribution Of(Tensor moments) => moments.Chunk(2, 1) is [var mean, var logVariance] ? new(mean, logVariance.Clamp(-30, 20)) : throw new ArgumentException($"moments of {moments} given");
}

/// <summary>
/// AutoencoderKL of diffusers, Stable Diffusion's (sd-ipc.md 6.1): pictures in -1 … 1 to latents of a fraction of their side, and back. Weights by diffusers' names, old and new
/// (<see cref="AutoencoderNames"/>).
/// </summary>
public sealed class Autoencoder : IDisposable
{
    private readonly Encoder encoder;
    private readonly Decoder decoder;
    private readonly Conv2d quantise, dequantise;
    private readonly DType type;
    private Weights? owned;

    public Autoencoder(Weights weights, AutoencoderConfig config)
    {
        (Config, type, Device) = (config, weights.Type, weights.Device);
        encoder = new(weights / "encoder", config);
        decoder = new(weights / "decoder", config);
        quantise = new(weights / "quant_conv", 2 * config.LatentChannels, 2 * config.LatentChannels, kernel: 1, padding: 0);
        dequantise = new(weights / "post_quant_conv", config.LatentChannels, config.LatentChannels, kernel: 1, padding: 0);
    }

    /// <summary>From a folder with config.json and weights, which it then owns.</summary>
    public static Autoencoder Load(string folder, Device? device = null, Precision precision = Precision.Float32)
    {
        var config = AutoencoderConfig.Load(Path.Combine(folder, "config.json"));
        return ModelFolder.Owned(ModelFolder.Autoencoder(folder, device, precision), weights => new Autoencoder(weights, config) { owned = weights });
    }

    public AutoencoderConfig Config { get; }

    /// <summary>Where its weights are.</summary>
    public Device Device { get; }

    /// <summary>Pictures in -1 … 1, [n, 3, H, W], to the distribution of their latents, not scaled.</summary>
    public LatentDistribution Encode(Tensor pictures, Trace? trace = null)
    {
        var moments = quantise.Forward(Traced(trace, "encoder", encoder.Forward(pictures.To(type), trace)));
        return LatentDistribution.Of(Traced(trace, "quant_conv", moments).To(DType.Float32));
    }

    /// <summary>Latents, not scaled, to pictures in about -1 … 1, float32.</summary>
    public Tensor Decode(Tensor latents, Trace? trace = null) => decoder.Forward(Traced(trace, "post_quant_conv", dequantise.Forward(latents.To(type))), trace).To(DType.Float32);

    /// <summary>Latents as a diffusion model has them, scaled, of pictures in 0 … 1.</summary>
    /// <param name="pictures">[n, 3, H, W].</param>
    /// <param name="noise">Draws from the distribution; null: its mean.</param>
    /// <param name="tiles">One tile after another; null: whole.</param>
    public Tensor ToLatents(Tensor pictures, Tensor? noise = null, AutoencoderTiles? tiles = null)
    {
        var found = tiles?.Encode(this, pictures * 2 - 1) ?? Encode(pictures * 2 - 1);
        return (noise is null ? found.Mean : found.Sample(noise)) * Config.ScalingFactor;
    }

    /// <summary>Pictures in 0 … 1 of scaled latents.</summary>
    public Tensor ToPictures(Tensor latents) => ToPictures(latents, null);

    /// <inheritdoc cref="ToPictures(Tensor)"/>
    /// <param name="latents">[n, channels, h, w].</param>
    /// <param name="tiles">One tile after another; null: whole.</param>
    public Tensor ToPictures(Tensor latents, AutoencoderTiles? tiles) => ((tiles?.Decode(this, latents / Config.ScalingFactor) ?? Decode(latents / Config.ScalingFactor)) * 0.5 + 0.5).Clamp(0, 1);

    public void Dispose() => owned?.Dispose();

    private static Tensor Traced(Trace? trace, string name, Tensor state)
    {
        trace?.Add(name, state);
        return state;
    }

    // A layer of a chain: what went in is let go of as soon as nobody else can look at it. At full size the finest level's layers are hundreds of megabytes each.
    private static Tensor Layer(Trace? trace, Tensor x, Func<Tensor, Tensor> layer)
    {
        if (trace is not null) return layer(x);
        var next = TensorScope.Of(() => layer(x));
        if (!NoGrad.IsRecording) x.Dispose();
        return next;
    }

    private static ResidualBlock Residual(Weights at, AutoencoderConfig config, long inputs, long outputs) => new(at, inputs, outputs, config.Groups, 1e-6);

    /// <summary>conv_in; residual blocks and a halving a level; the middle; conv_out.</summary>
    private sealed class Encoder
    {
        private readonly Conv2d convIn, convOut;
        private readonly (ResidualBlock[] Blocks, Conv2d? Halve)[] levels;
        private readonly Middle middle;
        private readonly GroupNorm norm;

        public Encoder(Weights weights, AutoencoderConfig config)
        {
            var channels = config.Channels;
            convIn = new(weights / "conv_in", 3, channels[0]);
            levels = [.. channels.Select((outputs, i) => (
                (ResidualBlock[])[.. Enumerable.Range(0, config.LayersPerBlock).Select(j => Residual(weights / "down_blocks" / i / "resnets" / j, config, j == 0 ? channels[Math.Max(0, i - 1)] : outputs, outputs))],
                i < channels.Count - 1 ? new Conv2d(weights / "down_blocks" / i / "downsamplers" / 0 / "conv", outputs, outputs, stride: 2, padding: 0) : null))];
            middle = new(weights / "mid_block", config);
            norm = new(weights / "conv_norm_out", config.Groups, channels[^1], 1e-6);
            convOut = new(weights / "conv_out", channels[^1], 2 * config.LatentChannels);
        }

        public Tensor Forward(Tensor x, Trace? trace)
        {
            using var scope = new TensorScope();
            Tensor Seen(string name, Tensor state) => Traced(trace, "encoder." + name, trace is null ? state : scope.Keep(state));
            x = Seen("conv_in", convIn.Forward(x));
            for (var i = 0; i < levels.Length; i++)
            {
                foreach (var block in levels[i].Blocks) x = Layer(trace, x, given => block.Forward(given));
                if (levels[i].Halve is { } halve) x = Layer(trace, x, given => halve.Forward(given.Pad([0, 1, 0, 1]))); // zeros right and below only
                Seen($"down_blocks.{i}", x);
            }

            x = Layer(trace, x, given => middle.Forward(given, state => _ = Seen("mid_block.attentions.0", state)));
            return scope.Keep(convOut.Forward(norm.Forward(Seen("mid_block", x)).Silu()));
        }
    }

    /// <summary>conv_in; the middle; residual blocks and a doubling a level, the coarsest first; conv_out.</summary>
    private sealed class Decoder
    {
        private readonly Conv2d convIn, convOut;
        private readonly Middle middle;
        private readonly (ResidualBlock[] Blocks, Conv2d? Double)[] levels;
        private readonly GroupNorm norm;

        public Decoder(Weights weights, AutoencoderConfig config)
        {
            int[] channels = [.. config.Channels.Reverse()];
            convIn = new(weights / "conv_in", config.LatentChannels, channels[0]);
            middle = new(weights / "mid_block", config);
            levels = [.. channels.Select((outputs, i) => (
                (ResidualBlock[])[.. Enumerable.Range(0, config.LayersPerBlock + 1).Select(j => Residual(weights / "up_blocks" / i / "resnets" / j, config, j == 0 ? channels[Math.Max(0, i - 1)] : outputs, outputs))],
                i < channels.Length - 1 ? new Conv2d(weights / "up_blocks" / i / "upsamplers" / 0 / "conv", outputs, outputs) : null))];
            norm = new(weights / "conv_norm_out", config.Groups, channels[^1], 1e-6);
            convOut = new(weights / "conv_out", channels[^1], 3);
        }

        public Tensor Forward(Tensor x, Trace? trace)
        {
            using var scope = new TensorScope();
            Tensor Seen(string name, Tensor state) => Traced(trace, "decoder." + name, trace is null ? state : scope.Keep(state));
            x = Layer(trace, Seen("conv_in", convIn.Forward(x)), given => middle.Forward(given, state => _ = Seen("mid_block.attentions.0", state)));
            Seen("mid_block", x);
            for (var i = 0; i < levels.Length; i++)
            {
                foreach (var block in levels[i].Blocks) x = Layer(trace, x, given => block.Forward(given));
                if (levels[i].Double is { } doubled) x = Layer(trace, x, given => doubled.Forward(given.Resize(2 * given.Size(2), 2 * given.Size(3), Interpolation.Nearest)));
                Seen($"up_blocks.{i}", x);
            }

            return scope.Keep(convOut.Forward(norm.Forward(x).Silu()));
        }
    }

    /// <summary>Residual block, self-attention over all places with one head, residual block.</summary>
    private sealed class Middle
    {
        private readonly ResidualBlock before, after;
        private readonly GroupNorm? norm;
        private readonly Linear? q, k, v, output;

        public Middle(Weights weights, AutoencoderConfig config)
        {
            var channels = config.Channels[^1];
            before = Residual(weights / "resnets" / 0, config, channels, channels);
            after = Residual(weights / "resnets" / 1, config, channels, channels);
            if (!config.MiddleAttention) return;
            var attention = weights / "attentions" / 0;
            norm = new(attention / "group_norm", config.Groups, channels, 1e-6);
            (q, k, v) = (new(attention / "to_q", channels, channels), new(attention / "to_k", channels, channels), new(attention / "to_v", channels, channels));
            output = new(attention / "to_out" / 0, channels, channels);
        }

        public Tensor Forward(Tensor x, Action<Tensor> seen)
        {
            x = before.Forward(x);
            if (norm is not null)
            {
                var (n, channels, height, width) = (x.Size(0), x.Size(1), x.Size(2), x.Size(3));
                var rows = norm.Forward(x).Flatten(2).Transpose(1, 2).Unsqueeze(1); // [n, 1 head, h w, channels]
                var mixed = output!.Forward(Tensor.Attention(q!.Forward(rows), k!.Forward(rows), v!.Forward(rows)));
                x = x + mixed.Squeeze(1).Transpose(1, 2).Reshape(n, channels, height, width);
                seen(x);
            }

            return after.Forward(x);
        }
    }
}
