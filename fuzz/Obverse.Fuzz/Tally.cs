using System.Globalization;
using System.Text.Json;

namespace Obverse.Fuzz;

/// <summary>What a run over many inputs came to; a worker hands it to its parent as one line of JSON.</summary>
internal sealed class Tally
{
    public string Target { get; init; } = "";
    public int Inputs { get; set; }
    public int Accepted { get; set; }
    public double Seconds { get; set; }
    public double Slowest { get; set; }
    public double LargestFactor { get; set; }
    public List<string> Findings { get; init; } = [];

    public void Add(Trial trial, int length)
    {
        Inputs++;
        if (trial.Accepted) Accepted++;
        Slowest = Math.Max(Slowest, trial.Seconds);
        LargestFactor = Math.Max(LargestFactor, (double)trial.Allocated / Math.Max(1, length));
    }

    public void Add(Tally other)
    {
        Inputs += other.Inputs;
        Accepted += other.Accepted;
        Seconds += other.Seconds;
        Slowest = Math.Max(Slowest, other.Slowest);
        LargestFactor = Math.Max(LargestFactor, other.LargestFactor);
        Findings.AddRange(other.Findings);
    }

    public string ToJson() => JsonSerializer.Serialize(this);
    public static Tally FromJson(string line) => JsonSerializer.Deserialize<Tally>(line)!;

    public const string Header = "| target | inputs | read without error | seconds | slowest, ms | largest allocation, bytes a byte | findings |\n|---|---|---|---|---|---|---|";

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"| {Target} | {Inputs} | {Accepted} | {Seconds:0} | {Slowest * 1000:0} | {LargestFactor:0} | {Findings.Count} |");
}
