using Obverse.Imaging;
using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse invert --start`: the picture's shape.</summary>
[Collection("command line")]
public class StartShapeTests
{
    [Theory]
    [InlineData(400, 100, 64, 16)]
    [InlineData(100, 400, 16, 64)]
    [InlineData(90, 90, 32, 32)]
    public void Without_a_size_the_start_pictures_shape_is_drawn(int width, int height, int drawnWidth, int drawnHeight)
    {
        var (program, answer) = Draw(width, height);
        using (program)
        {
            var job = InversionJob.FromPicture(program["out.png"]);
            Assert.Equal((drawnWidth, drawnHeight), (job.Width, job.Height));
            Assert.DoesNotContain("stretched", answer.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_size_of_another_shape_is_obeyed_and_it_is_said()
    {
        var (program, answer) = Draw(400, 100, "--size", "32");
        using (program)
        {
            Assert.Equal(32, InversionJob.FromPicture(program["out.png"]).Height);
            Assert.Contains("start.png: 400x100 is stretched to 32x32; without --size", answer.Error, StringComparison.Ordinal);
        }

        (program, answer) = Draw(400, 100, "--width", "64", "--height", "16");
        using (program) Assert.DoesNotContain("stretched", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_canvas_rendered_in_another_shape_is_stretched_and_it_is_said()
    {
        var (program, _) = Draw(400, 100);
        using (program)
        {
            var answer = program.Run("render", program["out.png"], "--size", "32", "-o", program["square.png"]);
            Assert.Equal(0, answer.Code);
            Assert.Contains("out.png: 64x16 is stretched to 32x32", answer.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("stretched", program.Run("render", program["out.png"], "--size", "128x32", "-o", program["large.png"]).Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_ribbon_is_drawn_no_thinner_than_sixteen_to_one()
    {
        var (program, answer) = Draw(9000, 3);
        using (program)
        {
            var job = InversionJob.FromPicture(program["out.png"]);
            Assert.Equal((128, 8), (job.Width, job.Height));
            Assert.Contains("start.png: 9000x3 is stretched to 128x8", answer.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("--size", answer.Error, StringComparison.Ordinal);
        }
    }

    private static (Program Program, Answer Answer) Draw(int width, int height, params string[] more)
    {
        var program = new Program();
        new Picture(width, height, new byte[width * height * 3]).Save(program["start.png"]);
        var answer = program.Run(["invert", "a cat", "--start", program["start.png"], "--model", program.Model, "--steps", "1", "--views", "1", "-o", program["out.png"], .. more]);
        Assert.True(answer.Code == 0, answer.Error);
        return (program, answer);
    }
}
