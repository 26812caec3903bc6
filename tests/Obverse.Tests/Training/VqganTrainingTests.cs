using Obverse.Tests.Encoders;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Training;

public class VqganTrainingTests
{
    private static readonly VqganOptions Small = new() { Steps = 24, Side = 16, Batch = 2, Widths = [32, 32], Codes = 16, CodeWidth = 8, Rate = 3e-3, Warmup = 2, LogEvery = 4, FeatureWeight = 0 };

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
}
