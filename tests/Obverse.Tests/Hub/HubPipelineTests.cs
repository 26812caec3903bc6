using Obverse.Files;
using Obverse.Models;
using Obverse.Tests.Diffusion;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Hub;

/// <summary>A Stable Diffusion repository in diffusers' layout: its components are pulled, each with one set of weights.</summary>
public class HubPipelineTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_component_comes_with_one_set_of_weights(bool lists)
    {
        using var hub = Pipeline();
        hub.HasApi = lists;
        string[] wanted =
        [
            "README.md", "model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json", "text_encoder/model.safetensors", "tokenizer/merges.txt", "tokenizer/vocab.json", "unet/config.json",
            "unet/diffusion_pytorch_model-00001-of-00002.safetensors", "unet/diffusion_pytorch_model-00002-of-00002.safetensors", "unet/diffusion_pytorch_model.safetensors.index.json", "vae/config.json", "vae/diffusion_pytorch_model.fp16.safetensors",
        ];
        var snapshot = hub.Pull();
        Assert.Equal(wanted, snapshot.Files.Select(file => file.Name).Order(StringComparer.Ordinal));
        foreach (var name in wanted) Assert.Equal(hub.Files[name], File.ReadAllBytes(Path.Combine(snapshot.Folder, name)));
        Assert.True(HubCache.IsModel(snapshot.Folder));
        File.Delete(Path.Combine(snapshot.Folder, "unet", "diffusion_pytorch_model-00002-of-00002.safetensors"));
        Assert.False(HubCache.IsModel(snapshot.Folder));
        hub.Pull();
        Assert.True(HubCache.IsModel(snapshot.Folder));
    }

    [Fact]
    public void Excluded_weights_leave_the_next_set()
    {
        using var hub = Pipeline();
        var names = hub.Pull(new() { Exclude = ["unet/*.index.json", "unet/*-of-*"] }).Files.Select(file => file.Name);
        Assert.Contains("unet/diffusion_pytorch_model.bin", names);
        Assert.DoesNotContain(names, name => name.Contains("safety_checker", StringComparison.Ordinal) || name == "v1-5-pruned.safetensors");
    }

    public static TheoryData<string> Cases => DiffusionFixtures.Cases("text-encoder");

    [SkippableTheory, MemberData(nameof(Cases))]
    public void A_pulled_one_loads_and_gives_the_same_rows(string path)
    {
        using var one = new Case(path);
        var pipeline = one.Part("");
        using var hub = new FakeHub();
        foreach (var file in Directory.EnumerateFiles(pipeline, "*", SearchOption.AllDirectories)) hub.Files[Path.GetRelativePath(pipeline, file).Replace('\\', '/')] = File.ReadAllBytes(file);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var theirs = StableDiffusionModel.Load(pipeline);
        using var ours = StableDiffusionModel.Load(hub.Pull().Folder);
        Assert.Equal(0, (theirs.TextRows(["a red fox"]) - ours.TextRows(["a red fox"])).Abs().Max().Item());
        Assert.NotNull(ours.UNet);
    }

    private static FakeHub Pipeline() => new(
        ("model_index.json", """{"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"], "text_encoder": ["transformers", "CLIPTextModel"], "safety_checker": ["x", "y"]}"""u8.ToArray()),
        ("README.md", "# card\n"u8.ToArray()), ("scheduler/scheduler_config.json", "{}"u8.ToArray()), ("tokenizer/vocab.json", "{\"a\": 0}"u8.ToArray()), ("tokenizer/merges.txt", "#version\n"u8.ToArray()),
        ("unet/config.json", "{\"u\": 1}"u8.ToArray()), ("vae/config.json", "{\"v\": 1}"u8.ToArray()), ("text_encoder/config.json", "{\"t\": 1}"u8.ToArray()),
        ("unet/diffusion_pytorch_model.safetensors.index.json", """{"weight_map": {"a": "diffusion_pytorch_model-00001-of-00002.safetensors", "b": "diffusion_pytorch_model-00002-of-00002.safetensors"}}"""u8.ToArray()),
        ("unet/diffusion_pytorch_model-00001-of-00002.safetensors", FakeHub.Random(5000)), ("unet/diffusion_pytorch_model-00002-of-00002.safetensors", FakeHub.Random(6000)), ("unet/diffusion_pytorch_model.bin", FakeHub.Random(7000)),
        ("vae/diffusion_pytorch_model.fp16.safetensors", FakeHub.Random(4000)), ("vae/diffusion_pytorch_model.bin", FakeHub.Random(4500)), ("text_encoder/model.safetensors", FakeHub.Random(3000)), ("text_encoder/pytorch_model.bin", FakeHub.Random(3500)),
        ("safety_checker/model.safetensors", FakeHub.Random(2000)), ("v1-5-pruned.safetensors", FakeHub.Random(9000)));
}
