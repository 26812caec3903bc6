using System.Text.RegularExpressions;

namespace Obverse.Diffusion;

/// <summary>Which part of a LoRA a tensor is.</summary>
internal enum LoraRole { Down, Up, Alpha }

/// <summary>
/// Where the tensors of the common LoRA layouts go: PEFT's and diffusers' `lora_A`/`lora_B`, diffusers' older `lora.down`/`lora.up`, `lora_linear_layer` and `processor.to_q_lora`, kohya's flattened
/// `lora_unet_…lora_down` with `alpha`. A place is the UNet's or transformers' text encoder's own name of a module.
/// </summary>
internal static partial class LoraNames
{
    private const string UNet = "unet.", Text = "text_encoder.", KohyaUNet = "lora_unet_", KohyaText = "lora_te_";

    private static readonly (string Ending, LoraRole Role)[] endings =
    [
        (".lora_A.weight", LoraRole.Down), (".lora_B.weight", LoraRole.Up), (".lora_A.default.weight", LoraRole.Down), (".lora_B.default.weight", LoraRole.Up), (".lora_A.default_0.weight", LoraRole.Down), (".lora_B.default_0.weight", LoraRole.Up),
        (".lora_linear_layer.down.weight", LoraRole.Down), (".lora_linear_layer.up.weight", LoraRole.Up), (".lora.down.weight", LoraRole.Down), (".lora.up.weight", LoraRole.Up),
        (".lora_down.weight", LoraRole.Down), (".lora_up.weight", LoraRole.Up), ("_lora.down.weight", LoraRole.Down), ("_lora.up.weight", LoraRole.Up), (".alpha", LoraRole.Alpha),
    ];

    /// <summary>Kinds of adapters that multiply otherwise, by what their names hold.</summary>
    private static readonly (string Mark, string Kind)[] others = [("dora_scale", "DoRA"), ("lora_magnitude_vector", "DoRA"), ("hada_", "LoHa"), ("lokr_", "LoKr"), ("lora_mid", "LoRA with a core (lora_mid)"), ("oft_", "OFT"), (".diff", "a full difference")];

    /// <summary>What kind of adapter that is not built a name belongs to; null: none.</summary>
    public static string? NotBuilt(string name) => others.FirstOrDefault(other => name.Contains(other.Mark, StringComparison.Ordinal)).Kind;

    /// <summary>Where a tensor goes; null: it is no LoRA's.</summary>
    /// <param name="name">In the file.</param>
    /// <param name="flat">Modules of both networks by their names with underscores for dots, which kohya's files have.</param>
    public static (bool IsText, string Module, LoraRole Role)? Of(string name, IReadOnlyDictionary<string, (bool IsText, string Module)> flat)
    {
        var (ending, role) = endings.FirstOrDefault(e => name.EndsWith(e.Ending, StringComparison.Ordinal));
        if (ending is null) return null;
        var module = name[..^ending.Length];
        if (module.StartsWith(KohyaUNet, StringComparison.Ordinal) || module.StartsWith(KohyaText, StringComparison.Ordinal)) return flat.TryGetValue(module, out var found) ? (found.IsText, found.Module, role) : (module.StartsWith(KohyaText, StringComparison.Ordinal), module, role);
        if (module.StartsWith("base_model.model.", StringComparison.Ordinal)) module = module["base_model.model.".Length..];
        var isText = module.StartsWith(Text, StringComparison.Ordinal) || module.StartsWith("text_model.", StringComparison.Ordinal);
        foreach (var prefix in (string[])[UNet, Text]) if (module.StartsWith(prefix, StringComparison.Ordinal)) module = module[prefix.Length..];
        module = Processor().Replace(module, ".$1"); // attn1.processor.to_q_lora.down: to_q
        if (module.EndsWith(".to_out", StringComparison.Ordinal)) module += ".0";
        if (isText) module = TextQuery().Replace(module, m => m.Groups[1].Value == "out" ? ".self_attn.out_proj" : $".self_attn.{m.Groups[1].Value}_proj");
        return (isText, module, role);
    }

    /// <summary>Names as kohya's files have them.</summary>
    public static string Flat(bool isText, string module) => (isText ? KohyaText : KohyaUNet) + module.Replace('.', '_');

    [GeneratedRegex(@"\.processor\.(to_[a-z]+)$")]
    private static partial Regex Processor();

    [GeneratedRegex(@"\.self_attn\.to_(q|k|v|out)(?:\.0)?$")]
    private static partial Regex TextQuery();
}
