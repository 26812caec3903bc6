using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Tests.Engine;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Evaluation;

public class SaliencyTests
{
    public static TheoryData<string> Maps => Fixtures.Traces("saliency");

    [SkippableTheory]
    [MemberData(nameof(Maps))]
    public void Maps_and_ascent_are_the_reference(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        foreach (var quick in (bool[])[false, true])
        {
            var at = $"out.{(quick ? "quickgelu" : "gelu")}.";
            using var clip = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, quick);
            var image = trace["in.image"];
            var saliency = clip.Saliency(trace["in.text"]);
            var (score, gradient) = saliency.InputGradient(image);
            trace.Meets(at + "score", Tensor.Number(score));
            trace.Meets(at + "input_grad", gradient);
            var (map, shown) = saliency.GradCam(image);
            trace.Meets(at + "gradcam.map", map);
            trace.Meets(at + "gradcam.upsampled", map.Resize(image.Size(2), image.Size(3)));
            trace.Meets(at + "gradcam.normalised", shown);
            var inside = new Trace();
            clip.Raw(image, inside);
            var blocks = 0;
            for (; trace.Has($"{at}attention{blocks}"); blocks++) trace.Meets($"{at}attention{blocks}", inside[$"attention.{blocks}"]);
            trace.Meets(at + "gradcam.activations", inside[$"ln_1.{blocks - 1}"]);
            var rollout = saliency.Rollout(image);
            trace.Meets(at + "rollout.matrix", rollout);
            trace.Meets(at + "rollout.map", saliency.OfClassToken(rollout, image));
            trace.Meets(at + "relevance.map", saliency.OfClassToken(saliency.Relevance(image), image));
            foreach (var (step, (ascended, before)) in saliency.Ascent(image, trace.Int("ascent_steps"), trace.Number("ascent_size")).Index())
            {
                trace.Meets($"{at}ascent{step}.score", Tensor.Number(before));
                trace.Meets($"{at}ascent{step}.image", ascended);
            }
        }

        trace.EveryOutputIsMet((@"\w+\.gradcam\.(gradient|weights)", "inside Grad-CAM; the map made of them is compared"));
    }

    [Fact]
    public void White_noise_has_a_sixty_fourth_of_its_energy_in_the_lowest_frequencies()
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        var noise = random.Normal(1, 3, 128, 128);
        Assert.Equal(1 / 64.0, Saliency.LowFrequencyShare(noise), 0.003);
        Assert.True(Saliency.LowFrequencyShare(random.Normal(1, 3, 4, 4).Resize(128, 128)) > 0.9);
    }

    [Fact]
    public void A_convolutional_tower_has_a_map_and_no_attention()
    {
        using var scope = new TensorScope();
        using var random = new Generator(6);
        using var model = ClipModel.Random(new() { Vision = new() { ImageSize = 64, EmbedDim = 16, TimmName = "tf_efficientnet_lite0" }, Text = new() { Width = 16, Layers = 1, Heads = 2, MlpWidth = 32, VocabularySize = 600, EmbedDim = 16 } }, random, Precision.Float32);
        var saliency = new Saliency(model, random.Normal(16));
        var (map, shown) = saliency.GradCam(random.Normal(1, 3, 64, 64));
        Assert.Equal([1, 1, 2, 2], map.Shape.ToArray());
        Assert.Equal([1, 1, 64, 64], shown.Shape.ToArray());
        var error = Assert.Throws<NotSupportedException>(() => saliency.Rollout(random.Normal(1, 3, 64, 64)));
        Assert.Contains("a vision transformer was wanted", error.Message, StringComparison.Ordinal);
    }
}
