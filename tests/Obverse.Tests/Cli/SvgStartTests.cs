using Obverse.Jobs;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>`obverse invert --start x.svg`: what is said of the drawing that it begins with.</summary>
[Collection("command line")]
public class SvgStartTests
{
    private const string Wave = "<path d='M0 0L40 10' stroke='navy'/><circle cx='20' cy='5' r='4' stroke='rgb(255,0,0)' fill='none'/>";

    [Fact]
    public void What_is_left_out_is_said()
    {
        var (program, answer) = Draw($"<svg width='32' height='32'><rect width='100%' height='100%' fill='white'/>{Wave}<text>a cat</text><image/><path d='M0 0H9V9Z' fill='#00f8' clip-path='url(#c)' mask='none' style='stroke-dasharray:1'/><style>g path{{stroke:red}} @media print{{}}</style></svg>");
        using (program)
        {
            Assert.Contains("start.svg: 2 of 5 elements are not strokes (text, image) and were left out", answer.Error, StringComparison.Ordinal);
            Assert.Contains("start.svg: 1 of 5 elements has a fill and no stroke: its outline is drawn", answer.Error, StringComparison.Ordinal);
            Assert.Contains("start.svg: not read of its style sheet: g path, @media;", answer.Error, StringComparison.Ordinal);
            Assert.Contains("start.svg: its strokes are drawn without clip-path, stroke-dasharray", answer.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("stretched", answer.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_size_of_another_shape_is_obeyed_and_it_is_said()
    {
        var (program, answer) = Draw($"<svg width='40mm' height='10mm'>{Wave}</svg>", "--size", "32");
        using (program)
        {
            Assert.Contains("start.svg: 151x38 is stretched to 32x32; without --size", answer.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("left out", answer.Error, StringComparison.Ordinal);
        }

        (program, answer) = Draw($"<svg viewBox='0 0 40 10'>{Wave}</svg>");
        using (program)
        {
            var job = InversionJob.FromPicture(program["out.png"]);
            Assert.Equal((64, 16), (job.Width, job.Height));
            Assert.DoesNotContain("start.svg:", answer.Error, StringComparison.Ordinal);
        }
    }

    private static (Program Program, Answer Answer) Draw(string svg, params string[] more)
    {
        var program = new Program();
        File.WriteAllText(program["start.svg"], svg);
        var answer = program.Run(["invert", "a cat", "--recipe", "clipdraw", "--start", program["start.svg"], "--model", program.Model, "--steps", "1", "--views", "1", "-o", program["out.png"], .. more]);
        Assert.True(answer.Code == 0, answer.Error);
        return (program, answer);
    }
}
