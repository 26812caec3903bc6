using Obverse.Fuzz;
using Obverse.Jobs;
using Xunit;
using Xunit.Abstractions;
using Reader = Obverse.Fuzz.Target;

namespace Obverse.Tests.Fuzzing;

/// <summary>A few hundred damaged inputs through every reader; fuzz/run.sh does more.</summary>
[Collection("command line")] // alone: time and memory are watched
public class FuzzTests(ITestOutputHelper output)
{
    private const int Count = 400;

    public static TheoryData<string> Targets => [.. Catalogue.All.Select(target => target.Name)];

    [Theory, MemberData(nameof(Targets))]
    public void Damaged_inputs_are_read_or_refused_as_documented(string name)
    {
        var tally = Worker.Run(Catalogue.Named(name), seed: 20, first: 0, count: Count);
        output.WriteLine(Tally.Header + "\n" + tally);
        Assert.Equal(Count, tally.Inputs);
        Assert.Empty(tally.Findings);
        Assert.True(tally.Accepted is > 0, "nothing was read: the seeds are no good");
        Assert.True(name == "tokenizer-text" || tally.Accepted < Count, "nothing was refused: the changes are no good");
    }

    [Fact]
    public void What_goes_wrong_is_found()
    {
        Reader Faulty(Action<byte[]> read) => new("faulty", ".bin") { Seeds = () => [[1, 2, 3, 4]], Read = read, Documented = [typeof(InvalidDataException)], Allowance = length => 1000 + length };
        string? Of(Action<byte[]> read) => Trial.Of(Faulty(read), [1, 2, 3]).Wrong;
        Assert.Null(Of(_ => { }));
        Assert.Null(Of(_ => throw new InvalidDataException("in one line")));
        Assert.Contains("IndexOutOfRange", Of(bytes => bytes[3]++));
        Assert.Contains("several lines", Of(_ => throw new InvalidDataException("two\nlines")));
        Assert.Contains("allocated", Of(_ => GC.KeepAlive(new byte[5000])));
        Assert.Contains("took", Of(_ =>
        {
            // Both the clock and the process, in which other tests may run.
            var clock = System.Diagnostics.Stopwatch.StartNew();
            for (var until = Environment.CpuUsage.TotalTime + TimeSpan.FromSeconds(1.1); clock.Elapsed.TotalSeconds < 1.1 || Environment.CpuUsage.TotalTime < until;) Thread.SpinWait(1000);
        }));
    }

    [Fact]
    public void The_same_seed_gives_the_same_inputs()
    {
        foreach (var target in Catalogue.All)
        {
            var (one, two, other) = (new Inputs(target, 3), new Inputs(target, 3), new Inputs(target, 4));
            Assert.All(Enumerable.Range(0, 60), n => Assert.Equal(one[n], two[n]));
            Assert.Contains(Enumerable.Range(0, 60), n => !one[n].AsSpan().SequenceEqual(other[n]));
        }
    }
}
