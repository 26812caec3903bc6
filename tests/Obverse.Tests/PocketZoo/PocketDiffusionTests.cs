using Obverse.Evaluation;
using Obverse.Imaging;
using Xunit;

namespace Obverse.Tests.PocketZoo;

/// <summary>The small Stable Diffusion that ships: it draws what it was told, and pictures as prompts work with it.</summary>
[Collection("command line")]
public class PocketDiffusionTests
{
    [Fact]
    public void Its_samples_show_what_was_asked_for_and_a_sample_can_be_the_prompt()
    {
        using var program = new Commands.Program();
        string[] things = ["goldfish", "bell pepper", "goose", "brain coral", "school bus"];
        using var judge = Judge.Load();
        List<int> ranks = [];
        foreach (var thing in things)
        {
            var drawn = program.Run("diffuse", $"a photo of a {thing}", "--seed", "1", "--threads", "1", "-o", program[$"{thing}.png"]);
            Assert.True(drawn.Code == 0, drawn.Error);
            var picture = Picture.Load(program[$"{thing}.png"]);
            Assert.Equal((32, 32), (picture.Width, picture.Height));
            ranks.Add(judge.Assess(picture, thing).LowPass.Rank);
        }

        Assert.True(ranks.Count(rank => rank <= 5) >= 3, string.Join(", ", ranks));
        var varied = program.Run("vary", program["goldfish.png"], "--edit", "in the snow", "--threads", "1", "-o", program["varied.png"]);
        Assert.True(varied.Code == 0, varied.Error);
    }
}
