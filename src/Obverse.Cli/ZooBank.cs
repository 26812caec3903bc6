using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;

namespace Obverse.Cli;

/// <summary>The bank that ships with the zoo, for the model that it was made with.</summary>
internal static class ZooBank
{
    public const string Name = "pocket-bank", Description = "Bank of implicit representations, for the recipes that begin from one. [default: pocket-bank, of pocket-clipag]";

    /// <summary>Its name where <paramref name="model"/> (null: the one that draws) is the one it was made with, to the bit, and it is there.</summary>
    public static string? Of(string? model)
    {
        if ((model ?? LoadedModel.Drawing) != LoadedModel.Drawing || Zoo.Folder is not { } zoo || !File.Exists(Path.Combine(zoo, Name, "bank.safetensors")) || !Zoo.Names.Contains(LoadedModel.Drawing)) return null;
        return belongs.Value ? Name : null;
    }

    // Two files are read for it, so once.
    private static readonly Lazy<bool> belongs = new(() => InrBank.ModelOf(Name).Sha256 is not { } sha256 || sha256 == StoredFile.Hash(Zoo.WeightsFile(LoadedModel.Drawing)));

    /// <summary>What <see cref="Recipe"/> answers, for `--help`.</summary>
    public const string UsualRecipe = $"{Recipes.Default}; {Recipes.FromNothing} where the model has no bank";

    /// <summary>How to draw where nothing is said of it.</summary>
    public static string Recipe(string? given, string? model) => (given ?? Of(model)) is null ? Recipes.FromNothing : Recipes.Default;

    /// <summary>The bank that a recipe begins from; null where it needs none.</summary>
    /// <exception cref="UsageException">It needs one and there is none; or one was given that it has no use for.</exception>
    public static string? For(Recipe recipe, string? given, string? model)
    {
        if (recipe.Prior is null) return given is null ? null : throw new UsageException($"--bank is for the recipes that begin from one; '{recipe.Name}' does not");
        var bank = given ?? Of(model) ?? throw new UsageException($"recipe '{recipe.Name}' begins from a bank of pictures of {model ?? LoadedModel.Drawing}: give its file with --bank (`obverse bank build` makes one)");
        InrBank.FileOf(bank);
        return bank;
    }
}
