using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// UNet2DConditionModel of diffusers, as Stable Diffusion 1.x has it (sd-ipc.md 6.1): a noisy latent, its time and the rows of a text to a prediction of the noise (or of the
/// velocity: the schedule says which). Weights by diffusers' names.
/// </summary>
public sealed class UNet : IDisposable
{
    private readonly Conv2d convIn, convOut;
    private readonly Linear linear1, linear2;
    private readonly Level[] down, up;
    private readonly ResidualBlock middle1, middle2;
    private readonly SpatialTransformer middle;
    private readonly GroupNorm normOut;
    private readonly DType type;
    private Weights? owned;

    public UNet(Weights weights, UNetConfig config)
    {
        (Config, type) = (config, weights.Type);
        var (channels, levels) = (config.Channels, config.Channels.Count);
        convIn = new(weights / "conv_in", config.InChannels, channels[0]);
        linear1 = new(weights / "time_embedding" / "linear_1", channels[0], config.TimeWidth);
        linear2 = new(weights / "time_embedding" / "linear_2", config.TimeWidth, config.TimeWidth);

        ResidualBlock Residual(Weights at, long inputs, long outputs) => new(at, inputs, outputs, config.Groups, config.Epsilon, config.TimeWidth);
        SpatialTransformer Transformer(Weights at, int level) => new(at, channels[level], config.Heads[level], config.ContextWidth, config.Groups);

        down = new Level[levels];
        List<int> skips = [channels[0]];
        for (var i = 0; i < levels; i++)
        {
            var (at, inputs, level) = (weights / "down_blocks" / i, skips[^1], i);
            down[i] = new(
                [.. Enumerable.Range(0, config.LayersPerBlock).Select(j => Residual(at / "resnets" / j, j == 0 ? inputs : channels[level], channels[level]))],
                config.Attention[i] ? [.. Enumerable.Range(0, config.LayersPerBlock).Select(j => Transformer(at / "attentions" / j, level))] : null,
                i < levels - 1 ? new(at / "downsamplers" / 0 / "conv", channels[i], channels[i], stride: 2) : null);
            skips.AddRange(Enumerable.Repeat(channels[i], config.LayersPerBlock + (i < levels - 1 ? 1 : 0)));
        }

        middle1 = Residual(weights / "mid_block" / "resnets" / 0, channels[^1], channels[^1]);
        middle = Transformer(weights / "mid_block" / "attentions" / 0, levels - 1);
        middle2 = Residual(weights / "mid_block" / "resnets" / 1, channels[^1], channels[^1]);

        up = new Level[levels];
        var below = channels[^1];
        for (var i = 0; i < levels; i++)
        {
            var (at, level) = (weights / "up_blocks" / i, levels - 1 - i);
            var residuals = new ResidualBlock[config.LayersPerBlock + 1];
            for (var j = 0; j < residuals.Length; j++)
            {
                residuals[j] = Residual(at / "resnets" / j, (j == 0 ? below : channels[level]) + skips[^1], channels[level]);
                skips.RemoveAt(skips.Count - 1);
            }

            up[i] = new(residuals, config.Attention[level] ? [.. Enumerable.Range(0, residuals.Length).Select(j => Transformer(at / "attentions" / j, level))] : null,
                i < levels - 1 ? new(at / "upsamplers" / 0 / "conv", channels[level], channels[level]) : null);
            below = channels[level];
        }

        normOut = new(weights / "conv_norm_out", config.Groups, channels[0], config.Epsilon);
        convOut = new(weights / "conv_out", channels[0], config.OutChannels, init: Inits.Zeros);
    }

    /// <summary>From a folder with config.json and weights, which it then owns.</summary>
    public static UNet Load(string folder, Device? device = null, Precision precision = Precision.Float32)
    {
        var config = UNetConfig.Load(Path.Combine(folder, "config.json"));
        return ModelFolder.Owned(ModelFolder.UNet(folder, device, precision), weights => new UNet(weights, config) { owned = weights });
    }

    public UNetConfig Config { get; }

    /// <summary>Blocks are computed again in the backward pass and their insides are not kept (gradient checkpointing): the memory of one block in place of all, for one more forward pass.</summary>
    public bool Recomputes { get; set; }

    /// <summary>No gradient reaches keys and values through the start token's row (diffusers' CustomDiffusionAttnProcessor).</summary>
    public bool HoldsStart { get; set; }

    /// <summary>Whether a weight of this name is a key or value of cross-attention, what Custom Diffusion and SD-IPC-FT move.</summary>
    public static bool IsKeyOrValue(string name) => name.EndsWith(".attn2.to_k.weight", StringComparison.Ordinal) || name.EndsWith(".attn2.to_v.weight", StringComparison.Ordinal);

    /// <summary>The prediction, float32, of the latents' shape.</summary>
    /// <param name="latents">[n, channels, h, w]; sides of any length.</param>
    /// <param name="times">[n] or a single one, whole or not.</param>
    /// <param name="context">Rows of the text: [n, rows, width].</param>
    /// <param name="mask">Hides rows of the context.</param>
    /// <param name="trace">Collects what the parts give, by diffusers' names.</param>
    /// <param name="deep">Deep features that neighbouring calls share.</param>
    public Tensor Forward(Tensor latents, Tensor times, Tensor context, ContextMask? mask = null, Trace? trace = null, DeepFeatures? deep = null)
    {
        if (latents.Size(1) != Config.InChannels) throw new ArgumentException($"UNet: latents of {latents.Size(1)} channels given, {Config.InChannels} wanted");
        if (context.Size(2) != Config.ContextWidth) throw new ArgumentException($"UNet: text rows of {context.Size(2)} numbers given, {Config.ContextWidth} wanted");
        using var scope = new TensorScope();
        Tensor Seen(string name, Tensor state)
        {
            trace?.Add(name, state);
            return state;
        }

        var recomputes = Recomputes && trace is null && NoGrad.IsRecording;
        Tensor Cut(Tensor state) => recomputes ? state.Shared() : state;
        Tensor Part(Func<IReadOnlyList<Tensor>, Tensor> f, params IReadOnlyList<Tensor> inputs) => recomputes ? Tensor.Recomputed(f, inputs) : trace is null ? TensorScope.Of(() => f(inputs)) : f(inputs);
        context = Cut(context.To(type));
        var projected = Seen("time_proj", TimeProjection(times, Config.Channels[0])).To(type);
        if (projected.Size(0) != latents.Size(0)) projected = projected.Expand(latents.Size(0), projected.Size(1));
        var time = Cut(Seen("time_embedding", linear2.Forward(linear1.Forward(projected).Silu())).Silu());
        var x = Cut(Seen("conv_in", convIn.Forward(latents.To(type))));
        Stack<Tensor> skips = new([x]);
        var (isFull, shallow) = (deep?.Begin() ?? true, Math.Min(deep?.Skips ?? SkipCount, SkipCount)); // what is deeper than the first skips may be a former call's
        for (var i = 0; i < down.Length; i++)
        {
            var (level, at) = (down[i], i);
            for (var j = 0; j < level.Residuals.Length && (isFull || skips.Count < shallow); j++)
            {
                var k = j;
                x = Part(seen =>
                {
                    var inside = Seen($"down_blocks.{at}.resnets.{k}", level.Residuals[k].Forward(seen[0], seen[1]));
                    return level.Transformers is { } transformers ? Seen($"down_blocks.{at}.attentions.{k}", transformers[k].Forward(inside, seen[2], mask, trace, $"down_blocks.{at}.attentions.{k}", HoldsStart)) : inside;
                }, [x, time, context]);
                skips.Push(x);
            }

            if (!isFull && skips.Count >= shallow) break;
            if (level.Sampler is { } sampler) skips.Push(x = Part(seen => sampler.Forward(seen[0]), [x]));
            Seen($"down_blocks.{i}", x);
        }

        if (isFull) x = Seen("mid_block", Part(seen => middle2.Forward(middle.Forward(middle1.Forward(seen[0], seen[1]), seen[2], mask, trace, "mid_block.attentions.0", HoldsStart), seen[1]), [x, time, context]));
        var left = SkipCount;
        for (var i = 0; i < up.Length; i++)
        {
            var (level, at) = (up[i], i);
            for (var j = 0; j < level.Residuals.Length; j++, left--)
            {
                if (!isFull && left > shallow) continue;
                if (deep is not null && left == shallow) x = deep.Pass(x, isFull);
                var k = j;
                x = Part(seen =>
                {
                    var inside = level.Residuals[k].Forward(Tensor.Cat([seen[0], seen[1]], 1), seen[2]);
                    return level.Transformers is { } transformers ? transformers[k].Forward(inside, seen[3], mask, trace, $"up_blocks.{at}.attentions.{k}", HoldsStart) : inside;
                }, [x, skips.Pop(), time, context]);
            }

            // To the size of the skip that comes next: a side that did not divide was rounded up on the way down (sd-ipc.md 6.7, 13).
            if (level.Sampler is { } sampler && (isFull || left < shallow))
            {
                var (height, width) = (skips.Peek().Size(2), skips.Peek().Size(3));
                x = Part(seen => sampler.Forward(seen[0].Resize(height, width, Interpolation.Nearest)), [x]);
            }

            Seen($"up_blocks.{i}", x);
        }

        x = convOut.Forward(Seen("conv_norm_out", normOut.Forward(x)).Silu()).To(DType.Float32);
        foreach (var state in trace?.States.Values ?? []) scope.Keep(state);
        return scope.Keep(x);
    }

    public void Dispose() => owned?.Dispose();

    private int SkipCount => (Config.LayersPerBlock + 1) * Config.Channels.Count;

    /// <summary>cos and sin of the time at <paramref name="width"/> / 2 frequencies from 1 down to 1/10000: [n] to [n, width].</summary>
    internal static Tensor TimeProjection(Tensor times, int width)
    {
        var half = width / 2;
        var frequencies = Tensor.From([.. Enumerable.Range(0, half).Select(i => (float)Math.Exp(-Math.Log(10000) * i / half))]).To(times.Device);
        var angles = times.To(DType.Float32).Reshape(-1, 1) * frequencies;
        return Tensor.Cat([angles.Cos(), angles.Sin()], 1);
    }

    private sealed record Level(ResidualBlock[] Residuals, SpatialTransformer[]? Transformers, Conv2d? Sampler);
}
