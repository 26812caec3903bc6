using System.Globalization;

namespace Obverse.Training;

/// <summary>A line of numbers now and then: <c>step,minutes,rate,strings_per_second,part=value…</c>; taken up again it forgets what lies after the checkpoint.</summary>
internal sealed class PretrainingLog : IDisposable
{
    private readonly StreamWriter file;

    private PretrainingLog(StreamWriter file) => this.file = file;

    public static PretrainingLog Open(string path, long step)
    {
        const string Header = "step,minutes,rate,strings_per_second,parts";
        string[] kept = File.Exists(path) ? [.. File.ReadLines(path).Skip(1).Where(line => long.TryParse(line.Split(',')[0], out var at) && at <= step)] : [];
        File.WriteAllText(path, string.Concat(kept.Prepend(Header).Select(line => line + "\n")));
        return new(new StreamWriter(path, append: true) { AutoFlush = true });
    }

    public void Write(PretrainingStep step, double rate) => file.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{step.Step},{step.Elapsed.TotalMinutes:F2},{rate:G4},{step.StringsPerSecond:F0},{string.Join(' ', step.Parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key}={part.Value:F4}")))}"));

    public void Dispose() => file.Dispose();
}
