using Obverse.Files;
using Obverse.Imaging;

namespace Obverse.Jobs;

/// <summary>The settings of an inversion, each with a default. <see cref="Check"/> refuses invalid ones before a model is loaded.</summary>
public sealed record InversionRequest
{
    public string? Prompt { get; init; }

    /// <summary>The prompt in its parts, in place of <see cref="Prompt"/>.</summary>
    public Prompt? Parts { get; init; }

    /// <summary>Pictures added to the prompt, with an optional weight after a colon.</summary>
    public IReadOnlyList<string> Toward { get; init; } = [];

    /// <summary>By name, or a .json file; null: the default for bank and start picture.</summary>
    public string? Recipe { get; init; }

    /// <summary>One model, or several as an ensemble; none: pocket-clipag.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];
    public Quality? Quality { get; init; }

    /// <summary>Time budget; chooses steps, views and size.</summary>
    public TimeSpan? Time { get; init; }
    public int? Steps { get; init; }
    public int? Views { get; init; }
    public PictureSize? Size { get; init; }
    public int? Width { get; init; }
    public int? Height { get; init; }

    /// <summary>The size the picture is rendered at, if that is not the size it is drawn at.</summary>
    public PictureSize? Shown { get; init; }
    public ulong Seed { get; init; }

    /// <summary>Pictures with consecutive seeds; --time is for all of them.</summary>
    public int Count { get; init; } = 1;
    public string? Bank { get; init; }
    public string? Start { get; init; }
    public string? Mask { get; init; }

    /// <summary>Without progressive resolution.</summary>
    public bool Exact { get; init; }

    /// <summary>The picture's shape that is used where no size is asked for; null: that of <see cref="Start"/>.</summary>
    public PictureSize? Shape { get; init; }

    /// <summary>Changes that a command makes to the recipe.</summary>
    public Func<Recipe, Recipe> Adapt { get; init; } = recipe => recipe;

    /// <summary>The model that draws, or the first of several.</summary>
    public string Model => Models.Count > 0 ? Models[0] : LoadedModel.Drawing;

    private const double MostStretch = 4; // one side sixteen times the other: thinner pictures are drawn as one of that shape

    /// <summary>Refuses what cannot be: no such recipe, bank, model or picture, settings that contradict each other.</summary>
    /// <exception cref="UsageException">The message names the setting.</exception>
    /// <exception cref="IOException">A picture that cannot be read.</exception>
    public CheckedRequest Check(Workshop workshop)
    {
        var prompt = Parts ?? Jobs.Prompt.Parse(Prompt ?? "", Toward);
        var only = Models.Count > 1 ? null : Models.FirstOrDefault();
        var name = Recipe ?? (Start is not null ? Recipes.FromPicture : Models.Count > 1 ? Recipes.FromNothing : ZooBank.Recipe(Bank, only));
        var recipe = Adapt(Recipes.Named(name));
        MustBeValid(recipe);
        if ((recipe.Fit is not null || recipe.Canvas.NeedsStart) && Start is null) throw new UsageException($"recipe '{name}' works on a picture, which `obverse invert`, `compare` and `edit` take with --start");
        if (recipe.Bank is not null && Models.Count > 1) throw new UsageException($"recipe '{name}' starts from the bank of one model; {Models.Count} models were given");
        var bank = ZooBank.For(recipe, Bank, only);
        if (Time is not null && (Steps is not null || Quality is not null)) throw new UsageException("--time also chooses steps and quality: give --time, or --steps and --quality");
        if (Mask is not null && Start is null) throw new UsageException(recipe.Canvas is Strokes { Svg: not null } ? "--mask wants a picture as --start, the picture to change; an SVG has no pixels" : "--mask needs --start, the picture to change");
        foreach (var model in Models.DefaultIfEmpty(LoadedModel.Drawing)) workshop.Find(model);
        foreach (var picture in prompt.Images.Select(part => part.Image).Append(Mask).OfType<string>()) _ = Picture.Load(picture); // one that cannot be read is told before anything is loaded
        var started = Start is null ? null : Picture.Load(Start);
        return new(this with { Shape = Shape ?? (started is null ? null : new(started.Width, started.Height)) }, name, prompt, bank);
    }

    private void MustBeValid(Recipe recipe)
    {
        if (Steps is < 1) throw new UsageException($"{Steps} steps were given; at least one was wanted");
        if (Steps is { } steps) recipe = recipe.Steps(steps);
        if (Views is { } views) recipe = recipe.ViewCount(views);
        foreach (var side in new[] { Width ?? Size?.Width, Height ?? Size?.Height }) if (side is < PictureSize.Least or > PictureSize.Most) throw new UsageException($"a side of {side} pixels was given; {PictureSize.Least} to {PictureSize.Most} were wanted");
        try
        {
            Limits.Check(recipe);
        }
        catch (InvalidDataException wrong)
        {
            throw new UsageException($"recipe '{recipe.Name}': {wrong.Message}");
        }
    }

    /// <summary>The side to draw at, from the model's input side: smaller for draft, larger for best, a multiple of 8.</summary>
    public static int SideFor(Quality quality, int side) => quality == global::Obverse.Quality.Normal ? side : Math.Max(PictureSize.Least, (int)(side * (quality == global::Obverse.Quality.Draft ? 0.75 : 1.5) / 8) * 8);

    /// <summary>Width and height at a quality, from the model's input side.</summary>
    public PictureSize SizeFor(Quality quality, int side)
    {
        if (Size is { } size) return new(Width ?? size.Width, Height ?? size.Height);
        var own = SideFor(quality, side);
        if (Width is not null || Height is not null || Shape is not { } shape) return new(Width ?? own, Height ?? own);
        // As many pixels, in the picture's aspect ratio.
        int Side(double length) => Math.Clamp((int)Math.Round(length / 8) * 8, PictureSize.Least, PictureSize.Most);
        var stretch = Math.Clamp(Math.Sqrt(shape.Width / (double)shape.Height), 1 / MostStretch, MostStretch);
        return new(Side(own * stretch), Side(own / stretch));
    }
}
