using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>What is known of published checkpoints (spec clip.md 1.4), and what happens where a file says otherwise.</summary>
public class PublishedClipTests
{
    private static readonly ClipConfig tiny = new()
    {
        Vision = new() { ImageSize = 16, PatchSize = 8, Width = 16, Heads = 2, Layers = 1, MlpWidth = 64, Activation = Activation.QuickGelu, EmbedDim = 8 },
        Text = new() { ContextLength = 8, VocabularySize = 20, Width = 16, Heads = 2, Layers = 1, MlpWidth = 64, Activation = Activation.QuickGelu, EmbedDim = 8 },
    };

    [Theory]
    [InlineData("ViT-B-32", "openai", Activation.QuickGelu)]
    [InlineData("RN50", "openai", Activation.QuickGelu)]
    [InlineData("ViT-L-14-336", "openai", Activation.QuickGelu)]
    [InlineData("ViT-B-32", "laion400m_e32", Activation.QuickGelu)]
    [InlineData("ViT-B-32-quickgelu", "laion400m_e31", Activation.QuickGelu)]
    [InlineData("ViT-B-16", "laion400m_e32", Activation.Gelu)]
    [InlineData("ViT-L-14", "laion400m_e32", Activation.Gelu)]
    [InlineData("ViT-B-32", "laion2b_s34b_b79k", Activation.Gelu)]
    [InlineData("ViT-L-14", "datacomp_xl_s13b_b90k", Activation.Gelu)]
    [InlineData("ViT-B-16", "metaclip_400m", Activation.QuickGelu)]
    [InlineData("ViT-H-14", "metaclip_altogether", Activation.Gelu)]
    [InlineData("ViT-L-14", "dfn2b", Activation.QuickGelu)]
    [InlineData("ViT-L-14", "dfn2b_s39b", Activation.Gelu)]
    [InlineData("ViT-H-14", "dfn5b", Activation.QuickGelu)]
    [InlineData("ViT-H-14", "laion2b_s32b_b79k", Activation.Gelu)]
    [InlineData("RN50", "yfcc15m", Activation.QuickGelu)]
    [InlineData("RN50", "cc12m", Activation.QuickGelu)]
    [InlineData("ViT-B-32", "clipag", Activation.Gelu)]
    [InlineData("ViT-B-16", "fare4_laion2b", Activation.Gelu)]
    [InlineData("ViT-L-14", "fare2_leaf", Activation.QuickGelu)]
    public void Activations_are_the_checkpoint_s(string architecture, string tag, Activation activation) => Assert.Equal(activation, PublishedClip.Find(architecture, tag)!.Activation);

    [Fact]
    public void One_checkpoint_has_a_mean_of_its_own()
    {
        Assert.Equal(["ViT-L-14/laion2b_s32b_b82k"], PublishedClip.All.Where(p => p.Mean != Rgb.ClipMean).Select(p => p.ToString()));
        var own = PublishedClip.Find("ViT-L-14", "laion2b_s32b_b82k")!;
        Assert.Equal((new Rgb(0.5, 0.5, 0.5), new Rgb(0.5, 0.5, 0.5)), (own.Mean, own.Std));
        Assert.Equal(PublishedClip.All.Count, PublishedClip.All.Select(p => p.ToString()).Distinct().Count());
        Assert.Equal(PublishedClip.All.Sum(p => p.Names.Count), PublishedClip.All.SelectMany(p => p.Names).Distinct().Count());
    }

    [Theory]
    [InlineData("/cache/models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K/snapshots/1a2b", "ViT-B-32/laion2b_s34b_b79k")]
    [InlineData("/models/openai/clip-vit-base-patch32", "ViT-B-32/openai")]
    [InlineData("/models/clip-vit-large-patch14/model.safetensors", "ViT-L-14/openai")]
    [InlineData("/models/vit_base_patch32_clip_224.laion400m_e32", "ViT-B-32/laion400m_e32")]
    [InlineData("/models/CLIPAG_ViTB32.pt", "ViT-B-32/clipag")]
    [InlineData("/cache/models--LEAF-CLIP--CLIP-ViT-L-FARE2/snapshots/1a2b", "ViT-L-14/fare2_leaf")]
    [InlineData("/models/chs20/FARE4-ViT-B-16-laion2B-s34B-b88K/open_clip_model.safetensors", "ViT-B-16/fare4_laion2b")]
    [InlineData("/models/ViT-B-32", null)]
    [InlineData("/models/mine", null)]
    public void Published_weights_are_known_by_their_place(string path, string? wanted) => Assert.Equal(wanted, PublishedClip.At(path)?.ToString());

    [Fact]
    public void The_two_activations_are_the_published_functions()
    {
        using var scope = new TensorScope();
        var x = Tensor.From([1f, -1f]);
        Assert.Equal([0.845796f, -0.154204f], x.QuickGelu().ToFloats(), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal([0.841345f, -0.158655f], x.Gelu().ToFloats(), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void A_file_that_says_otherwise_wins_and_it_is_said_unless_the_table_is_asked_for()
    {
        using var folder = new TemporaryFolder();
        using var random = new Generator(1);
        var place = Path.Combine(folder.Path, "CLIP-ViT-L-14-laion2B-s32B-b82K");
        using (var model = ClipModel.New(tiny, random)) model.Save(place);

        using (var loaded = ClipModel.Load(place))
        {
            Assert.Equal(Activation.QuickGelu, loaded.Config.Vision.Activation);
            Assert.Equal(2, loaded.Remarks.Count);
            Assert.All(loaded.Remarks, remark => Assert.Contains("the file's is used", remark));
            Assert.Contains("activation quick_gelu", loaded.Remarks[0]);
        }

        using (var loaded = ClipModel.Open("ViT-L-14/laion2b_s32b_b82k:" + place))
        {
            Assert.Equal((Activation.Gelu, Activation.Gelu, new Rgb(0.5, 0.5, 0.5)), (loaded.Config.Vision.Activation, loaded.Config.Text.Activation, loaded.Config.Mean));
            Assert.Equal(tiny.Vision.Width, loaded.Config.Vision.Width); // shapes stay the file's
            Assert.All(loaded.Remarks, remark => Assert.Contains("the table's is used", remark));
        }

        // A folder of no published name, and one whose file agrees, have nothing to say.
        var own = Path.Combine(folder.Path, "mine");
        using (var model = ClipModel.New(tiny, random)) model.Save(own);
        using (var loaded = ClipModel.Load(own)) Assert.Empty(loaded.Remarks);
        var right = Path.Combine(folder.Path, "clip-vit-base-patch32");
        using (var model = ClipModel.New(tiny, random)) model.Save(right);
        using (var loaded = ClipModel.Load(right)) Assert.Empty(loaded.Remarks);
        Assert.Contains("no published checkpoint 'laion9b'", Assert.Throws<NotSupportedException>(() => ClipModel.Open("ViT-L-14/laion9b:" + place)).Message);
    }
}
