using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>Many samples into a folder: `diffuse --batch`, `vary --batch`, `story`. Finished ones are not drawn again, others go on from their checkpoint.</summary>
internal static class SampleBatch
{
    private const int Shown = 60;

    /// <param name="screen">Where progress and result go.</param>
    /// <param name="options">The command's.</param>
    /// <param name="parsed">What was given.</param>
    /// <param name="items">A line a picture.</param>
    /// <param name="folder">Where they go.</param>
    /// <param name="title">Of the contact sheet.</param>
    /// <param name="jobOf">The job of a line, from the one that the options make.</param>
    public static int Run(Screen screen, SamplingOptions options, ParseResult parsed, IReadOnlyList<SampleLine> items, string folder, string title, Func<SampleLine, SampleJob, Workshop, SampleJob> jobOf)
    {
        using var workshop = options.Workshop(screen, parsed);
        var json = options.IsJson(parsed);
        var first = options.Job(workshop, parsed);
        using var alone = FileLock.TakeFolder(folder, (1, 1));
        var watch = Stopwatch.StartNew();
        var (made, present, failed) = (0, 0, 0);
        JobList.Samples(Planned(), one => (one.Job, Path.Combine(folder, one.Item.File)), workshop, 1, (one, path, done) =>
        {
            if (done is null)
            {
                present++;
                return;
            }

            made++;
            if (json) screen.Json(new { Event = "picture", File = path, one.Item.Line, Prompt = one.Job.Title, done.Job.Seed, Seconds = Math.Round(done.Seconds, 3) });
            else screen.Note(string.Create(CultureInfo.InvariantCulture, $"{made + present + failed}/{items.Count} {one.Item.File}: {Durations.Show(done.Seconds)}, about {Durations.Show(watch.Elapsed.TotalSeconds / made * (items.Count - made - present - failed))} left"));
        }, (one, wrong) => Failed(one.Item, wrong), screen.Stop, replaces: false);
        List<(Picture Picture, string Label)> there = [.. items.Select(item => (Path: Path.Combine(folder, item.File), item.Name)).Where(one => File.Exists(one.Path)).Take(Shown).Select(one => (Picture.Load(one.Path), one.Name))];
        var sheet = there.Count > 0 ? Path.Combine(folder, BatchLines.Sheet) : null;
        if (sheet is not null) ContactSheet.Save(ContactSheet.Draw(there, (int)Math.Ceiling(Math.Sqrt(there.Count)), 128, $"{title}: {there.Count} of {items.Count}"), sheet);
        if (json) screen.Json(new { Event = "result", Folder = folder, Drawn = made, AlreadyThere = present, Failed = failed, Sheet = sheet, Seconds = Math.Round(watch.Elapsed.TotalSeconds, 3) });
        else screen.Say($"{folder}  {made} drawn, {present} there already{(failed > 0 ? $", {failed} failed" : "")}{(sheet is null ? "" : $"; {sheet}")}");
        return failed > 0 ? 1 : 0;

        // One at a time: a story's next job depends on the picture before it. A line that cannot be drawn is reported, and the others go on.
        IEnumerable<(SampleLine Item, SampleJob Job)> Planned()
        {
            foreach (var item in items)
            {
                SampleJob job;
                try
                {
                    job = jobOf(item, first with { Seed = item.Seed ?? first.Seed, Negative = item.Negative ?? first.Negative }, workshop);
                    if (item.Line == items[0].Line) SamplingOptions.Tell(screen, job, workshop.Diffusion(job.Model.Name, job.Tuning));
                }
                catch (Exception wrong) when (wrong is UsageException or FormatException or IOException or InvalidDataException)
                {
                    Failed(item, wrong);
                    continue;
                }

                yield return (item, job);
            }
        }

        void Failed(SampleLine item, Exception wrong)
        {
            failed++;
            screen.Note($"line {item.Line}, \"{item.Name}\": {wrong.Message}");
        }
    }
}
