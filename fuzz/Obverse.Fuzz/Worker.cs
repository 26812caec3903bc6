using System.Diagnostics;

namespace Obverse.Fuzz;

/// <summary>Runs a stretch of inputs in this process.</summary>
internal static class Worker
{
    private const int MostFindings = 20;

    /// <summary><paramref name="begin"/> is called with each input before it is read, <paramref name="wrong"/> with those that went wrong.</summary>
    public static Tally Run(Target target, int seed, int first, int count, Action<int, byte[]>? begin = null, Func<int, byte[], string, string>? wrong = null)
    {
        var inputs = new Inputs(target, seed);
        _ = Trial.Of(target, inputs[0]); // libraries load, code is compiled: not the first input's doing
        var tally = new Tally { Target = target.Name };
        var watch = Stopwatch.StartNew();
        var kinds = new HashSet<string>();
        for (var n = first; n < first + count; n++)
        {
            var input = inputs[n];
            begin?.Invoke(n, input);
            var trial = Trial.Of(target, input);
            tally.Add(trial, input.Length);
            var problem = trial.Wrong ?? (n < inputs.SeedCount && !trial.Accepted ? $"a whole file was refused: {trial.Error!.Message}" : null);
            if (problem is null || !kinds.Add(Kind(problem)) || tally.Findings.Count >= MostFindings) continue; // one of a kind
            tally.Findings.Add(wrong?.Invoke(n, input, problem) ?? $"{target.Name} {seed} {n}: {problem}");
        }

        tally.Seconds = watch.Elapsed.TotalSeconds;
        return tally;
    }

    private static string Kind(string problem) => new([.. problem.Where(c => !char.IsAsciiDigit(c))]);
}
