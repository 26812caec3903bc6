using System.Text.Json;
using System.Text.Json.Serialization;
using Obverse.Files;

namespace Obverse;

/// <summary>A trade-off of time and quality: steps, augmentations per step and size.</summary>
public enum Quality { Draft, Normal, Best }

/// <summary>A target's name and its text.</summary>
public readonly record struct NamedText(string Name, string Text);

/// <summary>The parts of a method, as a value: canvas plan, views, objective, schedule, and how encoders are put together. A paper's numbers live in one file of this folder.</summary>
public sealed record Recipe
{
    public required string Name { get; init; }

    /// <summary>One line for `obverse recipes`.</summary>
    public string About { get; init; } = "";
    public required CanvasPlan Canvas { get; init; }
    public required Views Views { get; init; }
    public required Objective Objective { get; init; }
    public required Schedule Schedule { get; init; }

    /// <summary>Input sides of one encoder, a member of an ensemble each; empty: the model's own.</summary>
    [Limit(8, 8192), Items(0, 16)]
    public ValueList<int> Sides { get; init; } = [];

    /// <summary>Views of each picture in the prompt, whose mean embedding is the target; null: the picture without views.</summary>
    public Views? TargetViews { get; init; }

    /// <summary>Its use of a bank of captioned pictures; null: none.</summary>
    public BankPlan? Bank { get; init; }

    /// <summary>How an implicit representation is fitted to the job's start picture before the first step; null: it starts from random weights or those of a bank.</summary>
    public InrFit? Fit { get; init; }

    /// <summary>The finished picture is the one encoded in the last step, before its update (<see cref="LastSeenCanvas"/>).</summary>
    public bool ShowsLastSeen { get; init; }

    /// <summary>The finished picture is that of the step before which the views were nearest to the prompt (<see cref="BestCanvas"/>).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool ShowsBest { get; init; }

    /// <summary>Pictures go to the encoder without its mean and deviation taken off, as some published notebooks have it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SkipsNormalization { get; init; }

    /// <summary>How a start picture is chosen where the job names none; null: the canvas begins as its plan says.</summary>
    public GaussianStart? Start { get; init; }

    /// <summary>Further targets by name; null: none. A job may give others.</summary>
    public ValueList<NamedText>? Texts { get; init; }

    /// <summary>Each text is embedded in 79 of OpenAI's 80 sentences ("a photo of the …"), as CLIPStyler does: the mean of the raw embeddings.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool UsesTemplates { get; init; }

    /// <summary>Files of weights that its parts need, by the names that they are given there; a job stores each with its hash.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> NeededWeights => [.. Canvas.NeededWeights.Concat(Start?.NeededWeights ?? []).Concat(Objective.NeededWeights).Distinct()];

    /// <summary>With N steps; what happens at given steps is moved in proportion.</summary>
    public Recipe Steps(int count) => this with { Schedule = Schedule.Steps(count), Canvas = Canvas.Stretched(Schedule.StepCount, count) };

    /// <summary>With N augmentations per step.</summary>
    public Recipe ViewCount(int count) => this with { Views = Views with { Count = count } };

    /// <summary>Without progressive resolution.</summary>
    public Recipe Exact() => this with { Schedule = Schedule with { Progressive = null } };

    /// <summary>With the canvas of a bank, if it starts from one.</summary>
    public Recipe On(CanvasPlan? bank) => bank is not null && Bank is { IsRetrieved: true } ? this with { Canvas = bank } : this;

    /// <summary>As a file: `obverse recipes NAME --json` prints it, `--recipe FILE.json` draws with it.</summary>
    public string ToJson(bool isIndented = false) => PartJson.Write(this, isIndented);

    /// <exception cref="InvalidDataException">Not the JSON of a recipe; the message says what is wrong with it.</exception>
    public static Recipe FromJson(string text, string source = "recipe")
    {
        try
        {
            var recipe = PartJson.Read<Recipe>(text, isStrict: true);
            Limits.Check(recipe);
            return recipe;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or InvalidDataException)
        {
            throw new InvalidDataException(Visible.Of($"{source}: not a recipe: {(e is JsonException json ? PartJson.Placed(json) : e.Message).Split('\n')[0]}"), e);
        }
    }
}
