using Obverse.Torch;

namespace Obverse;

/// <summary>How much time a picture may take: steps, views and size.</summary>
public enum Quality { Draft, Normal, Best }

/// <summary>The five parts of a method, as a value: canvas plan, views, objective, schedule, and how encoders are put together. A paper's numbers live in one file of this folder.</summary>
public sealed record Recipe
{
    public required string Name { get; init; }

    /// <summary>One line for `--help`.</summary>
    public required string About { get; init; }
    public required CanvasPlan Canvas { get; init; }
    public required Views Views { get; init; }
    public required Objective Objective { get; init; }
    public required Schedule Schedule { get; init; }

    /// <summary>Sides at which the encoder looks, one member of an ensemble each; empty: the model's own.</summary>
    public IReadOnlyList<int> Sides { get; init; } = [];

    /// <summary>Views of each of the prompt's pictures, whose embeddings' mean is its target; null: the picture as it is.</summary>
    public Views? TargetViews { get; init; }

    /// <summary>What it takes from a bank of pictures; null: nothing, it needs none.</summary>
    public Prior? Prior { get; init; }

    /// <summary>How an implicit representation is fitted to the run's start picture before the first step; null: it begins from random weights or a bank's.</summary>
    public InrFit? Fit { get; init; }

    /// <summary>Coarser and cheaper early steps; null: every step is whole (`--exact`).</summary>
    public Pace? Pace { get; init; }

    /// <summary>The finished picture is the one seen in the last step, before its update.</summary>
    public bool ShowsLastSeen { get; init; }

    /// <summary>As many steps; what happens at given steps moves with them.</summary>
    public Recipe Steps(int count) => this with { Schedule = Schedule.Steps(count), Canvas = Canvas.Stretched(Schedule.StepCount, count) };

    /// <summary>On a bank's canvas, where it begins from a bank.</summary>
    public Recipe On(CanvasPlan? bank) => bank is not null && Prior is { IsRetrieved: true } ? this with { Canvas = bank } : this;

    /// <summary>As a run's JSON has it.</summary>
    public string ToJson() => PartJson.Write(this);

    public Recipe Copies(int count) => this with { Views = Views with { Copies = count } };

    public bool Equals(Recipe? other) => other is not null && Name == other.Name && Canvas.Equals(other.Canvas) && Views.Equals(other.Views) && Objective.Equals(other.Objective)
        && Schedule.Equals(other.Schedule) && Sides.SequenceEqual(other.Sides) && ShowsLastSeen == other.ShowsLastSeen && Equals(Prior, other.Prior) && Equals(Fit, other.Fit) && Equals(Pace, other.Pace) && Equals(TargetViews, other.TargetViews);
    public override int GetHashCode() => HashCode.Combine(Name, Canvas, Schedule);
}

/// <summary>The recipes by name, each from its own file.</summary>
public static partial class Recipes
{
    /// <summary>What draws where nothing else is asked for and there is a bank of the model's: best by the eye, within a minute (docs/defaults.md).</summary>
    public const string Default = "implicit-blend";

    /// <summary>The same where there is no bank.</summary>
    public const string FromNothing = "implicit-plain";

    /// <summary>The same where a picture is to begin from: an INR begins from weights.</summary>
    public const string FromPicture = "pyramid";

    /// <summary>Every recipe.</summary>
    public static IReadOnlyList<string> Names => [.. all.Keys];

    /// <summary>Those that need no picture to work on; without a bank, only those that need none.</summary>
    public static IReadOnlyList<string> FromWords(bool withBank) => [.. all.Keys.Except(fromPictures).Where(name => withBank || Named(name).Prior is null)];

    /// <summary>The views of CLIP^-1 (spec implicit-inversion.md 2.6): scale, shear and colour, beyond the edge its own colour.</summary>
    private static Views Framed(int copies) => Views.Of(copies).Scale(0.8, 1.2).Shear(10).Affine(Border.Clamp).Color(0.2);

    // The applications: each has a command of its own.
    private static readonly string[] fromPictures = ["reconstruct", "edit", "restyle"];

    private static readonly Dictionary<string, Func<Quality, int, int, Recipe>> all = new()
    {
        ["implicit-plain"] = ImplicitPlain,
        ["pyramid"] = Pyramid,
        ["das"] = Das,
        ["das-ensemble"] = DasEnsemble,
        ["clip-inv"] = ClipInv,
        ["implicit-blend"] = ImplicitBlend,
        ["implicit"] = Implicit,
        ["implicit-fast"] = ImplicitFast,
        ["reconstruct"] = Reconstruct,
        ["edit"] = Edit,
        ["restyle"] = Restyle,
    };

    /// <exception cref="ArgumentException">No recipe of that name; the message lists those there are.</exception>
    public static Recipe Named(string name, Quality quality = Quality.Normal, int width = 128, int height = 128) =>
        all.TryGetValue(name, out var make) ? make(quality, width, height) : throw new ArgumentException($"no recipe '{name}'; there are: {string.Join(", ", all.Keys)}");

    private static T Choose<T>(Quality quality, T draft, T normal, T best) => quality switch { Quality.Draft => draft, Quality.Best => best, _ => normal };
}
