using Obverse.Files;
using Obverse.Models;
using Obverse.Retrieval;

namespace Obverse.Jobs;

/// <summary>The bank that ships with the zoo, for the model it was built with; and the default recipe.</summary>
public static class ZooBank
{
    public const string Name = "pocket-bank";

    /// <summary>Its name if it is installed and <paramref name="model"/> (null: the default for drawing) has the weights it was built with; else null.</summary>
    public static string? Of(string? model)
    {
        if ((model ?? LoadedModel.Drawing) != LoadedModel.Drawing || Zoo.Folder is not { } zoo || !File.Exists(Path.Combine(zoo, Name, "bank.safetensors")) || !Zoo.Names.Contains(LoadedModel.Drawing)) return null;
        return belongs.Value ? Name : null;
    }

    // Reads two files, so once.
    private static readonly Lazy<bool> belongs = new(() => InrBank.ModelOf(Name).Sha256 is not { } sha256 || sha256 == StoredFile.Hash(Zoo.WeightsFile(LoadedModel.Drawing)));

    /// <summary>The default recipe.</summary>
    public static string Recipe(string? bank, string? model) => (bank ?? Of(model)) is null ? Recipes.FromNothing : Recipes.Default;

    /// <summary>The bank that a recipe starts from; null if it needs none.</summary>
    /// <exception cref="UsageException">It needs a bank and there is none; or one was given and it needs none.</exception>
    public static string? For(Recipe recipe, string? given, string? model)
    {
        if (recipe.Bank is null) return given is null ? null : throw new UsageException($"--bank is for recipes that start from a bank; '{recipe.Name}' does not");
        var bank = given ?? Of(model) ?? throw new UsageException($"recipe '{recipe.Name}' starts from a bank built with {model ?? LoadedModel.Drawing}: give its file with --bank (`obverse bank build` builds one)");
        InrBank.FileOf(bank);
        return bank;
    }
}
