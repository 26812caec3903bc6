using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>
/// An analytic start of a small autoencoder with two levels: the encoder is, exactly, a Haar transform of opponent colours in each 2 x 2 pixels (a mean of each colour, and the three
/// details of brightness), the decoder shows the means. Residual blocks begin as their shortcuts, so all else is left to learn. From noise, one of this size learns brightness first and colour much later.
/// </summary>
internal static class AutoencoderStart
{
    /// <summary>Latent numbers: brightness, two opponent colours, and brightness across, down and diagonally.</summary>
    public const int Components = 6;

    private const double EncoderConstant = 30, DecoderConstant = 8;

    private static readonly (int Colour, int Detail)[] components = [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2), (0, 3)];

    // What each is multiplied by, so that all are of the same order and details stay the smaller: their deviations over the pocket pictures are about 1.9, 0.6, 0.4, 0.5, 0.5 and 0.3.
    private static readonly double[] gains = [0.55, 1.2, 1.5, 0.9, 0.9, 0.9];

    /// <summary>Whether an autoencoder of these options has this start.</summary>
    public static bool Fits(AutoencoderOptions options) => options is { Channels: [>= 16, >= 16], LatentChannels: Components, Groups: 1 };

    /// <summary>Writes over the weights of a new autoencoder.</summary>
    public static void Apply(Weights weights, AutoencoderOptions options)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        Tensor At(string name) => weights.All[name];
        foreach (var name in weights.All.Keys.Where(name => name.Contains("conv2.", StringComparison.Ordinal))) At(name).FillInPlace(0);
        var (fine, rough) = (options.Channels[0], options.Channels[1]);

        // Encoder: pixels, components, each with its negative, and back to one of them: silu(x) - silu(-x) = x.
        Set("encoder.conv_in", (w, _) => { for (var c = 0; c < 3; c++) w[c, c, 1, 1] = 1; });
        Set("encoder.down_blocks.0.downsamplers.0.conv", (w, _) =>
        {
            for (var k = 0; k < Components; k++)
                for (var c = 0; c < 3; c++)
                    for (var at = 0; at < 4; at++) w[k, c, at / 2, at % 2] = (float)(LinearStart.Colours[components[k].Colour][c] * LinearStart.Details[components[k].Detail][at]);
        });
        Pairs("encoder.down_blocks.1.resnets.0.conv_shortcut", Components, EncoderConstant, (k, j) => k == j ? gains[k] : 0, fine, rough);
        Restored("encoder.conv_norm_out", EncoderConstant, rough);
        Set("encoder.conv_out", (w, b) =>
        {
            for (var k = 0; k < Components; k++) (w[k, k, 1, 1], w[k, Components + k, 1, 1], b[Components + k]) = (1, -1, -10); // and a variance of exp(-10)
        });
        Set("quant_conv", (w, _) => { for (var k = 0; k < 2 * Components; k++) w[k, k, 0, 0] = 1; });

        // Decoder: the components beside each other, enlarged, and of the means the colours.
        Set("post_quant_conv", (w, _) => { for (var k = 0; k < Components; k++) w[k, k, 0, 0] = 1; });
        Set("decoder.conv_in", (w, b) =>
        {
            for (var k = 0; k < Components; k++) w[k, k, 1, 1] = 1;
            (b[rough - 2], b[rough - 1]) = ((float)DecoderConstant, -(float)DecoderConstant);
        });
        Set("decoder.up_blocks.0.upsamplers.0.conv", (w, _) => { for (var k = 0; k < rough; k++) w[k, k, 1, 1] = 1; });
        Pairs("decoder.up_blocks.1.resnets.0.conv_shortcut", 3, DecoderConstant, (c, k) => k < 3 ? LinearStart.Colours[k][c] * 0.5 / gains[k] : 0, Components, fine);
        Restored("decoder.conv_norm_out", DecoderConstant, fine);
        Set("decoder.conv_out", (w, _) => { for (var c = 0; c < 3; c++) (w[c, c, 1, 1], w[c, 3 + c, 1, 1]) = (1, -1); });

        void Set(string layer, Action<float[,,,], float[]> fill) => LinearStart.Set(weights, layer, fill);
        void Pairs(string layer, int count, double constant, Func<int, int, double> weight, int inputs, int outputs) => LinearStart.Pairs(weights, layer, count, constant, weight, inputs, outputs);
        void Restored(string norm, double constant, int channels) => LinearStart.Restored(weights, norm, constant, channels);
    }
}
