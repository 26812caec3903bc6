using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>What CLIPDraw, VQGAN+CLIP and CLIPStyler take from files and texts: each mistake is one line that names it, and leaves nothing behind.</summary>
[Collection("command line")]
public class BadStyleTests
{
    public static TheoryData<string, string> Drawings => new()
    {
        { "a cat, in words", "not an SVG" },
        { "<html><body/></html>", "its root is <html>" },
        { "<svg xmlns=\"http://www.w3.org/2000/svg\"><path d=\"M0 0", "not an SVG" },
        { "<svg xmlns=\"http://www.w3.org/2000/svg\"><text>a cat</text></svg>", "to draw; not read: text" },
        { "<svg><path stroke=\"black\" d=\"M0 0 L 4\"/></svg>", "a multiple of 2 was wanted" },
        { "<svg><path stroke=\"black\" d=\"M0 0 A 1 1 0 2 0 3 3\"/></svg>", "a multiple of 7 was wanted" },
        { "<svg><path stroke=\"#12\" d=\"M0 0L3 3\"/></svg>", "line 1, <path>: the stroke '#12' is no colour" },
        { "\u0001\u0002\0\u0003", "not an SVG" },
        { "", "a drawing was wanted" },
    };

    [Theory]
    [MemberData(nameof(Drawings))]
    public void A_drawing_that_is_none_is_reported(string content, string says)
    {
        using var program = new Program();
        File.WriteAllText(program["drawing.svg"], content);
        Refused(program, says, "drawing.svg", ["invert", "a cat", "--recipe", "clipdraw", "--start", program["drawing.svg"]], "drawing.svg");
    }

    [Fact]
    public void No_strokes_in_a_recipe_file_are_reported()
    {
        using var program = new Program();
        File.WriteAllText(program["none.json"], Recipes.ClipDraw().ToJson().Replace("\"count\":256", "\"count\":0", StringComparison.Ordinal));
        Refused(program, "count", "none.json", ["invert", "a cat", "--recipe", program["none.json"]], "none.json");
    }

    [Theory]
    [InlineData("pictures of one channel", "1 channels; 3 were wanted")]
    [InlineData("drawings of one channel", "1 channels; 3 were wanted")]
    [InlineData("codes of another width", "quant_conv.weight")]
    [InlineData("a level of odd channels", "multiple of 32")]
    [InlineData("a layer of other channels", "decoder.mid.block_1.conv1.weight")]
    [InlineData("no decoder", "not a VQGAN of taming-transformers' layout")]
    [InlineData("no weights", "vqgan.safetensors")]
    public void A_VQGAN_of_other_channels_is_reported(string damage, string says)
    {
        using var program = new Program();
        var config = new VqganConfig { Channels = 32, Widths = [32, 32], Blocks = 1, Attention = [], Latent = 8, CodeWidth = 8, Codes = 16 };
        using (var scope = new TensorScope())
        {
            using var random = new Generator(1);
            using var model = TensorScope.Unscoped(() => new Vqgan(Obverse.Torch.Weights.New(random), config));
            var tensors = model.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.Detach());
            void Reshape(string name, params long[] shape) => tensors[name] = Tensor.Zeros(tensors[name].Shape.Length == shape.Length ? shape : throw new ArgumentException(name));
            switch (damage)
            {
                case "pictures of one channel": Reshape("encoder.conv_in.weight", 32, 1, 3, 3); break;
                case "drawings of one channel": Reshape("decoder.conv_out.weight", 1, 32, 3, 3); break;
                case "codes of another width": Reshape("quantize.embedding.weight", 16, 6); break;
                case "a level of odd channels": Reshape("decoder.up.0.block.0.conv1.weight", 40, 32, 3, 3); break;
                case "a layer of other channels": Reshape("decoder.mid.block_1.conv1.weight", 32, 24, 3, 3); break;
                case "no decoder": foreach (var name in tensors.Keys.Where(name => name.StartsWith("decoder.", StringComparison.Ordinal)).ToArray()) tensors.Remove(name); break;
            }

            if (damage == "no weights") File.WriteAllText(program["vqgan.safetensors"], "no weights");
            else Safetensors.Save(program["vqgan.safetensors"], tensors);
        }

        Refused(program, says, "vqgan.safetensors", ["invert", "a cat", "--recipe", "vqgan", "--vqgan", program["vqgan.safetensors"]], "vqgan.safetensors");
    }

    [Theory]
    [InlineData("missing", "--vgg wants torchvision's VGG19 weights")]
    [InlineData("a folder", "--vgg wants torchvision's VGG19 weights")]
    [InlineData("text", "vgg.safetensors")]
    [InlineData("empty", "vgg.safetensors")]
    [InlineData("another network's", "not VGG19's weights: no tensor 'features.0.weight'")]
    [InlineData("VGG16's", "not VGG19's weights: no tensor 'features.16.weight'")]
    [InlineData("grey pictures'", "features.0.weight")]
    public void Weights_that_are_not_VGG19s_are_reported(string damage, string says)
    {
        using var program = new Program();
        Photo(program);
        var path = program["vgg.safetensors"];
        using (var scope = new TensorScope())
        {
            int[] layers = damage == "VGG16's" ? [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28] : [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30];
            Dictionary<string, Tensor> Of(long colours) => layers.SelectMany(layer => (KeyValuePair<string, Tensor>[])[new($"features.{layer}.weight", Tensor.Zeros([4, layer == 0 ? colours : 4, 3, 3])), new($"features.{layer}.bias", Tensor.Zeros([4]))]).ToDictionary();
            switch (damage)
            {
                case "a folder": Directory.CreateDirectory(path); break;
                case "text": File.WriteAllText(path, "these are words"); break;
                case "empty": File.WriteAllText(path, ""); break;
                case "another network's": Safetensors.Save(path, new Dictionary<string, Tensor> { ["fc.weight"] = Tensor.Zeros([2, 2]) }); break;
                case "VGG16's": Safetensors.Save(path, Of(3)); break;
                case "grey pictures'": Safetensors.Save(path, Of(1)); break;
            }
        }

        Refused(program, says, "vgg.safetensors", ["invert", "a sketch", "--recipe", "styler", "--start", program["photo.png"], "--vgg", path], damage is "missing" or "a folder" ? ["photo.png"] : ["photo.png", "vgg.safetensors"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(" | ")]
    public void An_empty_style_text_is_reported(string text)
    {
        using var program = new Program();
        Photo(program);
        foreach (var ask in (string[][])[["invert", text, "--recipe", "styler", "--start", program["photo.png"]], ["restyle", program["photo.png"], "--style", text]])
        {
            var answer = program.Run([.. ask, "--model", program.Model, "--out", program["out.png"]]);
            Assert.True((answer.Code, answer.Output) == (2, ""), answer.ToString());
            Assert.Contains("empty", answer.Line);
            Assert.Equal(["photo.png"], program.Files);
        }
    }

    private static void Photo(Program program)
    {
        var rgb = new byte[64 * 64 * 3];
        new Random(1).NextBytes(rgb);
        new Picture(64, 64, rgb).Save(program["photo.png"]);
    }

    private static void Refused(Program program, string says, string names, string[] ask, params string[] left)
    {
        var answer = program.Run([.. ask, "--model", program.Model, "--size", "64", "--steps", "2", "--out", program["out.png"]]);
        Assert.True((answer.Code, answer.Output) == (1, ""), answer.ToString());
        Assert.Contains(says, answer.Line);
        Assert.Contains(names, answer.Line);
        Assert.DoesNotContain("bug", answer.Line);
        Assert.Equal(left.Order(StringComparer.Ordinal), program.Files);
    }
}
