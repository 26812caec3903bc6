using Obverse.Files;
using Obverse.Models;
using Obverse.Tests.Checkpoints;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>Scripts say what they are: OpenAI's archives with the architecture's name before them, as the README has it, and without.</summary>
public sealed class ClipArchiveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Generator random = new(3);
    private readonly TensorScope scope = new();
    private readonly ClipModel model;
    private readonly BpeTokenizer tokenizer = BpeTrainer.Train(["a tabby cat", "a red fox", "a photo of a dog", "the red cat"], merges: 12);

    public ClipArchiveTests()
    {
        model = ClipModel.New(new()
        {
            Vision = new() { ImageSize = 32, PatchSize = 8, Width = 64, Heads = 1, Layers = 2, MlpWidth = 256, Activation = Activation.QuickGelu, EmbedDim = 16 },
            Text = new() { ContextLength = 16, VocabularySize = tokenizer.VocabularySize, Width = 64, Heads = 1, Layers = 1, MlpWidth = 256, Activation = Activation.QuickGelu, EmbedDim = 16 },
            Origin = ClipOrigin.OpenAI,
        }, random);
        tokenizer.Save(Path.Combine(folder.Path, "bpe.txt.gz"));
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("ViT-B-32-quickgelu:", 1)] // the shapes alone
    [InlineData("ViT-B-32:", 2)]
    [InlineData("ViT-B-32/openai:", 0)]
    public void An_archive_of_OpenAIs_is_what_it_is_whatever_name_stands_before_it(string before, int remarks)
    {
        var file = Archive("QuickGELU", isOpenAI: true);
        using var loaded = ClipModel.Open(before + file);
        Assert.Equal(model.Config, loaded.Config);
        Assert.Equal(remarks, loaded.Remarks.Count);
        Assert.All(loaded.Remarks, remark => Assert.StartsWith(file + ": it", remark, StringComparison.Ordinal));
        Assert.All(loaded.Remarks, remark => Assert.EndsWith("; the archive's is used", remark, StringComparison.Ordinal));
        if (remarks == 2) Assert.Contains("its activation is quick_gelu, where ViT-B-32 says gelu", loaded.Remarks[1], StringComparison.Ordinal);

        // The special words of openai/CLIP, not open_clip's.
        const string text = "a cat <|endoftext|> a <start_of_text>";
        Assert.Equal(tokenizer.As(TokenizerFlavour.OpenAi).EncodeRow(text, 16), loaded.Tokenizer!.EncodeRow(text, 16));
        Assert.NotEqual(tokenizer.As(TokenizerFlavour.OpenClip).EncodeRow(text, 16), loaded.Tokenizer.EncodeRow(text, 16));
        model.Tokenizer = loaded.Tokenizer;
        Parity.Close("texts", model.EncodeText([text]), loaded.EncodeText([text]), 1e-6, 1);
        var pixels = random.Normal(2, 3, 32, 32);
        Parity.Close("pictures", model.EncodeImage(pixels), loaded.EncodeImage(pixels), 1e-6, 1);
    }

    [Theory]
    [InlineData("QuickGELU", Activation.QuickGelu)]
    [InlineData("GELU", Activation.Gelu)]
    public void A_script_s_activation_wins_over_the_configuration_beside_it(string module, Activation activation)
    {
        var other = activation == Activation.Gelu ? Activation.QuickGelu : Activation.Gelu;
        (model.Config.With(other) with { Origin = ClipOrigin.OpenClip }).Save(Path.Combine(folder.Path, "open_clip_config.json"));
        using (var loaded = ClipModel.Load(Archive(module, isOpenAI: false)))
        {
            Assert.Equal((activation, activation, ClipOrigin.OpenClip), (loaded.Config.Vision.Activation, loaded.Config.Text.Activation, loaded.Config.Origin));
            Assert.Contains("where the configuration beside it says", Assert.Single(loaded.Remarks), StringComparison.Ordinal);
        }

        (model.Config.With(activation) with { Origin = ClipOrigin.OpenClip }).Save(Path.Combine(folder.Path, "open_clip_config.json"));
        using (var loaded = ClipModel.Load(Archive(module, isOpenAI: false))) Assert.Empty(loaded.Remarks);
        using (var given = ClipModel.Load(Archive(module, isOpenAI: false), model.Config.With(other))) Assert.Equal(other, given.Config.Text.Activation); // what the caller gives counts
    }

    [Fact]
    public void A_state_dict_says_nothing_and_the_name_counts()
    {
        var file = Path.Combine(folder.Path, "bare.pt");
        File.WriteAllBytes(file, CheckpointWriter.StateDict(model.Weights.All));
        Assert.Contains("name the architecture before the file", Assert.Throws<WeightsException>(() => ClipModel.Load(file)).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<WeightsException>(() => ClipModel.Open("ViT-B-32:" + file)); // of its shapes, which these are not
    }

    [Theory]
    [InlineData("ViT-B-32")]
    [InlineData("ViT-L-14-336")]
    [InlineData("RN50x4")]
    public void Shapes_are_an_architecture_s_whatever_the_activation(string name)
    {
        var config = ClipConfig.Named(name, Activation.QuickGelu) with { Origin = ClipOrigin.OpenAI };
        Assert.Equal([name], ClipConfig.Architectures.Where(other => config.HasShapesOf(ClipConfig.Named(other))));
    }

    public void Dispose()
    {
        model.Dispose();
        random.Dispose();
        scope.Dispose();
        folder.Dispose();
    }

    private string Archive(string activation, bool isOpenAI)
    {
        var file = Path.Combine(folder.Path, "archive.pt");
        File.WriteAllBytes(file, CheckpointWriter.Script(model.Weights.All, activation, isOpenAI));
        return file;
    }
}
