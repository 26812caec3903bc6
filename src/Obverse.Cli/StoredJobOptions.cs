using System.CommandLine;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>What the commands that run a job from a file have in common: the file may be a stranger's.</summary>
internal sealed class StoredJobOptions(string when = "")
{
    private readonly Option<bool> files = Flags.Switch("--allow-files", when + "Read files that the job names without a SHA-256, or by a network path.");
    private readonly Option<bool> hub = Flags.Switch("--allow-hub", when + "Fetch the job's model from the hub if it is not on this machine.");

    public void AddTo(Command command)
    {
        command.Add(files);
        command.Add(hub);
    }

    public StoredJobAccess Of(ParseResult parsed) => new(parsed.GetValue(files), parsed.GetValue(hub));
}

/// <summary>What a job from a file may touch beside hashed files.</summary>
internal readonly record struct StoredJobAccess(bool Files, bool Hub)
{
    /// <summary>The job's workshop with its models loaded; differences are noted.</summary>
    public Workshop Open(Screen screen, Job job, int? threads, out IReadOnlyList<string> differences)
    {
        var workshop = Workshop.For(job, threads, screen.Note, repository => PulledModel.Pull(repository, screen), Files, Hub);
        try
        {
            workshop.Admit(job);
            differences = Differences.Of(job, workshop);
            foreach (var difference in differences) screen.Note($"differs from the stored job: {difference}");
            return workshop;
        }
        catch
        {
            workshop.Dispose();
            throw;
        }
    }
}
