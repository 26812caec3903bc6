using System.Text.Json.Nodes;

namespace Obverse.Models;

/// <summary>The shape of an AutoencoderKL, from <c>vae/config.json</c>; what a file leaves out is diffusers' default.</summary>
public sealed record AutoencoderConfig
{
    public int LatentChannels { get; init; } = 4;

    /// <summary>Channels a level, the finest first; every level but the last halves the sides.</summary>
    public required IReadOnlyList<int> Channels { get; init; }

    /// <summary>Residual blocks a level of the encoder; the decoder has one more.</summary>
    public int LayersPerBlock { get; init; } = 2;
    public int Groups { get; init; } = 32;

    /// <summary>Side of the pictures it is made for.</summary>
    public int SampleSize { get; init; } = 512;

    /// <summary>Samples are multiplied by this, so that latents have about unit variance.</summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>Self-attention in the middle, as all published ones have.</summary>
    public bool MiddleAttention { get; init; } = true;

    /// <summary>Pixels a latent's side.</summary>
    public int Stride => 1 << (Channels.Count - 1);

    /// <summary>Stable Diffusion 1.x at full size: 83,653,863 parameters.</summary>
    public static AutoencoderConfig StableDiffusion1 { get; } = new() { Channels = [128, 256, 512, 512] };

    public static AutoencoderConfig Load(string path)
    {
        var json = ComponentConfig.Read(path, "AutoencoderKL");
        var channels = json.Row("block_out_channels", [64]);
        foreach (var type in json.Words("down_block_types", ["DownEncoderBlock2D"])) _ = json.Choice("down_block_types", type, "DownEncoderBlock2D", "DownEncoderBlock2D");
        foreach (var type in json.Words("up_block_types", ["UpDecoderBlock2D"])) _ = json.Choice("up_block_types", type, "UpDecoderBlock2D", "UpDecoderBlock2D");
        json.Only("act_fn", "silu").Only("in_channels", 3).Only("out_channels", 3).Only("use_quant_conv", true).Only("use_post_quant_conv", true).Only("shift_factor", null).Only("latents_mean", null).Only("latents_std", null);
        var config = new AutoencoderConfig
        {
            LatentChannels = json.Whole("latent_channels", 4), Channels = channels, LayersPerBlock = json.Whole("layers_per_block", 1), Groups = json.Whole("norm_num_groups", 32),
            SampleSize = json.Whole("sample_size", 32), ScalingFactor = json.Positive("scaling_factor", 0.18215), MiddleAttention = json.Flag("mid_block_add_attention", true),
        };
        foreach (var width in channels) if (width % config.Groups != 0) throw json.Wrong($"{width} channels in {config.Groups} groups");
        return config;
    }

    public void Save(string path) => ComponentConfig.Write(path, "AutoencoderKL", new JsonObject
    {
        ["act_fn"] = "silu", ["block_out_channels"] = ComponentConfig.Row(Channels), ["down_block_types"] = ComponentConfig.Row(Channels.Select(_ => "DownEncoderBlock2D")), ["in_channels"] = 3,
        ["latent_channels"] = LatentChannels, ["layers_per_block"] = LayersPerBlock, ["mid_block_add_attention"] = MiddleAttention, ["norm_num_groups"] = Groups, ["out_channels"] = 3, ["sample_size"] = SampleSize,
        ["scaling_factor"] = ScalingFactor, ["up_block_types"] = ComponentConfig.Row(Channels.Select(_ => "UpDecoderBlock2D")),
    });
}
