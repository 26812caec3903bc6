using Obverse.Evaluation;
using Obverse.Imaging;
using Xunit;

namespace Obverse.Tests.Evaluation;

public class EvaluationTableTests
{
    [Theory]
    [InlineData(3, true)]
    [InlineData(2, false)]
    public void A_likeness_is_plotted_against_a_distance_where_there_are_methods_enough(int count, bool plots)
    {
        using var folder = new Obverse.Tests.Encoders.TemporaryFolder();
        string[] methods = [.. Enumerable.Range(0, count).Select(n => $"method {n}")];
        var scores = new Dictionary<string, double> { ["a"] = 1, ["b"] = 2 };
        new EvaluationTable(new(null, [.. methods.Select(name => new TableMethod(name, name))], []),
        [
            .. methods.Index().Select(m => new TableCell(m.Item, "CLIPSIM", 20 + m.Index, 19 + m.Index, 21 + m.Index, 2, 0, 0, true) { Scores = scores }),
            .. methods.Index().Reverse().Select(m => new TableCell(m.Item, "FID", 400 + 10 * m.Index, null, null, 2, 2, 0, false)),
            .. methods.Select(name => new TableCell(name, "IS", 5, 4, 6, 2, 0, 0, true)), // higher is better, of a set: neither
        ]).Save(folder.Path);
        string[] found = [.. Directory.EnumerateFiles(folder.Path, "*-against-*").Select(file => Path.GetFileName(file))];
        Assert.Equal(plots ? ["plot-clipsim-against-fid.png"] : [], found);
        if (plots) Assert.Equal(960, Picture.Load(Path.Combine(folder.Path, found[0])).Width);
    }
}
