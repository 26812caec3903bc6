using Obverse.Files;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class SingleFileTests
{
    public static TheoryData<string> Cases => DiffusionFixtures.Cases("text-encoder");

    // Pairs of the published checkpoint's names and diffusers' own (scripts/convert_original_stable_diffusion_to_diffusers.py).
    [Theory]
    [InlineData("conv_in.weight", "input_blocks.0.0.weight")]
    [InlineData("time_embedding.linear_2.bias", "time_embed.2.bias")]
    [InlineData("down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k.weight", "input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight")]
    [InlineData("down_blocks.0.downsamplers.0.conv.weight", "input_blocks.3.0.op.weight")]
    [InlineData("down_blocks.1.resnets.0.conv_shortcut.weight", "input_blocks.4.0.skip_connection.weight")]
    [InlineData("down_blocks.3.resnets.1.conv2.bias", "input_blocks.11.0.out_layers.3.bias")]
    [InlineData("mid_block.resnets.1.time_emb_proj.weight", "middle_block.2.emb_layers.1.weight")]
    [InlineData("mid_block.attentions.0.proj_out.weight", "middle_block.1.proj_out.weight")]
    [InlineData("up_blocks.0.upsamplers.0.conv.weight", "output_blocks.2.1.conv.weight")]
    [InlineData("up_blocks.1.upsamplers.0.conv.weight", "output_blocks.5.2.conv.weight")]
    [InlineData("up_blocks.3.resnets.2.norm1.weight", "output_blocks.11.0.in_layers.0.weight")]
    [InlineData("conv_norm_out.weight", "out.0.weight")]
    public void The_unets_names_are_the_published_ones(string ours, string theirs) => Assert.Equal(theirs, SingleFileNames.UNet(ours, UNetConfig.StableDiffusion1));

    [Theory]
    [InlineData("encoder.down_blocks.1.resnets.0.conv_shortcut.weight", "encoder.down.1.block.0.nin_shortcut.weight")]
    [InlineData("encoder.down_blocks.0.downsamplers.0.conv.bias", "encoder.down.0.downsample.conv.bias")]
    [InlineData("encoder.mid_block.attentions.0.to_out.0.weight", "encoder.mid.attn_1.proj_out.weight")]
    [InlineData("decoder.mid_block.resnets.1.norm1.bias", "decoder.mid.block_2.norm1.bias")]
    [InlineData("decoder.up_blocks.0.upsamplers.0.conv.weight", "decoder.up.3.upsample.conv.weight")]
    [InlineData("decoder.up_blocks.3.resnets.0.conv_shortcut.weight", "decoder.up.0.block.0.nin_shortcut.weight")]
    [InlineData("decoder.conv_norm_out.weight", "decoder.norm_out.weight")]
    [InlineData("decoder.conv_in.weight", "decoder.conv_in.weight")]
    [InlineData("quant_conv.bias", "quant_conv.bias")]
    public void The_autoencoders_too(string ours, string theirs) => Assert.Equal(theirs, SingleFileNames.Autoencoder(ours, AutoencoderConfig.StableDiffusion1));

    [Fact]
    public void At_full_size_each_tensor_has_a_name_of_its_own_and_the_shapes_say_the_configuration()
    {
        using var scope = new TensorScope();
        Dictionary<string, long[]> all = [];
        void Add(string prefix, Func<Weights, object> network, Func<string, string> theirs)
        {
            using var shapes = Weights.Shapes();
            _ = network(shapes);
            foreach (var (name, shape) in shapes.Outline) all.Add(prefix + theirs(name), shape);
        }

        Add(SingleFile.UNetPrefix, w => new UNet(w, UNetConfig.StableDiffusion1), name => SingleFileNames.UNet(name, UNetConfig.StableDiffusion1));
        Assert.Equal(686, all.Count);
        Add(SingleFile.AutoencoderPrefix, w => new Autoencoder(w, AutoencoderConfig.StableDiffusion1), name => SingleFileNames.Autoencoder(name, AutoencoderConfig.StableDiffusion1));
        Assert.Equal(686 + 248, all.Count);
        var found = new SingleFileShapes(all, "file");
        var (unet, vae) = (found.UNet(), found.Autoencoder());
        Assert.Equal(UNetConfig.StableDiffusion1 with { Channels = unet.Channels, Attention = unet.Attention, Heads = unet.Heads }, unet);
        Assert.Equal([320, 640, 1280, 1280], unet.Channels);
        Assert.Equal([true, true, true, false], unet.Attention);
        Assert.Equal(AutoencoderConfig.StableDiffusion1 with { Channels = vae.Channels }, vae);
        Assert.Equal([128, 256, 512, 512], vae.Channels);
    }

    [SkippableTheory, MemberData(nameof(Cases))]
    public void A_pipeline_as_one_file_gives_the_same_outputs(string path)
    {
        using var one = new Case(path);
        using var folder = new TemporaryFolder();
        var pipeline = one.Part("");
        var file = Path.Combine(folder.Path, "sd.safetensors");
        StableDiffusionModel.SaveSingleFile(pipeline, file);
        foreach (var part in (string[])["unet", "vae", "text_encoder", "scheduler"]) Copy(Path.Combine(pipeline, part), Path.Combine(folder.Path, "sd", part), "*.json");
        Copy(Path.Combine(pipeline, "tokenizer"), Path.Combine(folder.Path, "sd", "tokenizer"), "*");
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using (var names = Safetensors.Open(file))
        {
            Assert.True(names.Contains("model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight") && names.Contains("cond_stage_model.transformer.text_model.final_layer_norm.weight"));
            Assert.Equal(4, names.Describe("first_stage_model.decoder.mid.attn_1.q.weight").Shape.Length); // 1x1 convolutions, as CompVis has them
        }

        using (var theirs = StableDiffusionModel.Load(pipeline))
        using (var ours = StableDiffusionModel.Load(file))
        {
            Same(theirs, ours);
            // The shapes alone say the same, but for the heads of the text encoder, which are 64 wide in CLIP.
            Directory.Delete(Path.Combine(folder.Path, "sd", "unet"), recursive: true);
            Directory.Delete(Path.Combine(folder.Path, "sd", "vae"), recursive: true);
            using var guessed = StableDiffusionModel.Load(file);
            Same(theirs, guessed);
        }

        // A training's own tensors beside them are passed by; fp16 is read; what is no part of the network is reported.
        void Change(string to, Func<IEnumerable<KeyValuePair<string, Tensor>>, IEnumerable<KeyValuePair<string, Tensor>>> change)
        {
            using var safetensors = Safetensors.Open(file);
            Safetensors.Save(to, change(safetensors.Names.Select(name => KeyValuePair.Create(name, safetensors[name]))).OrderByDescending(t => Safetensors.ElementSize(t.Value.DType)));
        }

        string Fails(string to)
        {
            Copy(Path.Combine(folder.Path, "sd"), Path.ChangeExtension(to, null), "*.json");
            Copy(Path.Combine(pipeline, "text_encoder"), Path.Combine(Path.ChangeExtension(to, null), "text_encoder"), "*.json");
            Copy(Path.Combine(pipeline, "tokenizer"), Path.Combine(Path.ChangeExtension(to, null), "tokenizer"), "*");
            return Assert.ThrowsAny<Exception>(() => StableDiffusionModel.Load(to).Dispose()).Message;
        }

        var other = Path.Combine(folder.Path, "other.safetensors");
        Change(other, all => all.Append(new("model_ema.decay", Tensor.Ones([1]))).Append(new("betas", Tensor.Ones([1000]))));
        Copy(Path.Combine(folder.Path, "sd", "text_encoder"), Path.Combine(folder.Path, "other", "text_encoder"), "*");
        Copy(Path.Combine(folder.Path, "sd", "tokenizer"), Path.Combine(folder.Path, "other", "tokenizer"), "*");
        using (var passed = StableDiffusionModel.Load(other)) Assert.NotNull(passed.UNet);
        Change(other, all => all.Select(t => KeyValuePair.Create(t.Key.Replace("cond_stage_model.transformer.", "cond_stage_model.model.", StringComparison.Ordinal), t.Value)));
        Assert.Contains("Stable Diffusion 2 checkpoint", Fails(other), StringComparison.Ordinal);
        Change(other, all => all.Select(t => KeyValuePair.Create(t.Key.Replace("cond_stage_model.", "conditioner.", StringComparison.Ordinal), t.Value)));
        Assert.Contains("Stable Diffusion XL checkpoint", Fails(other), StringComparison.Ordinal);
        Change(other, all => all.Where(t => !t.Key.StartsWith("first_stage_model.", StringComparison.Ordinal)));
        Assert.Contains("no autoencoder (first_stage_model.*)", Fails(other), StringComparison.Ordinal);
        Change(other, all => all.Append(new("model.diffusion_model.extra.weight", Tensor.Ones([1]))));
        Assert.Contains("extra.weight", Fails(other), StringComparison.Ordinal);
        Directory.Delete(Path.Combine(folder.Path, "sd", "tokenizer"), recursive: true);
        Assert.Contains("holds no tokenizer", Assert.Throws<WeightsException>(() => StableDiffusionModel.Load(file)).Message, StringComparison.Ordinal);
    }

    private static void Same(StableDiffusionModel theirs, StableDiffusionModel ours)
    {
        using var random = new Generator(3);
        var (latents, rows) = (random.Normal(1, 4, 8, 8), theirs.TextRows(["a red fox"]));
        double Apart(Tensor a, Tensor b) => (a - b).Abs().Max().Item();
        // Not to the bit: where a tensor lies in its file decides how it is summed.
        Assert.Equal(0, Apart(rows, ours.TextRows(["a red fox"])), 1e-5);
        Assert.Equal(0, Apart(theirs.UNet.Forward(latents, Tensor.From([500f]), rows), ours.UNet.Forward(latents, Tensor.From([500f]), rows)), 1e-5);
        Assert.Equal(0, Apart(theirs.Autoencoder.Decode(latents), ours.Autoencoder.Decode(latents)), 1e-5);
        var picture = random.Uniform(0, 1, 1, 3, 32, 32);
        Assert.Equal(0, Apart(theirs.Autoencoder.ToLatents(picture), ours.Autoencoder.ToLatents(picture)), 1e-5);
        Assert.Equal(theirs.Schedule.AlphaProducts, ours.Schedule.AlphaProducts);
    }

    private static void Copy(string from, string to, string which)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from, which)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
    }
}
