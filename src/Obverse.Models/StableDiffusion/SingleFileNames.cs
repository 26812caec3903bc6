using System.Globalization;

namespace Obverse.Models;

/// <summary>
/// Diffusers' names of the UNet's and the autoencoder's tensors in the original files' words (CompVis/stable-diffusion, ldm/modules/diffusionmodules/openaimodel.py and model.py), without the
/// prefixes of <see cref="SingleFile"/>.
/// </summary>
internal static class SingleFileNames
{
    private static readonly (string Ours, string Theirs)[] residual =
    [
        ("norm1.", "in_layers.0."), ("conv1.", "in_layers.2."), ("time_emb_proj.", "emb_layers.1."), ("norm2.", "out_layers.0."), ("conv2.", "out_layers.3."), ("conv_shortcut.", "skip_connection."),
    ];

    private static readonly (string Ours, string Theirs)[] unet =
    [
        ("conv_in.", "input_blocks.0.0."), ("time_embedding.linear_1.", "time_embed.0."), ("time_embedding.linear_2.", "time_embed.2."), ("conv_norm_out.", "out.0."), ("conv_out.", "out.2."),
        ("mid_block.attentions.0.", "middle_block.1."),
    ];

    private static readonly (string Ours, string Theirs)[] middle =
    [
        ("mid_block.resnets.0.", "mid.block_1."), ("mid_block.resnets.1.", "mid.block_2."), ("mid_block.attentions.0.group_norm.", "mid.attn_1.norm."), ("mid_block.attentions.0.to_q.", "mid.attn_1.q."),
        ("mid_block.attentions.0.to_k.", "mid.attn_1.k."), ("mid_block.attentions.0.to_v.", "mid.attn_1.v."), ("mid_block.attentions.0.to_out.0.", "mid.attn_1.proj_out."), ("conv_norm_out.", "norm_out."),
    ];

    /// <summary>The blocks are numbered through, downsamplers among them; an upsampler is the last part of its level's last block.</summary>
    public static string UNet(string name, UNetConfig config)
    {
        if (Renamed(name, unet) is { } top) return top;
        var parts = name.Split('.');
        string Rest(int from) => string.Join('.', parts[from..]);
        string Residual(int from) => Renamed(Rest(from), residual) ?? Rest(from);
        if (parts[0] == "mid_block") return $"middle_block.{2 * Number(parts[2])}.{Residual(3)}";
        var (level, block, size) = (Number(parts[1]), Number(parts[3]), config.LayersPerBlock + 1);
        return (parts[0], parts[2]) switch
        {
            ("down_blocks", "resnets") => $"input_blocks.{1 + level * size + block}.0.{Residual(4)}",
            ("down_blocks", "attentions") => $"input_blocks.{1 + level * size + block}.1.{Rest(4)}",
            ("down_blocks", _) => $"input_blocks.{(level + 1) * size}.0.op.{Rest(5)}",
            (_, "resnets") => $"output_blocks.{level * size + block}.0.{Residual(4)}",
            (_, "attentions") => $"output_blocks.{level * size + block}.1.{Rest(4)}",
            _ => $"output_blocks.{(level + 1) * size - 1}.{(config.Attention[config.Channels.Count - 1 - level] ? 2 : 1)}.conv.{Rest(5)}",
        };
    }

    /// <summary>The decoder's levels are numbered from the finest.</summary>
    public static string Autoencoder(string name, AutoencoderConfig config)
    {
        var parts = name.Split('.');
        if (parts.Length < 3) return name; // quant_conv, post_quant_conv
        var inner = string.Join('.', parts[1..]);
        if (Renamed(inner, middle) is { } found) return $"{parts[0]}.{found}";
        if (parts[1] is not ("down_blocks" or "up_blocks")) return name;
        var level = Number(parts[2]);
        if (parts[1] == "up_blocks") level = config.Channels.Count - 1 - level;
        var at = $"{parts[0]}.{(parts[1] == "up_blocks" ? "up" : "down")}.{level}";
        return parts[3] == "resnets" ? $"{at}.block.{parts[4]}.{string.Join('.', parts[5..]).Replace("conv_shortcut.", "nin_shortcut.", StringComparison.Ordinal)}" : $"{at}.{(parts[3] == "upsamplers" ? "upsample" : "downsample")}.{string.Join('.', parts[5..])}";
    }

    private static int Number(string part) => int.Parse(part, CultureInfo.InvariantCulture);

    private static string? Renamed(string name, (string Ours, string Theirs)[] names)
    {
        foreach (var (ours, theirs) in names) if (name.StartsWith(ours, StringComparison.Ordinal)) return theirs + name[ours.Length..];
        return null;
    }
}
