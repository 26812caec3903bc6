using Obverse.Files;
using Obverse.Models;
using Obverse.Retrieval;

namespace Obverse.Jobs;

/// <summary>The bank that ships with the zoo, for the model that it was made with; and which recipe draws where nothing is said.</summary>
public static class ZooBank
{
    public const string Name = "pocket-bank";

    /// <summary>Its name where <paramref name="model"/> (null: the one that draws) is the one it was made with, to the bit, and it is there.</summary>
    public static string? Of(string? model)
    {
        if ((model ?? LoadedModel.Drawing) != LoadedModel.Drawing || Zoo.Folder is not { } zoo || !File.Exists(Path.Combine(zoo, Name, "bank.safetensors")) || !Zoo.Names.Contains(LoadedModel.Drawing)) return null;
        return belongs.Value ? Name : null;
    }

    // Two files are read for it, so once.
    private static readonly Lazy<bool> belongs = new(() => InrBank.ModelOf(Name).Sha256 is not { } sha256 || sha256 == StoredFile.Hash(Zoo.WeightsFile(LoadedModel.Drawing)));

    /// <summary>How to draw where nothing is said of it.</summary>
    public static string Recipe(string? bank, string? model) => (bank ?? Of(model)) is null ? Recipes.FromNothing : Recipes.Default;

    /// <summary>The bank that a recipe begins from; null where it needs none.</summary>
    /// <exception cref="UsageException">It needs one and there is none; or one was given that it has no use for.</exception>
    public static string? For(Recipe recipe, string? given, string? model)
    {
        if (recipe.Bank is null) return given is null ? null : throw new UsageException($"--bank is for the recipes that begin from one; '{recipe.Name}' does not");
        var bank = given ?? Of(model) ?? throw new UsageException($"recipe '{recipe.Name}' begins from a bank of pictures of {model ?? LoadedModel.Drawing}: give its file with --bank (`obverse bank build` makes one)");
        InrBank.FileOf(bank);
        return bank;
    }
}
