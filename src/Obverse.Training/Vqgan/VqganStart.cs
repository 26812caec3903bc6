using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// An analytic start of a small VQGAN whose norms have one group: the encoder gives, exactly, means of opponent colours of each code's square and Haar's differences of its quarters, the decoder shows the
/// means. Residual blocks and attention begin as nothing, so all else is left to learn. From noise, one of this size learns brightness first and colour hardly at all.
/// </summary>
internal static class VqganStart
{
    /// <summary>Latent numbers: three colours, each a mean and three differences.</summary>
    public const int Components = 12;

    // Beside the signal (LinearStart), and what components are multiplied by there: all by the same, so that distances of codes are those of pixels.
    private const double EncoderConstant = 30, DecoderConstant = 8, Gain = 0.5;

    // What codes are larger by: deviations of 0.5 to 5, so that the published rates of 0.05 and 0.1 move a detail by a fifth of what it varies by, not by all of it.
    private const double Scale = 5;

    /// <summary>Whether a VQGAN of these options has this start: a convolution that changes the number of channels stands before either norm at the end.</summary>
    public static bool Fits(VqganOptions options) =>
        options is { Groups: 1, CodeWidth: Components, Widths: [>= Components, _, ..] } && options.Widths.Skip(1).All(width => width > 2 * Components + 1) && options.Widths[0] != options.Widths[1] && options.Widths[^1] != options.Widths[^2];

    /// <summary>Writes over the weights of a new VQGAN.</summary>
    public static void Apply(Weights weights, VqganOptions options)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        foreach (var (name, tensor) in weights.All)
            if (name.Contains(".conv2.", StringComparison.Ordinal) || name.Contains(".proj_out.", StringComparison.Ordinal)) tensor.FillInPlace(0);
        var (widths, last) = (options.Widths, options.Widths.Count - 1);

        // Encoder: means of 2 x 2 pixels, again and again, and of the last four means the components.
        Copy("encoder.conv_in", 3);
        for (var level = 0; level < last; level++)
        {
            var isLast = level == last - 1;
            Set($"encoder.down.{level}.downsample.conv", (w, _) =>
            {
                for (var k = 0; k < (isLast ? Components : 3); k++)
                    for (var c = 0; c < 3; c++)
                        for (var at = 0; at < 4; at++) w[k, c, at / 2, at % 2] = isLast ? (float)(LinearStart.Colours[k % 3][c] * LinearStart.Details[k / 3][at]) : k == c ? 0.25f : 0;
            });
            if (!isLast && widths[level] != widths[level + 1]) Copy($"encoder.down.{level + 1}.block.0.nin_shortcut", 3);
        }

        LinearStart.Pairs(weights, $"encoder.down.{last}.block.0.nin_shortcut", Components, EncoderConstant, (k, j) => k == j ? Gain : 0, widths[^2], widths[^1]);
        LinearStart.Restored(weights, "encoder.norm_out", EncoderConstant, widths[^1]);
        Set("encoder.conv_out", (w, _) => { for (var k = 0; k < Components; k++) (w[k, k, 1, 1], w[k, Components + k, 1, 1]) = (1, -1); });
        Copy("quant_conv", Components, Scale);

        // Decoder: the components beside each other, enlarged, and of the means the colours.
        Copy("post_quant_conv", Components, 1 / Scale);
        Copy("decoder.conv_in", Components);
        for (var level = last; level > 0; level--)
        {
            Copy($"decoder.up.{level}.upsample.conv", widths[level]);
            if (level < last && widths[level] != widths[level + 1]) Copy($"decoder.up.{level}.block.0.nin_shortcut", Math.Min(widths[level], widths[level + 1]));
        }

        LinearStart.Pairs(weights, "decoder.up.0.block.0.nin_shortcut", 3, DecoderConstant, (c, k) => k < 3 ? LinearStart.Colours[k][c] * 0.5 / Gain : 0, widths[1], widths[0]);
        LinearStart.Restored(weights, "decoder.norm_out", DecoderConstant, widths[0]);
        Set("decoder.conv_out", (w, _) => { for (var c = 0; c < 3; c++) (w[c, c, 1, 1], w[c, 3 + c, 1, 1]) = (1, -1); });

        void Set(string layer, Action<float[,,,], float[]> fill) => LinearStart.Set(weights, layer, fill);
        void Copy(string layer, int channels, double scale = 1) => Set(layer, (w, _) =>
        {
            for (var k = 0; k < channels; k++) w[k, k, w.GetLength(2) / 2, w.GetLength(3) / 2] = (float)scale;
        });
    }
}
