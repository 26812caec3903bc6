using Obverse.Files;

namespace Obverse.Models;

/// <summary>Where models are found by name: a file or folder as given (one that is called as a model of the zoo must hold weights), then the pocket zoo that ships with the project, then the hub's cache.</summary>
public static class Zoo
{
    /// <summary>The zoo's folder: OBVERSE_ZOO, <c>models/</c> beside the program (the package Obverse.Zoo puts it there), or of the repository it was built in; null where there is none.</summary>
    public static string? Folder { get; } = Environment.GetEnvironmentVariable("OBVERSE_ZOO") is { Length: > 0 } named ? named : Find(AppContext.BaseDirectory);

    /// <summary>The zoo's CLIPs, by name.</summary>
    public static IReadOnlyList<string> Names => [.. Models(Folder).Order(StringComparer.Ordinal)];

    /// <summary>Everything in the zoo that holds weights, by name: <see cref="Names"/> and the bank, the VQGAN, Stable Diffusion and others.</summary>
    public static IReadOnlyList<string> All => !Directory.Exists(Folder) ? [] : [.. Directory.EnumerateDirectories(Folder).Where(d => Directory.EnumerateFiles(d, "*.safetensors", SearchOption.AllDirectories).Any()).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    /// <summary>The folder or file of a model; an architecture before it (<see cref="ModelName"/>) is left out.</summary>
    /// <exception cref="FileNotFoundException">Nothing of that name; the message lists what there is.</exception>
    public static string Resolve(string model) => Resolve(model, Environment.CurrentDirectory);

    internal static string Resolve(string model, string here)
    {
        model = ModelName.Parse(model).Path;
        var zoo = Folder is not null && model.Length > 0 && model.IndexOfAny(['/', '\\']) < 0 && Path.Combine(Folder, model) is var folder && Directory.Exists(folder) ? folder : null;
        // A folder of pictures may well be called as the model that drew them: it hides none of the zoo's.
        var given = Path.GetFullPath(model, here);
        if (model.Length > 0 && (File.Exists(given) || (Directory.Exists(given) && (zoo is null || WeightFiles.Holds(given))))) return given;
        if (zoo is not null) return zoo;
        var has = All.Count == 0 ? "nothing (the package Obverse.Zoo brings it)" : string.Join(", ", All);
        if (HubRepository.TryParse(model) is not { } repository) throw new FileNotFoundException($"no model '{model}': not a folder or file here, and not in the zoo, which has {has}");
        return Cached(repository) ?? throw new FileNotFoundException($"no model '{model}': not a folder or file here, not in the zoo, which has {has}, and not in the hub's cache {HubSettings.FromEnvironment().Cache}; `obverse models pull {model}` fetches it");
    }

    /// <summary>The folder of a hub's repository where the cache has a whole model of it.</summary>
    public static string? Cached(HubRepository repository) => new HubCache(HubSettings.FromEnvironment().Cache).Snapshot(repository) is { } snapshot && HubModelFiles.IsWhole(snapshot) ? snapshot : null;

    /// <summary>The file that holds a model's weights.</summary>
    public static string WeightsFile(string model) => Resolve(model) is var path && Directory.Exists(path) ? WeightFiles.Find(path) : path;

    // The package Obverse.Zoo copies `models/` beside a user's program. A folder of that name that holds none, such as a program's own sources, is passed by.
    internal static string? Find(string program)
    {
        for (var at = program; at is not null; at = Path.GetDirectoryName(at))
        {
            var folder = Path.Combine(at, "models");
            if (Models(folder).Any()) return folder;
        }

        return null;
    }

    private static IEnumerable<string> Models(string? folder) => !Directory.Exists(folder) ? [] : Directory.EnumerateDirectories(folder, "*", new EnumerationOptions()).Where(d => File.Exists(Path.Combine(d, "open_clip_config.json"))).Select(d => Path.GetFileName(d));
}
