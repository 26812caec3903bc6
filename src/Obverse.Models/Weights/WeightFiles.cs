using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Where every network's weights come from: the file of a folder, and all tensors of a file.</summary>
public static class WeightFiles
{
    /// <summary>The file with the weights of a folder (its index, where they are in several).</summary>
    public static string Find(string folder) =>
        WeightNames.All.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) ?? throw new WeightsException($"{folder}: no weights; wanted one of {string.Join(", ", WeightNames.All)}");

    /// <summary>Whether <see cref="Find"/> finds any.</summary>
    public static bool Holds(string folder) => WeightNames.All.Any(name => File.Exists(Path.Combine(folder, name)));

    /// <summary>Every tensor of a file, or of the files that an index names, under the names of its state dict (<see cref="StateDict"/>).</summary>
    public static Dictionary<string, Tensor> Read(string path)
    {
        var tensors = new Dictionary<string, Tensor>();
        try
        {
            using var file = WeightFile.Open(path);
            foreach (var (from, to) in StateDict(file.Names))
            {
                if (tensors.ContainsKey(to)) throw new WeightsException($"{path}: tensor '{to}' is there twice, once as '{from}'");
                tensors.Add(to, file[from]);
            }

            return tensors;
        }
        catch
        {
            foreach (var tensor in tensors.Values) tensor.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The names of a state dict, without what training wraps around it: only what is under `state_dict`, where there is one, and without the `module.` of
    /// data-parallel runs, where the first name has it (open_clip/factory.py, load_state_dict).
    /// </summary>
    public static IEnumerable<(string From, string To)> StateDict(IEnumerable<string> names)
    {
        const string wrapper = "state_dict.", module = "module.";
        var all = names.ToList();
        var inside = all.Where(name => name.StartsWith(wrapper, StringComparison.Ordinal)).Select(name => (From: name, To: name[wrapper.Length..])).ToList();
        if (inside.Count == 0) inside = [.. all.Select(name => (name, name))];
        var isWrapped = inside.Count > 0 && inside[0].To.StartsWith(module, StringComparison.Ordinal);
        return inside.Select(name => isWrapped && name.To.StartsWith(module, StringComparison.Ordinal) ? (name.From, name.To[module.Length..]) : name);
    }
}
