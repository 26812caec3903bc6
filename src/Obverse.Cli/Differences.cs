using Obverse.Jobs;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What is not as it was when a run was made, so that its picture may come out otherwise.</summary>
internal static class Differences
{
    public static IReadOnlyList<string> Of(Run run, LoadedModel model)
    {
        List<string> found = [];
        if (run.ModelSha256 is { } was && was != model.Sha256) found.Add($"the weights of {model.Name} are others (SHA-256 {model.Sha256[..12]}…, the run had {was[..Math.Min(12, was.Length)]}…)");
        if (run.WordsSha256 is { } said && said != model.WordsSha256) found.Add($"the words of {model.Name} are others (SHA-256 {model.WordsSha256?[..12] ?? "none"}…, the run had {said[..Math.Min(12, said.Length)]}…)");
        if (run.Threads != Runtime.Threads) found.Add($"{Runtime.Threads} threads, the run had {run.Threads}");
        if (run.Libtorch != Runtime.Version) found.Add($"libtorch {Runtime.Version}, the run had {run.Libtorch}");
        if (run.Random != Generator.Name) found.Add($"random numbers by {Generator.Name}, the run had {run.Random ?? "libtorch's Mersenne twister"}");
        if (run.Obverse != Run.Version) found.Add($"Obverse {Run.Version}, the run had {run.Obverse}");
        return found;
    }

    public static void Tell(Run run, LoadedModel model, Screen screen)
    {
        foreach (var difference in Of(run, model)) screen.Note($"not as it was: {difference}");
    }
}
