namespace Obverse.Jobs;

/// <summary>One variant of an ablation: a recipe, and whether it starts from the bank fitted without weight perturbation.</summary>
public sealed record Variant(string Name, string About, Recipe Recipe, bool PlainBank = false)
{
    public bool NeedsBank => Recipe.Bank is not null;
}

/// <summary>
/// The paper's ablations (spec implicit-inversion.md 2.8) and the baselines of its tables. The labels iv and v are ambiguous there: here each part is switched off alone, and the
/// combinations that the labels name are added.
/// </summary>
public static class Ablations
{
    /// <param name="steps">Steps of the INR variants, except those named by their number of steps; null: those of each recipe.</param>
    /// <param name="canvas">The plan of the bank, or one in its place.</param>
    /// <param name="quality">Quality of the recipes.</param>
    /// <param name="side">Side of the pictures.</param>
    public static IReadOnlyList<Variant> All(int? steps, CanvasPlan? canvas, Quality quality, int side)
    {
        Recipe Named(string name)
        {
            var recipe = Recipes.Named(name, quality, side, side).On(canvas).Exact(); // no progressive resolution: the method itself is compared
            return steps is { } count && recipe.Canvas is Inr ? recipe.Steps(count) : recipe;
        }

        Recipe full = Named("implicit"), unswept = full with { Schedule = full.Schedule with { LayerSweep = null } };
        Recipe NotAligned(Recipe recipe) => recipe with { Bank = recipe.Bank! with { Neighbours = 0 } };
        Recipe Progressive(Recipe recipe) => recipe with { Schedule = recipe.Schedule with { Progressive = Recipes.Named(Recipes.FromNothing, quality, side, side).Schedule.Progressive } };
        Recipe NotBlended(Recipe recipe) => recipe with { Objective = Objective.Toward() };
        return
        [
            new("full", "i: the full method", full),
            new("no-sweep", "ii: no layer sweep: every layer at the full rate throughout", unswept),
            new("no-awp", "iii: bank fitted without weight perturbation (AWP)", full, PlainBank: true),
            new("no-procrustes", "iv as described in the text: no Procrustes alignment", NotAligned(full)),
            new("no-blend", "v as described in the text: no blending with pictures", NotBlended(full)),
            new("no-sweep-no-procrustes", "iv as labelled in the table: no sweep, no Procrustes alignment", NotAligned(unswept)),
            new("no-sweep-no-blend", "v as labelled in the table: no sweep, no blending", NotBlended(unswept)),
            new("plain", "random start, no Procrustes alignment, no blending; otherwise as full", full with { Bank = null, Objective = Objective.Toward() }),
            new("40-steps", "the full method in 40 steps", full.Steps(40)),
            new("400-steps", "the full method in 400 steps", full.Steps(400)),
            new(Recipes.Default, "the default of `invert`: start from a bank, blending, no alignment, few steps", Named(Recipes.Default)),
            new(Recipes.FromNothing, "the default of `invert` without a bank, at its own width and rate", Named(Recipes.FromNothing)),
            new("progressive", "the same with progressive resolution, as in `invert`", Progressive(Named(Recipes.FromNothing))),
            new("pyramid", "multi-resolution pixels (pyramid), Adam", Named("pyramid")),
            new("clip-inv", "pixels, CLIP-Inv (Kazemi et al. 2024)", Named("clip-inv")),
            new("das", "multi-resolution pixels, Direct Ascent Synthesis (Fort and Whitaker 2025)", Named("das")),
            new("das-ensemble", "Direct Ascent Synthesis with three encoders", Named("das-ensemble")),
        ];
    }

    /// <summary>Variants by name, each with the bank that it starts from.</summary>
    /// <exception cref="UsageException">No such variant, or its bank is missing.</exception>
    public static IReadOnlyList<Variant> Chosen(IEnumerable<string> names, IReadOnlyList<Variant> all, string? bank, string? plainBank)
    {
        Variant[] chosen = [.. names.Select(name => all.FirstOrDefault(v => v.Name == name) ?? throw new UsageException($"no variant '{name}'; there are: {string.Join(", ", all.Select(v => v.Name))}"))];
        foreach (var variant in chosen.Where(v => v.NeedsBank))
            if ((variant.PlainBank ? plainBank : bank) is null) throw new UsageException($"variant '{variant.Name}' starts from a bank: give {(variant.PlainBank ? "--plain-bank" : "--bank")}, or choose others with --variants");
        return chosen;
    }

    /// <summary>The default variants: without 400 steps, which take long, and progressive resolution, which is no part of the method.</summary>
    public static IReadOnlyList<string> Usual { get; } = ["full", "no-sweep", "no-awp", "no-procrustes", "no-blend", "plain", "40-steps", Recipes.Default, Recipes.FromNothing, "clip-inv", "das", "das-ensemble"];
}
