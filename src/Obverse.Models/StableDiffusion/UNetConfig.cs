using System.Text.Json.Nodes;
using Obverse.Files;

namespace Obverse.Models;

/// <summary>The shape of a UNet2DConditionModel of Stable Diffusion 1.x's kind, from <c>unet/config.json</c>; what a file leaves out is diffusers' default.</summary>
public sealed record UNetConfig
{
    public int InChannels { get; init; } = 4;
    public int OutChannels { get; init; } = 4;

    /// <summary>Side of the latents it is made for.</summary>
    public int SampleSize { get; init; } = 64;

    /// <summary>Channels a level, the finest first.</summary>
    public required IReadOnlyList<int> Channels { get; init; }

    /// <summary>Which levels have transformers beside their residual blocks.</summary>
    public required IReadOnlyList<bool> Attention { get; init; }
    public int LayersPerBlock { get; init; } = 2;
    public int ContextWidth { get; init; } = 768;

    /// <summary>Of every level; diffusers calls it attention_head_dim (sd-ipc.md 6.1).</summary>
    public required IReadOnlyList<int> Heads { get; init; }
    public int Groups { get; init; } = 32;
    public double Epsilon { get; init; } = 1e-5;

    internal int TimeWidth => 4 * Channels[0];

    /// <summary>Stable Diffusion 1.x at full size: 859,520,964 parameters.</summary>
    public static UNetConfig StableDiffusion1 { get; } = new() { Channels = [320, 640, 1280, 1280], Attention = [true, true, true, false], Heads = [8, 8, 8, 8] };

    public static UNetConfig Load(string path)
    {
        var json = ComponentConfig.Read(path, "UNet2DConditionModel");
        if (json.Flag("use_linear_projection", false)) throw json.NotBuilt(json.Whole("cross_attention_dim", 1280) switch { 1024 => "Stable Diffusion 2 (OpenCLIP's text encoder, rows of 1024 numbers)", 2048 => "Stable Diffusion XL (rows of 2048 numbers)", _ => "use_linear_projection = true" }, "Stable Diffusion 1.x");
        int[] channels = json.Row("block_out_channels", [320, 640, 1280, 1280]);
        string[] down = json.Words("down_block_types", ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]);
        string[] up = json.Words("up_block_types", ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]);
        bool[] attention = [.. down.Select(type => json.Choice("down_block_types", type, "CrossAttnDownBlock2D", "DownBlock2D"))];
        bool[] above = [.. up.Select(type => json.Choice("up_block_types", type, "CrossAttnUpBlock2D", "UpBlock2D"))];
        if (attention.Length != channels.Length || !above.Reverse().SequenceEqual(attention)) throw json.Wrong($"{channels.Length} levels of channels, down blocks {string.Join(", ", down)} and up blocks {string.Join(", ", up)} do not fit together");
        int[] heads = json.Row("attention_head_dim", [8]);
        if (heads.Length == 1) heads = [.. Enumerable.Repeat(heads[0], channels.Length)];
        if (heads.Length != channels.Length) throw json.Wrong($"attention_head_dim has {heads.Length} numbers for {channels.Length} levels");
        json.Only("act_fn", "silu").Only("flip_sin_to_cos", true).Only("freq_shift", 0).Only("center_input_sample", false).Only("downsample_padding", 1).Only("mid_block_scale_factor", 1)
            .Only("use_linear_projection", false).Only("class_embed_type", null).Only("addition_embed_type", null).Only("num_class_embeds", null).Only("dual_cross_attention", false).Only("only_cross_attention", false)
            .Only("mid_block_type", "UNetMidBlock2DCrossAttn").Only("resnet_time_scale_shift", "default").Only("conv_in_kernel", 3).Only("conv_out_kernel", 3).Only("transformer_layers_per_block", 1)
            .Only("encoder_hid_dim", null).Only("time_embedding_type", "positional").Only("time_cond_proj_dim", null).Only("num_attention_heads", null);
        return new UNetConfig
        {
            InChannels = json.Whole("in_channels", 4), OutChannels = json.Whole("out_channels", 4), SampleSize = json.Whole("sample_size", 64), Channels = channels, Attention = attention,
            LayersPerBlock = json.Whole("layers_per_block", 2), ContextWidth = json.Whole("cross_attention_dim", 1280), Heads = heads, Groups = json.Whole("norm_num_groups", 32), Epsilon = json.Positive("norm_eps", 1e-5),
        }.Checked(json);
    }

    public void Save(string path) => ComponentConfig.Write(path, "UNet2DConditionModel", new JsonObject
    {
        ["act_fn"] = "silu", ["attention_head_dim"] = ComponentConfig.Row(Heads), ["block_out_channels"] = ComponentConfig.Row(Channels), ["center_input_sample"] = false, ["cross_attention_dim"] = ContextWidth,
        ["down_block_types"] = ComponentConfig.Row(Attention.Select(a => a ? "CrossAttnDownBlock2D" : "DownBlock2D")), ["downsample_padding"] = 1, ["flip_sin_to_cos"] = true, ["freq_shift"] = 0,
        ["in_channels"] = InChannels, ["layers_per_block"] = LayersPerBlock, ["mid_block_scale_factor"] = 1, ["norm_eps"] = Epsilon, ["norm_num_groups"] = Groups, ["out_channels"] = OutChannels, ["sample_size"] = SampleSize,
        ["up_block_types"] = ComponentConfig.Row(Attention.Reverse().Select(a => a ? "CrossAttnUpBlock2D" : "UpBlock2D")),
    });

    private UNetConfig Checked(ComponentConfig json)
    {
        for (var i = 0; i < Channels.Count; i++)
        {
            if (Channels[i] % Groups != 0) throw json.Wrong($"{Channels[i]} channels in {Groups} groups");
            if (Channels[i] % Heads[i] != 0) throw json.Wrong($"{Channels[i]} channels for {Heads[i]} heads");
        }

        return this;
    }
}
