using System.Reflection;
using Obverse.Torch;

namespace Obverse;

/// <summary>Marks a method of <see cref="Recipes"/> (quality, width, height) -> recipe as a named recipe.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RecipeAttribute : Attribute
{
    /// <summary>True for a recipe that works on a picture and has a command of its own.</summary>
    public bool WorksOnPicture { get; init; }
}

/// <summary>The recipes by name, each from its own file.</summary>
public static partial class Recipes
{
    /// <summary>The default if the model has a bank (docs/defaults.md).</summary>
    public const string Default = "implicit-blend";

    /// <summary>The default without a bank.</summary>
    public const string FromNothing = "implicit-plain";

    /// <summary>The default with a start picture: an INR starts from weights.</summary>
    public const string FromPicture = "pyramid";

    private static readonly Lazy<SortedDictionary<string, (Func<Quality, int, int, Recipe> Make, bool WorksOnPicture)>> all = new(() =>
    {
        var found = new SortedDictionary<string, (Func<Quality, int, int, Recipe>, bool)>(StringComparer.Ordinal);
        foreach (var method in typeof(Recipes).GetMethods(BindingFlags.Public | BindingFlags.Static))
        {
            if (method.GetCustomAttribute<RecipeAttribute>() is not { } mark) continue;
            var make = method.CreateDelegate<Func<Quality, int, int, Recipe>>();
            found.Add(make(Quality.Normal, 128, 128).Name, (make, mark.WorksOnPicture));
        }

        return found;
    });

    /// <summary>Every recipe.</summary>
    public static IReadOnlyList<string> Names => [.. all.Value.Keys];

    /// <summary>Those that need no picture to work on; without a bank, only those that need none.</summary>
    public static IReadOnlyList<string> FromText(bool withBank) => [.. all.Value.Where(pair => !pair.Value.WorksOnPicture && (withBank || Named(pair.Key).Bank is null)).Select(pair => pair.Key)];

    /// <summary>By its name, with the numbers of a quality and a size; or, where the name ends in .json, a file's own.</summary>
    /// <exception cref="ArgumentException">No recipe of that name; the message lists those there are.</exception>
    /// <exception cref="IOException">No such file, or none that holds a recipe.</exception>
    public static Recipe Named(string name, Quality quality = Quality.Normal, int width = 128, int height = 128)
    {
        if (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return File.Exists(name) ? Recipe.FromJson(File.ReadAllText(name), name) : throw new FileNotFoundException($"{name}: no such recipe file");
        return all.Value.TryGetValue(name, out var recipe) ? recipe.Make(quality, width, height) : throw new ArgumentException($"no recipe '{name}'; there are: {string.Join(", ", Names)}; or give a file that ends in .json");
    }

    /// <summary>The views of CLIP^-1 (spec implicit-inversion.md 2.6): scale, shear and colour, beyond the edge its own colour.</summary>
    private static Views Framed(int count) => Views.Of(count).Scale(0.8, 1.2).Shear(10).Affine(Border.Clamp).Color(0.2);

    private static T Choose<T>(Quality quality, T draft, T normal, T best) => quality switch { Quality.Draft => draft, Quality.Best => best, _ => normal };
}
