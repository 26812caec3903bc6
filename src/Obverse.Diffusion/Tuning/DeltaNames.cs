namespace Obverse.Diffusion;

/// <summary>
/// Names of tensors in deltas. Attention weights have those of diffusers' Custom Diffusion (`unet.save_attn_procs`), so that its `load_attn_procs` reads what a UNet of it takes; of Adobe's own `delta.bin`, a
/// UNet's plain names under `unet.` and words under `modifier_token.`, are read too.
/// </summary>
internal static class DeltaNames
{
    public const string Prompts = "picture_prompts.", Linear = "conversion.weight", Tokens = "tokens.";
    private const string Processor = ".processor.", Suffix = "_custom_diffusion", Adobe = "unet.", AdobeTokens = "modifier_token.";

    /// <summary>diffusers' name of a UNet's weight: …attn2.to_k.weight to …attn2.processor.to_k_custom_diffusion.weight.</summary>
    public static string ToDiffusers(string name)
    {
        var at = name.LastIndexOf(".to_", StringComparison.Ordinal);
        var end = name.IndexOf('.', at + 1);
        return $"{name[..at]}{Processor}{name[(at + 1)..end]}{Suffix}{name[end..]}";
    }

    /// <summary>A UNet's own name of a delta's tensor; null: it is none of a UNet.</summary>
    public static string? ToUNet(string name)
    {
        if (name.Contains(Processor, StringComparison.Ordinal) && name.Contains(Suffix, StringComparison.Ordinal)) return name.Replace(Processor, ".", StringComparison.Ordinal).Replace(Suffix, "", StringComparison.Ordinal);
        var plain = name.StartsWith(Adobe, StringComparison.Ordinal) ? name[Adobe.Length..] : name;
        return plain.Contains(".attn2.to_", StringComparison.Ordinal) && plain.EndsWith(".weight", StringComparison.Ordinal) ? plain : null;
    }

    /// <summary>The word that a tensor is the embedding of; null: none.</summary>
    public static string? Token(string name) =>
        name.StartsWith(Tokens, StringComparison.Ordinal) ? name[Tokens.Length..] : name.StartsWith(AdobeTokens, StringComparison.Ordinal) ? name[AdobeTokens.Length..] : name is ['<', .., '>'] ? name : null;
}
