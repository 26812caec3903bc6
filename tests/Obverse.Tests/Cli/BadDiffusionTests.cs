using System.Text.Json.Nodes;
using Obverse.Tests.Diffusion;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>What is wrong with a Stable Diffusion model or a command is said in one line.</summary>
[Collection("command line")]
public class BadDiffusionTests
{
    [Fact]
    public void Bad_models_and_options_are_one_line_each()
    {
        using var program = SampleJobTests.Tiny();
        SampleJobTests.Flat(program, "ref.png", 90);
        string[] draw = SampleJobTests.Draw(program, "x.png"), vary = ["vary", program["ref.png"], .. SampleJobTests.Common(program), "-o", program["x.png"]];
        void Says(int code, string says, params string[] args)
        {
            var answer = program.Run(args);
            Assert.True(answer.Code == code && answer.Line.Contains(says, StringComparison.Ordinal), $"{string.Join(' ', args)}: {answer}");
            Assert.False(File.Exists(program["x.png"]));
        }

        Says(2, "multiples of 2", [.. draw, "--size", "17"]);
        Says(2, "--steps: '0'", ["diffuse", "a", "--model", program["sd"], "--steps", "0"]);
        Says(2, "--alpha: 'NaN'", [.. vary, "--edit", "x", "--alpha", "NaN"]);
        Says(2, "--guidance: 'inf'", [.. draw[..2], "--model", program["sd"], "--guidance", "inf"]);
        Says(2, "is a file, a text was wanted", ["diffuse", program["ref.png"], "--model", program["sd"]]);
        Says(2, "no such picture; `obverse diffuse` takes a text", ["vary", "a red fox", "--model", program["sd"]]);
        Says(2, "no prompt given", ["diffuse", "--model", program["sd"]]);
        Says(2, "--batch needs --out", ["diffuse", "--batch", program["ref.png"], "--model", program["sd"]]);
        Says(2, "no Stable Diffusion model 'nowhere'", ["diffuse", "a", "--model", "nowhere"]);
        Says(2, "its folder has no model_index.json", ["diffuse", "a", "--model", program.Model]);
        Says(2, "the weight '1.2.3'", ["diffuse", "a (b:1.2.3)", "--model", program["sd"], "-o", program["x.png"]]);

        var unet = program["sd/unet/config.json"];
        var config = File.ReadAllText(unet);
        void Configured(string says, Action<JsonObject> change)
        {
            var json = JsonNode.Parse(config)!.AsObject();
            change(json);
            File.WriteAllText(unet, json.ToJsonString());
            Says(1, says, draw);
            File.WriteAllText(unet, config);
        }

        Configured("Stable Diffusion 2 (OpenCLIP's text encoder, rows of 1024 numbers) is not built", json =>
        {
            json["use_linear_projection"] = true;
            json["cross_attention_dim"] = 1024;
        });
        Configured("Stable Diffusion XL (rows of 2048 numbers) is not built", json =>
        {
            json["use_linear_projection"] = true;
            json["cross_attention_dim"] = 2048;
        });
        Configured("takes 1024, as Stable Diffusion 2 does", json => json["cross_attention_dim"] = 1024);
        Configured("an inpainting checkpoint", json => json["in_channels"] = 9);

        var index = File.ReadAllText(program["sd/model_index.json"]);
        File.WriteAllText(program["sd/model_index.json"], index.Replace("\"guidance\": 7.5", "\"guidance\": -1", StringComparison.Ordinal));
        Says(1, "guidance is no number from 0 to 1000", draw);
        File.WriteAllText(program["sd/model_index.json"], index);

        var weights = program.Bytes("sd/unet/diffusion_pytorch_model.safetensors");
        TinyDiffusion.Change(program["sd/unet"], (name, tensor) => name == "conv_out.weight" ? tensor * double.NaN : tensor);
        Says(1, "conv_out.weight", draw);
        File.WriteAllBytes(program["sd/unet/diffusion_pytorch_model.safetensors"], weights);
        foreach (var part in (string[])["vae", "unet", "scheduler"])
        {
            Directory.Move(program["sd/" + part], program["away"]);
            Says(1, $"no folder {part}", draw);
            Directory.Move(program["away"], program["sd/" + part]);
        }

        Assert.Equal(0, program.Run(draw).Code);
    }
}
