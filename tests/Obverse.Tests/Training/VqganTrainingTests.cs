using Obverse.Files;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class VqganTrainingTests
{
    private static readonly VqganOptions Small = new() { Steps = 24, Side = 16, Batch = 2, Widths = [32, 32], Codes = 16, CodeWidth = 8, Groups = 32, Rate = 3e-3, Warmup = 2, LogEvery = 4, FeatureWeight = 0 };

    [Fact]
    public void The_loss_falls_and_more_than_one_code_is_used()
    {
        using var folder = new TemporaryFolder();
        using var set = ViewTests.Drawings(folder.Path);
        List<PretrainingStep> steps = [];
        using var training = new VqganTraining(Small);
        Assert.True(training.Run(set, progress: steps.Add));
        Assert.True(steps[^1].Loss < 0.8 * steps[0].Loss, string.Join(", ", steps.Select(step => step.Loss)));
        Assert.True(steps[^1].Parts["perplexity"] > 1.5, $"perplexity {steps[^1].Parts["perplexity"]}");
    }

    [Fact]
    public void A_training_that_was_stopped_ends_with_the_bytes_of_one_that_was_not()
    {
        using var folder = new TemporaryFolder();
        using var set = ViewTests.Drawings(Path.Combine(folder.Path, "set"));
        byte[] Weights(string work, int? stopAt)
        {
            var file = Path.Combine(folder.Path, work + ".safetensors");
            for (var finished = false; !finished; stopAt = null)
            {
                using var training = new VqganTraining(Small with { Average = 0.9 });
                using var stop = new CancellationTokenSource();
                finished = training.Run(set, Path.Combine(folder.Path, work), step =>
                {
                    if (step.Step == stopAt) stop.Cancel();
                }, () => training.Save(file), stop.Token);
                Assert.Equal(stopAt is null, finished);
            }

            return File.ReadAllBytes(file);
        }

        Assert.Equal(Weights("whole", null), Weights("stopped", 8));
    }

    [Fact]
    public void Before_it_has_learned_anything_flat_colours_come_back_and_the_latent_is_haars()
    {
        using var scope = new TensorScope();
        using var still = new NoGrad();
        foreach (var widths in (int[][])[[16, 32], [16, 32, 64], [16, 32, 32, 48]])
        {
            var options = new VqganOptions { Widths = widths };
            Assert.True(VqganStart.Fits(options));
            using var weights = TensorScope.Unscoped(() => Weights.New(new Generator(3)));
            var model = new Vqgan(weights, options.Config);
            VqganStart.Apply(weights, options);
            var side = 4 * options.Config.Factor;
            var flat = Tensor.From([0.8f, -0.6f, 0.1f, -0.9f, 0.9f, 0.5f, 0, 0, 0], 3, 3, 1, 1).Expand(3, 3, side, side).Contiguous();
            Assert.InRange((model.Decode(model.Encode(flat)) - flat).Abs().Max().Item(), 0, 0.1);

            var half = Tensor.Zeros([1, 3, side, side]);
            half.Narrow(3, 0, options.Config.Factor / 2).FillInPlace(0.5); // the left half of the first column of codes
            var latent = model.Encode(half).Select(0, 0).Select(1, 0).Select(1, 0).ToFloats(); // the first code's numbers
            var wanted = 5 * Math.Sqrt(3) / 4; // twice the mean, on sqrt(3) colours, halved, times five
            Assert.InRange(latent[0], 0.99 * wanted, 1.001 * wanted);
            Assert.InRange(latent[3], 0.99 * wanted, 1.001 * wanted); // and as much across
            Assert.All(latent.Index().Where(one => one.Index is not (0 or 3)), one => Assert.InRange(one.Item, -5e-3, 5e-3));
        }
    }

    [Fact]
    public void What_was_trained_loads_with_its_groups_and_another_number_is_refused()
    {
        using var scope = new TensorScope();
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "model.safetensors");
        using var training = new VqganTraining(Small with { Groups = 8 });
        training.Save(file);
        using (var model = Vqgan.Load(file)) Assert.Equal(8, model.Config.Groups);
        Dictionary<string, Tensor> tensors;
        using (var read = Safetensors.Open(file)) tensors = read.Names.ToDictionary(name => name, name => read[name]);
        Safetensors.Save(Path.Combine(folder.Path, "old.safetensors"), tensors);
        using (var model = Vqgan.Load(Path.Combine(folder.Path, "old.safetensors"))) Assert.Equal(32, model.Config.Groups);
        foreach (var (groups, wanted) in (ReadOnlySpan<(string, string)>)[("three", "a whole number"), ("5", "multiple of 5")])
        {
            Safetensors.Save(Path.Combine(folder.Path, "bad.safetensors"), tensors, new Dictionary<string, string> { [VqganConfig.GroupsKey] = groups });
            Assert.Contains(wanted, Assert.Throws<WeightsException>(() => Vqgan.Load(Path.Combine(folder.Path, "bad.safetensors"))).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Weights_without_an_encoder_begin_from_random_codes()
    {
        using var scope = new TensorScope();
        using var folder = new TemporaryFolder();
        using var random = new Generator(1);
        var file = Path.Combine(folder.Path, "decoder.safetensors");
        using (var model = TensorScope.Unscoped(() => new Vqgan(Weights.New(random), Small.Config with { HasEncoder = false }))) model.Save(file);
        using var canvas = new VqganLatent(StartsFromNoise: true).Create(new CanvasContext(16, 16, random) { WeightsFile = _ => file });
        Assert.Equal([1, 3, 16, 16], canvas.Render().Shape);
    }
}
