using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>Says on stderr, with --json too, how prompts with weights were read.</summary>
internal static class Readings
{
    private const int Most = 3;

    public static void Tell(Screen screen, IEnumerable<Prompt> prompts)
    {
        string[] readings = [.. prompts.Select(prompt => prompt.Reading).OfType<string>().Distinct()];
        foreach (var reading in readings.Take(Most)) screen.Note(reading);
        if (readings.Length > Most) screen.Note($"{readings.Length - Most} more prompts have weights");
    }
}
