using System.Text.Json;
using System.Text.Json.Nodes;
using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

/// <summary>The cases of every <c>diffusion*</c> folder of the fixture tree, and the model folders that they name.</summary>
internal static class DiffusionFixtures
{
    /// <summary>Cases whose name begins so.</summary>
    public static TheoryData<string> Cases(params string[] prefixes) => Fixtures.Files("", "*.safetensors", file =>
        Path.GetRelativePath(Fixtures.Root, file).StartsWith("diffusion", StringComparison.Ordinal) && Path.GetFileName(Path.GetDirectoryName(file)) == "expected"
        && prefixes.Any(prefix => Path.GetFileName(file).StartsWith(prefix, StringComparison.Ordinal)));

    /// <summary>A part of the model that a case was made with.</summary>
    public static string Part(this Case one, string part, string key = "model") =>
        Fixtures.Require(Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(one.Name))!, one.Settings.GetProperty(key).GetString()!, part));

    public static (UNet UNet, Weights Weights) UNet(this Case one, bool trains = false)
    {
        var part = one.Part("unet");
        var weights = ModelFolder.UNet(part, null, Precision.Float32);
        var unet = TensorScope.Unscoped(() => new UNet(weights, UNetConfig.Load(Path.Combine(part, "config.json"))));
        weights.Complete();
        return (unet, weights);
    }

    /// <summary>The sampler and schedule that a class of diffusers with this configuration is.</summary>
    public static (Sampler Sampler, NoiseSchedule Schedule) Sampler(string type, JsonElement config, JsonElement? step = null)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "scheduler_config.json");
        var json = JsonNode.Parse(config.GetRawText())!.AsObject();
        json["_class_name"] = type;
        File.WriteAllText(file, json.ToJsonString());
        Sampler sampler = type switch
        {
            "DDIMScheduler" or "DDPMScheduler" => new DdimSampler(step is { } s && s.TryGetProperty("eta", out var eta) ? eta.GetDouble() : 0),
            "PNDMScheduler" => new PndmSampler(), "EulerDiscreteScheduler" => new EulerSampler(), "EulerAncestralDiscreteScheduler" => new EulerAncestralSampler(), "LMSDiscreteScheduler" => new LmsSampler(),
            "DPMSolverMultistepScheduler" => new DpmSampler(), _ => throw new NotSupportedException(type),
        };
        return (sampler, NoiseSchedule.Load(file));
    }

    public static (Sampler Sampler, NoiseSchedule Schedule) Sampler(JsonElement pair) => Sampler(pair[0].GetString()!, pair[1]);

    public static IEnumerable<JsonElement> Items(this JsonElement array) => array.EnumerateArray();
}
