namespace Obverse.Jobs;

/// <summary>One way of drawing that is compared with others: a recipe, and whether it begins from the bank that was fitted without perturbation.</summary>
public sealed record Variant(string Name, string About, Recipe Recipe, bool PlainBank = false)
{
    public bool NeedsBank => Recipe.Bank is not null;
}

/// <summary>
/// The paper's ablations (spec implicit-inversion.md 2.8) and what stands beside them in its tables. The labels of iv and v are ambiguous there: each part is a switch of its own here, and the
/// combinations that the labels name are added.
/// </summary>
public static class Ablations
{
    /// <param name="steps">For the variants that are implicit representations, but not for those whose name is a number of steps; null: each recipe's own.</param>
    /// <param name="canvas">The bank's plan, or what plays its part.</param>
    /// <param name="quality">For recipes' numbers of views, and for the pixel baselines.</param>
    /// <param name="side">Of the pictures.</param>
    public static IReadOnlyList<Variant> All(int? steps, CanvasPlan? canvas, Quality quality, int side)
    {
        Recipe Named(string name)
        {
            var recipe = Recipes.Named(name, quality, side, side).On(canvas).Exact(); // whole steps: what is compared is the method
            return steps is { } count && recipe.Canvas is Inr ? recipe.Steps(count) : recipe;
        }

        Recipe full = Named("implicit"), unswept = full with { Schedule = full.Schedule with { LayerSweep = null } };
        Recipe NotAligned(Recipe recipe) => recipe with { Bank = recipe.Bank! with { Neighbours = 0 } };
        Recipe Progressive(Recipe recipe) => recipe with { Schedule = recipe.Schedule with { Progressive = Recipes.Named(Recipes.FromNothing, quality, side, side).Schedule.Progressive } };
        Recipe NotBlended(Recipe recipe) => recipe with { Objective = Objective.Toward() };
        return
        [
            new("full", "i: everything", full),
            new("no-sweep", "ii: every layer at the full rate, always", unswept),
            new("no-awp", "iii: begins from fits made without perturbation", full, PlainBank: true),
            new("no-procrustes", "iv as the text has it: the prompt's own embedding", NotAligned(full)),
            new("no-blend", "v as the text has it: nothing draws toward pictures", NotBlended(full)),
            new("no-sweep-no-procrustes", "iv as its label has it", NotAligned(unswept)),
            new("no-sweep-no-blend", "v as its label has it", NotBlended(unswept)),
            new("plain", "a random start, no Procrustes, no blending; everything else as in full", full with { Bank = null, Objective = Objective.Toward() }),
            new("40-steps", "everything, in 40 steps", full.Steps(40)),
            new("400-steps", "everything, in 400 steps", full.Steps(400)),
            new(Recipes.Default, "what `invert` draws with: from a bank, blended, not aligned, short", Named(Recipes.Default)),
            new(Recipes.FromNothing, "what `invert` draws with where there is no bank, at its own width and rate", Named(Recipes.FromNothing)),
            new("progressive", "the same with progressive resolution, as `invert` takes them (normal and best quality)", Progressive(Named(Recipes.FromNothing))),
            new("pyramid", "levels of pixels with Adam", Named("pyramid")),
            new("clip-inv", "pixels (Kazemi et al. 2024)", Named("clip-inv")),
            new("das", "levels of pixels (Fort and Whitaker 2025)", Named("das")),
            new("das-ensemble", "the same with three encoders", Named("das-ensemble")),
        ];
    }

    /// <summary>What is compared where nothing else is asked for: not four hundred steps, which take long, nor progressive resolution, which is no part of the method.</summary>
    public static IReadOnlyList<string> Usual { get; } = ["full", "no-sweep", "no-awp", "no-procrustes", "no-blend", "plain", "40-steps", Recipes.Default, Recipes.FromNothing, "clip-inv", "das", "das-ensemble"];
}
