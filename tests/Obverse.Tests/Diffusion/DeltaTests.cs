using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

/// <summary>Deltas and LoRA files in the layouts of other programs, and what is refused.</summary>
public sealed class DeltaTests : IDisposable
{
    private const string Key = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight";
    private readonly Commands.Program program = new();

    public DeltaTests() => ToyDiffusion.Write(program["sd"], "toy");

    [Fact]
    public void A_delta_is_read_as_it_was_written_and_refuses_another_base()
    {
        ToyDiffusion.Write(program["sd2"], "toy", seed: 4);
        using var scope = new TensorScope();
        using var model = StableDiffusionModel.Load(program["sd"]);
        using var other = StableDiffusionModel.Load(program["sd2"]);
        var moved = Tensor.Ones(model.UNetWeights[Key].Shape);
        var info = new DeltaInfo { Method = "custom-diffusion", Model = "sd", ModelSha256 = model.Sha256, Updates = 5 };
        using var made = TunedDelta.Of(info, [new(Key, moved)], tokens: [new("<new1>", Tensor.Ones([32]))]);
        made.Save(program["one.delta"]);
        using var read = TunedDelta.Load(program["one.delta"]);
        Assert.Equal(info, read.Info);
        var text = model.TextRows(["a cat"]).ToFloats();
        read.ApplyTo(model);
        Assert.All(model.UNetWeights[Key].ToFloats(), w => Assert.Equal(1, w));
        Assert.Equal(text, model.TextRows(["a cat"]).ToFloats());
        var ids = model.Tokenize(["a <new1> cat"]).ToArray<long>();
        Assert.Equal([model.TextConfig.VocabularySize], ids.Where(id => id >= model.TextConfig.VocabularySize));
        Assert.Equal(Array.IndexOf(ids, model.Tokenizer.EndId), (int)model.Ends(model.Tokenize(["a <new1> cat"])).Item());
        Assert.NotEqual(model.TextRows(["a cat cat"]).ToFloats(), model.TextRows(["a <new1> cat"]).ToFloats());
        var refused = Assert.Throws<InvalidDataException>(() => read.ApplyTo(other)).Message;
        Assert.Contains("was tuned on sd", refused);
        Assert.Contains("sd2 is another model", refused);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Custom_diffusions_files_of_diffusers_and_adobe_are_read(bool adobe)
    {
        using var scope = new TensorScope();
        using var model = StableDiffusionModel.Load(program["sd"]);
        var (weight, word) = (Tensor.Ones(model.UNetWeights[Key].Shape), Tensor.Ones([32]));
        Directory.CreateDirectory(program["custom"]);
        if (adobe) Safetensors.Save(program["custom.safetensors"], [new("unet." + Key, weight), new("modifier_token.<new1>", word)]);
        else
        {
            Safetensors.Save(program["custom/pytorch_custom_diffusion_weights.safetensors"], [new("down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_k_custom_diffusion.weight", weight)]);
            Safetensors.Save(program["custom/<new1>.safetensors"], [new("<new1>", word)]);
        }

        using var read = TunedDelta.Load(program[adobe ? "custom.safetensors" : "custom"]);
        Assert.Null(read.Info);
        read.ApplyTo(model);
        Assert.All(model.UNetWeights[Key].ToFloats(), w => Assert.Equal(1, w));
        Assert.Equal(["<new1>"], model.Added!.Names);
        if (adobe) return;
        using var own = TunedDelta.Of(new() { Method = "ct", Model = "sd", ModelSha256 = model.Sha256 }, read.Attention, tokens: read.Tokens);
        own.SaveForDiffusers(program["out"]);
        foreach (var name in (string[])["pytorch_custom_diffusion_weights.safetensors", "<new1>.safetensors"])
        {
            using var was = Safetensors.Open(program["custom/" + name]);
            using var now = Safetensors.Open(program["out/" + name]);
            Assert.Equal(was.Names, now.Names);
        }
    }

    [Fact]
    public void A_delta_that_says_something_twice_or_nothing_of_its_base_is_refused()
    {
        using var scope = new TensorScope();
        void Refused(string says, Dictionary<string, string>? metadata, params string[] names)
        {
            Safetensors.Save(program["bad.delta"], names.Select(name => KeyValuePair.Create(name, Tensor.Ones([2, 2]))), metadata);
            Assert.Contains(says, Assert.Throws<WeightsException>(() => TunedDelta.Load(program["bad.delta"])).Message);
        }

        Refused("is there twice", null, "unet." + Key, Key);
        Refused("is none of a delta", null, "tokens. ");
        Refused("not what Obverse writes", new() { [DeltaInfo.Keyword] = """{"method":"ct","model":null,"modelSha256":"0"}""" }, Key);
        Refused("not what Obverse writes", new() { [DeltaInfo.Keyword] = "{" }, Key);
        Refused("an empty delta", null);
    }

    private static readonly (string Module, bool IsText, string[] Names)[] modules =
    [
        // PEFT's and diffusers', diffusers' older, kohya's names of one module; {0}: A or down, B or up
        ("down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q", false, ["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q.lora_{0}.weight", "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_q_lora.{1}.weight", "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_q.lora_{1}.weight"]),
        ("mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0", false, ["unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.lora_{0}.weight", "unet.mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.{1}.weight", "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_{1}.weight"]),
        ("conv_in", false, ["unet.conv_in.lora_{0}.weight", "unet.conv_in.lora.{1}.weight", "lora_unet_conv_in.lora_{1}.weight"]),
        ("mid_block.attentions.0.proj_in", false, ["unet.mid_block.attentions.0.proj_in.lora_{0}.weight", "unet.mid_block.attentions.0.proj_in.lora.{1}.weight", "lora_unet_mid_block_attentions_0_proj_in.lora_{1}.weight"]),
        ("text_model.encoder.layers.0.self_attn.v_proj", true, ["text_encoder.text_model.encoder.layers.0.self_attn.v_proj.lora_{0}.weight", "text_encoder.text_model.encoder.layers.0.self_attn.v_proj.lora_linear_layer.{1}.weight", "lora_te_text_model_encoder_layers_0_self_attn_v_proj.lora_{1}.weight"]),
        ("text_model.encoder.layers.0.mlp.fc1", true, ["text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_{0}.weight", "text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_linear_layer.{1}.weight", "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_{1}.weight"]),
    ];

    [Theory, InlineData(0), InlineData(1), InlineData(2)]
    public void Loras_of_every_layout_change_the_same_weights(int layout)
    {
        const double Alpha = 3, Scale = 0.5;
        using var scope = new TensorScope();
        using var random = new Generator(8);
        using var model = StableDiffusionModel.Load(program["sd"]);
        var places = new LoraPlaces(model);
        List<KeyValuePair<string, Tensor>> file = [];
        List<(LoraPlace Place, float[] Wanted)> wanted = [];
        foreach (var (module, isText, names) in modules)
        {
            var place = places.Find(isText, module)!;
            long[] shape = place.Shape;
            var (down, up) = (random.Normal([2, .. shape[1..]]), random.Normal([shape[0], 2, .. shape.Skip(2).Select(_ => 1L)]));
            file.Add(new(string.Format(System.Globalization.CultureInfo.InvariantCulture, names[layout], "A", "down"), down));
            file.Add(new(string.Format(System.Globalization.CultureInfo.InvariantCulture, names[layout], "B", "up"), up));
            if (layout == 2) file.Add(new(names[layout].Split('.')[0] + ".alpha", Tensor.From([(float)Alpha]).Reshape()));
            wanted.Add((place, (place.Weight() + up.Reshape(shape[0], 2).Matmul(down.Reshape(2, -1)).Reshape(shape) * (Scale * (layout == 2 ? Alpha : 2) / 2)).ToFloats()));
        }

        Safetensors.Save(program["lora.safetensors"], file);
        Assert.Equal((4, 2), LoraFile.ApplyTo(model, program["lora.safetensors"], Scale));
        foreach (var (place, weights) in wanted) Assert.All(place.Weight().Contiguous().ToFloats().Zip(weights), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        var row = places.Find(true, "text_model.encoder.layers.0.self_attn.q_proj")!; // its neighbours in the joined matrix stay
        using var untouched = StableDiffusionModel.Load(program["sd"]);
        Assert.Equal(new LoraPlaces(untouched).Find(true, "text_model.encoder.layers.0.self_attn.q_proj")!.Weight().Contiguous().ToFloats(), row.Weight().Contiguous().ToFloats());
    }

    [Fact]
    public void The_alpha_of_pefts_settings_counts()
    {
        using var scope = new TensorScope();
        using var model = StableDiffusionModel.Load(program["sd"]);
        var place = new LoraPlaces(model).Find(false, Key[..^".weight".Length])!;
        var (down, up) = (Tensor.Ones([4, place.Shape[1]]), Tensor.Ones([place.Shape[0], 4]));
        var before = place.Weight().ToFloats();
        Safetensors.Save(program["adapter_model.safetensors"], [new("base_model.model." + Key[..^".weight".Length] + ".lora_A.weight", down), new("base_model.model." + Key[..^".weight".Length] + ".lora_B.weight", up)]);
        File.WriteAllText(program["adapter_config.json"], """{"peft_type":"LORA","r":4,"lora_alpha":8}""");
        LoraFile.ApplyTo(model, program["adapter_model.safetensors"]);
        Assert.All(place.Weight().ToFloats().Zip(before), pair => Assert.Equal(pair.Second + 4 * 8 / 4f, pair.First, 1e-5f));
    }

    [Fact]
    public void What_is_no_lora_of_this_model_is_refused_by_name()
    {
        using var scope = new TensorScope();
        using var model = StableDiffusionModel.Load(program["sd"]);
        string Refused(params (string Name, long[] Shape)[] tensors)
        {
            Safetensors.Save(program["bad.safetensors"], tensors.Select(t => KeyValuePair.Create(t.Name, Tensor.Ones(t.Shape))));
            var before = model.UNetWeights["conv_in.weight"].ToFloats();
            var message = Assert.Throws<WeightsException>(() => LoraFile.ApplyTo(model, program["bad.safetensors"])).Message;
            Assert.Equal(before, model.UNetWeights["conv_in.weight"].ToFloats());
            return message;
        }

        long[] down = [2, 6, 3, 3], up = [8, 2, 1, 1];
        Assert.Contains("no up", Refused(("unet.conv_in.lora_A.weight", down)));
        Assert.Contains("belongs to no part of the model's UNet", Refused(("unet.conv_in.lora_A.weight", down), ("unet.conv_in.lora_B.weight", up), ("unet.elsewhere.lora_A.weight", [2, 4]), ("unet.elsewhere.lora_B.weight", [4, 2])));
        Assert.Contains("the model's weight is [8, 6, 3, 3]", Refused(("unet.conv_in.lora_A.weight", [2, 5, 3, 3]), ("unet.conv_in.lora_B.weight", up)));
        Assert.Contains("DoRA, which is not built", Refused(("lora_unet_conv_in.dora_scale", [8])));
        Assert.Contains("no LoRA's", Refused(("conv_in.weight", [8, 6, 3, 3])));
        Safetensors.Save(program["lora.safetensors"], [new("unet.conv_in.lora_A.weight", Tensor.Ones(down))]);
        Assert.Contains("LoRA files go to --lora", Assert.Throws<WeightsException>(() => TunedDelta.Load(program["lora.safetensors"])).Message);
    }

    public void Dispose() => program.Dispose();
}
