using Obverse.Diffusion;
using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class DiffusionLossTests
{
    [Theory, InlineData(Prediction.Epsilon), InlineData(Prediction.Velocity)]
    public void A_step_lowers_the_loss_of_its_own_batch(Prediction prediction)
    {
        using var scope = new TensorScope();
        using var random = new Generator(6);
        var options = new DiffusionOptions { Steps = 1, Prediction = prediction, Channels = [16, 16], Attention = [false, true], HeadWidth = 8, Groups = 4, Warmup = 1 };
        using var weights = TensorScope.Unscoped(() => Weights.New(random));
        var unet = TensorScope.Unscoped(() => new UNet(weights, options.Config(4, 8, 12)));
        var (latents, rows, noise) = (random.Normal(4, 4, 8, 8), random.Normal(4, 5, 12), random.Normal(4, 4, 8, 8));
        using var loop = new TrainingLoop("test", options, weights.All, _ => (DiffusionTraining.Loss(options, unet, latents, rows, noise, [10, 300, 700, 990]), new Dictionary<string, double>()));
        double[] losses = [.. Enumerable.Range(0, 15).Select(_ => loop.TakeStep(2e-3).Loss)];
        Assert.True(losses[^1] < 0.9 * losses[0], string.Join(", ", losses));
    }

    [Fact]
    public void A_loss_that_is_no_number_is_said_with_its_step()
    {
        using var scope = new TensorScope();
        using var weight = Tensor.Owned(() => Tensor.Ones([2, 2]));
        using var loop = new TrainingLoop("diffusion", new DiffusionOptions { Steps = 1 }, [new("w", weight)], _ => (weight.Sum() * double.NaN, new Dictionary<string, double>()));
        Assert.Contains("the loss of update 0 is NaN", Assert.Throws<InvalidOperationException>(() => loop.TakeStep(1)).Message);
    }

    [Fact]
    public void Of_each_name_the_copies_that_are_told_best_are_kept_photographs_and_drawings_apart()
    {
        Obverse.Training.ViewRow[] rows = [new(ViewKind.Photo, 0), new(ViewKind.Photo, 1), new(ViewKind.Drawing, 2), new(ViewKind.Photo, 3), new(ViewKind.Photo, 4), new(ViewKind.Drawing, 5)];
        string[] names = ["fox", "fox", "fox", "dog", "fox", "fox"];
        float[] recognised = [-2, -1, -9, -7, -1, -8];
        Assert.Equal([1, 3, 5], RecognisedCopies.Best(rows, names, recognised, 1)); // of equals the first
        Assert.Equal([1, 2, 3, 4, 5], RecognisedCopies.Best(rows, names, recognised, 2));
    }

    [Fact]
    public void A_photograph_has_every_frame_round_its_name()
    {
        using var folder = new TemporaryFolder();
        using (var writer = new PictureSetWriter(folder.Path))
        {
            writer.Add(new PictureEntry { Style = "photos", Concept = "fox", Name = "red fox", Names = ["red fox", "Vulpes"], Label = "fox", Split = PictureSet.Train, Source = "1.jpg", Format = PictureFormat.Jpeg, Width = 8, Height = 8 }, [1, 2, 3]);
            writer.Commit();
        }

        using var set = PictureSet.Open(folder.Path);
        var captions = LatentCaptions.Of(set, [new(ViewKind.Photo, 0), new(ViewKind.Photo, 0)], 7);
        Assert.Equal("", captions.All[0]);
        foreach (var view in captions.OfView) Assert.Superset(new HashSet<string> { "red fox", "a red fox", "a picture of a red fox", "a photo of a red fox" }, view.Select(number => captions.All[number]).ToHashSet());
    }

    [Fact]
    public void A_picture_as_the_prompt_of_a_training_is_that_of_vary()
    {
        using var program = new Commands.Program();
        using var clip = ClipModel.Load(program.Model);
        using var scope = new TensorScope();
        using var drawings = ViewTests.Drawings(program["set"]);
        using var still = new NoGrad();
        var views = new PictureViews(drawings, "test", 3, new ViewCounts { Drawings = 2, Compositions = 0 });
        FeatureCache.Build(program["seen"], views, PictureRows.Embedding(clip), [clip.ImageSize]);
        var text = clip.Text.Hidden(clip.Tokenize(["a fox"]));
        using var rows = new PictureRows(FeatureCache.Open(program["seen"]), clip, text, 9);
        using var converter = new PromptConverter(clip.Weights.All["text_projection"]) { Length = 9 };
        var picture = PictureBatches.ToTensor([views.Render(1, clip.ImageSize).Rgb], clip.ImageSize);
        var wanted = PromptConverter.Variation(converter.Convert(new ClipEncoder(clip, "a CLIP").Embed(picture)), text);
        var found = rows.Take([1]);
        Assert.Equal(wanted.Shape, found.Shape);
        Assert.True((wanted - found).Abs().Max().Item() < 0.02, "the cache holds float16");
    }

    [Fact]
    public void Views_that_are_their_own_prompt_come_last_and_from_all_pictures()
    {
        using var folder = new TemporaryFolder();
        using var set = ViewTests.Drawings(Path.Combine(folder.Path, "set"));
        var views = new PictureViews(set, "test", 3, new ViewCounts { Drawings = 2, Compositions = 0 });
        FeatureCache.Build(Path.Combine(folder.Path, "latents"), views, x => x.AdaptiveAvgPool2d(2, 2).Flatten(1), [8]);
        using var latents = FeatureCache.Open(Path.Combine(folder.Path, "latents"));
        var captions = LatentCaptions.Of(set, latents.Rows, 7);
        int[] kept = [0, 1];
        var batches = new LatentBatches(latents, captions, new DiffusionOptions { Batch = 8, PicturePrompts = 0.5, CaptionDropout = 0.25 }, kept);
        HashSet<long> seen = [];
        var dropped = 0;
        for (var step = 0; step < 50; step++)
        {
            using var draws = Generator.For(1, 2, (ulong)step);
            var (chosen, texts) = batches.At(step, draws);
            Assert.Equal(8, chosen.Length);
            Assert.InRange(texts.Length, 4, 8); // 4 with a caption, and those of the other 4 that lost their picture
            Assert.All(chosen[..4], view => Assert.Contains((int)view, kept));
            Assert.All(texts[4..], text => Assert.Equal(0, text));
            dropped += texts.Length - 4;
            seen.UnionWith(chosen[texts.Length..]);
        }

        Assert.InRange(dropped, 25, 75);
        Assert.Equal(latents.Rows.Count, seen.Count);
    }

    [Fact]
    public void Rows_of_another_text_encoder_are_not_taken_for_its_own()
    {
        using var program = new Commands.Program();
        float[] Rows(string model)
        {
            using var clip = ClipModel.Load(model);
            using var scope = new TensorScope();
            using var rows = CaptionRows.Build(program["rows"], ["a fox", "two foxes"], clip, 8);
            return rows!.Take([1]).ToFloats();
        }

        var own = Rows(program.Model);
        Assert.Equal(own, Rows(program.Model));
        Assert.NotEqual(own, Rows(program.Another(9)));
    }
}
