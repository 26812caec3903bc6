using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Torch;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

[Collection(nameof(Alone))]
public class ModelLifetimeTests
{
    public ModelLifetimeTests() => Alone.Sweep();

    [Fact]
    public void A_disposed_model_leaves_no_tensors()
    {
        using var folder = new TemporaryFolder();
        using var random = new Generator(1);
        var config = new ClipConfig
        {
            Vision = new() { TimmName = "tf_efficientnet_lite0", ImageSize = 32, EmbedDim = 8 },
            Text = new() { ContextLength = 8, VocabularySize = 20, Width = 16, Heads = 2, Layers = 1, MlpWidth = 64, EmbedDim = 8 },
        };
        var before = Tensor.Live;
        using (var model = ClipModel.New(config, random)) model.Save(folder.Path);
        Assert.Equal(before, Tensor.Live);

        using (new TensorScope()) // the scope takes what is computed; the model outlives it
        {
            var model = ClipModel.Load(folder.Path);
            model.EncodeImage(model.Normalize(random.Uniform(0, 1, 1, 3, 32, 32)));
            model.EncodeText(Tensor.From([1L, 5, 19, 0, 0, 0, 0, 0], 1, 8));
            model.Dispose();
        }

        Assert.Equal(before, Tensor.Live);
    }

    [Fact]
    public void A_model_loaded_in_a_scope_outlives_it()
    {
        using var folder = new TemporaryFolder();
        using var random = new Generator(1);
        ClipModel model;
        using (new TensorScope())
        {
            model = ClipModel.New(new() { Vision = new() { ImageSize = 16, PatchSize = 8, Width = 16, Heads = 2, Layers = 1, MlpWidth = 64, EmbedDim = 8 }, Text = new() { VocabularySize = 20, Width = 16, Heads = 2, Layers = 1, MlpWidth = 64, EmbedDim = 8 } }, random);
        }

        using (model) Assert.Equal([2, 8], model.EncodeImage(random.Normal(2, 3, 16, 16)).Shape);
    }

    [Fact]
    public void A_model_may_take_its_words_from_the_folder_beside_it()
    {
        using var folder = new TemporaryFolder();
        var (whole, sighted) = (Path.Combine(folder.Path, "whole"), Path.Combine(folder.Path, "sighted"));
        using var random = new Generator(5);
        var bpe = BpeTrainer.Train(["a cat", "a dog", "a cat", "a dog"], 4);
        var config = new ClipConfig
        {
            Vision = new() { ImageSize = 16, PatchSize = 8, Width = 16, Layers = 1, Heads = 2, MlpWidth = 64, EmbedDim = 8 },
            Text = new() { Width = 16, Layers = 1, Heads = 2, MlpWidth = 64, ContextLength = 8, VocabularySize = bpe.VocabularySize, EmbedDim = 8 },
            Origin = ClipOrigin.OpenClip,
        };
        using (var model = ClipModel.New(config, random))
        {
            model.Tokenizer = bpe;
            model.Save(whole);
            model.Save(sighted, textOf: "whole");
        }

        Assert.Equal(["open_clip_config.json", "open_clip_model.safetensors"], Directory.EnumerateFiles(sighted).Select(f => Path.GetFileName(f)).Order());
        using (var file = Safetensors.Open(Path.Combine(sighted, "open_clip_model.safetensors"))) Assert.All(file.Names, name => Assert.StartsWith("visual.", name));
        using (var one = ClipModel.Load(whole))
        using (var other = ClipModel.Load(sighted))
        using (var scope = new TensorScope())
        {
            Assert.Equal(one.EncodeText(["a cat"]).ToFloats(), other.EncodeText(["a cat"]).ToFloats());
            Assert.Equal(one.EncodeImage(Tensor.Ones([1, 3, 16, 16])).ToFloats(), other.EncodeImage(Tensor.Ones([1, 3, 16, 16])).ToFloats());
        }

        Directory.Move(whole, whole + "-gone");
        Assert.Contains("its text tower is that of", Assert.Throws<WeightsException>(() => ClipModel.Load(sighted)).Message);
        var json = Path.Combine(sighted, "open_clip_config.json");
        File.WriteAllText(json, File.ReadAllText(json).Replace("\"whole\"", "\"../whole\""));
        Assert.Contains("text_of", Assert.Throws<WeightsException>(() => ClipModel.Load(sighted)).Message);
    }
}
