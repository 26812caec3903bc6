using System.Globalization;
using System.Text.Json;
using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Diffusion;

/// <summary>A LoRA file (Hu et al. 2022) for Stable Diffusion 1.x: low-rank changes of the UNet's and the text encoder's matrices and convolutions. <see cref="ApplyTo"/> adds them to the weights.</summary>
public static class LoraFile
{
    /// <summary>Adds every change, times <paramref name="scale"/>, to a model's weights.</summary>
    /// <returns>How many modules of the UNet and of the text encoder were changed.</returns>
    /// <exception cref="WeightsException">Not a LoRA, of a kind that is not built, or of another model: a part is named.</exception>
    public static (int UNet, int Text) ApplyTo(StableDiffusionModel model, string path, double scale = 1)
    {
        if (!double.IsFinite(scale)) throw new ArgumentOutOfRangeException(nameof(scale), scale, "a finite scale was wanted");
        using var file = WeightFile.Open(path);
        using var still = new NoGrad();
        var places = new LoraPlaces(model);
        Dictionary<(bool IsText, string Module), Parts> found = [];
        foreach (var name in file.Names)
        {
            if (LoraNames.NotBuilt(name) is { } kind) throw new WeightsException($"{path}: tensor '{Visible.Of(name)}' is of {kind}, which is not built; LoRA of two matrices is") { IsUnsupported = true };
            if (LoraNames.Of(name, places.Flat) is not var (isText, module, role)) throw new WeightsException($"{path}: tensor '{Visible.Of(name)}' is no LoRA's; names such as unet.….lora_A.weight or lora_unet_….lora_down.weight were wanted");
            var parts = found.TryGetValue((isText, module), out var known) ? known : found[(isText, module)] = new();
            if (role == LoraRole.Down) parts.Down = name;
            else if (role == LoraRole.Up) parts.Up = name;
            else parts.Alpha = name;
        }

        if (found.Count == 0) throw new WeightsException($"{path}: an empty LoRA");
        var settings = LoraSettings.Beside(path, file.Metadata);
        var changes = found.Select(entry => Change(file, path, entry.Key, entry.Value, places, settings)).ToArray(); // all of them are known to fit before the first is made
        foreach (var change in changes) change(scale);
        return (found.Keys.Count(key => !key.IsText), found.Keys.Count(key => key.IsText));
    }

    private static Action<double> Change(WeightFile file, string path, (bool IsText, string Module) key, Parts parts, LoraPlaces places, LoraSettings settings)
    {
        if (parts.Down is not { } down || parts.Up is not { } up) throw new WeightsException($"{path}: {Visible.Of(key.Module)} has {(parts.Down is null ? "no down (lora_A)" : "no up (lora_B)")} matrix");
        if (places.Find(key.IsText, key.Module) is not { } place) throw new WeightsException($"{path}: {Visible.Of(key.Module)} belongs to no part of the model's {(key.IsText ? "text encoder" : "UNet")}");
        var (a, b) = (file.Describe(down).Shape, file.Describe(up).Shape);
        var shape = place.Shape;
        if (a.Length < 2 || b.Length < 2 || a[0] != b[1] || b[0] != shape[0] || a.Skip(1).Aggregate(1L, (n, side) => n * side) != shape.Skip(1).Aggregate(1L, (n, side) => n * side) || b.Skip(2).Any(side => side != 1))
            throw new WeightsException($"{path}: {Visible.Of(key.Module)} has [{string.Join(", ", a)}] and [{string.Join(", ", b)}], the model's weight is [{string.Join(", ", shape)}]");
        return scale =>
        {
            using var scope = new TensorScope();
            double alpha = settings.Alpha(key.IsText, key.Module) ?? a[0];
            if (parts.Alpha is { } name) alpha = file[name].To(DType.Float64).Item();
            if (!double.IsFinite(alpha)) throw new WeightsException($"{path}: the alpha of {Visible.Of(key.Module)} is {alpha}");
            var change = file[up].To(DType.Float32).Reshape(b[0], b[1]).Matmul(file[down].To(DType.Float32).Reshape(a[0], -1)) * (scale * alpha / a[0]);
            if (!double.IsFinite(change.Sum().Item())) throw new WeightsException($"{path}: {Visible.Of(key.Module)} holds NaN or infinite numbers");
            var weight = place.Weight();
            weight.CopyInPlace(weight.To(DType.Float32) + change.Reshape(shape).To(weight.Device));
        };
    }

    private sealed class Parts
    {
        public string? Down, Up, Alpha;
    }
}

/// <summary>A weight of a model that a LoRA may change, or rows of one: CLIP's q, k and v lie in one matrix.</summary>
internal sealed record LoraPlace(Tensor All, long From, long Rows)
{
    public long[] Shape => [Rows, .. All.Shape[1..]];
    public Tensor Weight() => All.Narrow(0, From, Rows);
}

/// <summary>Modules of a model by the names that LoRA files have.</summary>
internal sealed class LoraPlaces
{
    private readonly Dictionary<(bool IsText, string Module), LoraPlace> places = [];

    public LoraPlaces(StableDiffusionModel model)
    {
        foreach (var (name, weight) in model.UNetWeights)
        {
            if (name.EndsWith(".weight", StringComparison.Ordinal) && weight.Dims >= 2) places.Add((false, name[..^".weight".Length]), new(weight, 0, weight.Size(0)));
        }

        var text = model.TextWeights;
        for (var layer = 0; text.TryGetValue($"transformer.resblocks.{layer}.attn.in_proj_weight", out var joined); layer++)
        {
            var (ours, theirs, width) = ($"transformer.resblocks.{layer}", $"text_model.encoder.layers.{layer}", joined.Size(1));
            foreach (var (part, i) in ((string[])["q_proj", "k_proj", "v_proj"]).Select((part, i) => (part, i))) places.Add((true, $"{theirs}.self_attn.{part}"), new(joined, i * width, width));
            foreach (var (to, from) in ((string, string)[])[("self_attn.out_proj", "attn.out_proj"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj")]) places.Add((true, $"{theirs}.{to}"), new(text[$"{ours}.{from}.weight"], 0, text[$"{ours}.{from}.weight"].Size(0)));
        }

        Flat = places.Keys.ToDictionary(key => LoraNames.Flat(key.IsText, key.Module));
    }

    public IReadOnlyDictionary<string, (bool IsText, string Module)> Flat { get; }

    public LoraPlace? Find(bool isText, string module) => places.GetValueOrDefault((isText, module));
}

/// <summary>Alphas that stand beside the tensors: PEFT's adapter_config.json, or diffusers' metadata `lora_adapter_metadata`. Without any the alpha is the rank.</summary>
internal sealed class LoraSettings
{
    private const int Longest = 1 << 20;
    private readonly Dictionary<string, JsonElement> values = [];

    public static LoraSettings Beside(string path, IReadOnlyDictionary<string, string> metadata)
    {
        var settings = new LoraSettings();
        if (metadata.TryGetValue("lora_adapter_metadata", out var text)) settings.Read(text, path);
        else if (Path.GetFileName(path).StartsWith("adapter_model.", StringComparison.Ordinal) && Path.Combine(Path.GetDirectoryName(path) ?? "", "adapter_config.json") is var beside && File.Exists(beside) && new FileInfo(beside).Length <= Longest) settings.Read(File.ReadAllText(beside), beside);
        return settings;
    }

    /// <summary>Of one module: PEFT's own pattern for it, or the file's.</summary>
    public double? Alpha(bool isText, string module)
    {
        var prefix = isText ? "text_encoder." : "unet.";
        foreach (var of in (string[])[prefix, ""])
        {
            if (values.TryGetValue(of + "alpha_pattern", out var pattern) && pattern.ValueKind == JsonValueKind.Object)
            {
                foreach (var item in pattern.EnumerateObject()) if (module == item.Name || module.EndsWith("." + item.Name, StringComparison.Ordinal)) return Number(item.Value);
            }

            if (values.TryGetValue(of + "lora_alpha", out var alpha)) return Number(alpha);
        }

        return null;
    }

    private static double? Number(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : value.ValueKind == JsonValueKind.String && double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private void Read(string text, string path)
    {
        try
        {
            if (JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(text) is { } read) foreach (var (name, value) in read) values[name] = value;
        }
        catch (JsonException e)
        {
            throw new WeightsException($"{path}: the settings of the LoRA are not JSON ({e.Message.Split('\n')[0]})", e);
        }
    }
}
