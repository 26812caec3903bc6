using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Where every network's weights come from: the file of a folder, and all tensors of a file.</summary>
public static class WeightFiles
{
    /// <summary>The file with the weights of a folder (its index, where they are in several).</summary>
    public static string Find(string folder) => FindAny(folder, WeightNames.All);

    /// <summary>The file with the weights of a pipeline's part (`unet`, `vae`, `text_encoder`).</summary>
    public static string OfPart(string folder) => FindAny(folder, WeightNames.OfPipelines);

    private static string FindAny(string folder, IReadOnlyList<string> names) =>
        names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists) ?? throw new WeightsException($"{folder}: no weights; wanted one of {string.Join(", ", names)}");

    /// <summary>Whether <see cref="Find"/> finds any.</summary>
    public static bool Holds(string folder) => WeightNames.All.Any(name => File.Exists(Path.Combine(folder, name)));

    /// <summary>Every tensor of a file, or of the files that an index names, under the names of its state dict (<see cref="StateDict"/>).</summary>
    public static Dictionary<string, Tensor> Read(string path) => Read(path, out _);

    /// <param name="path">The file.</param>
    /// <param name="classes">Of a script: the classes of its modules.</param>
    internal static Dictionary<string, Tensor> Read(string path, out IReadOnlySet<string> classes)
    {
        var tensors = new Dictionary<string, Tensor>();
        try
        {
            using var file = WeightFile.Open(path);
            classes = file.Classes;
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
    /// The names of a state dict, without what training wraps around it, however often: only what is under `state_dict` or `model_state_dict`, or under
    /// `model` beside nothing but a training's own state; without the `module.` of data-parallel runs (open_clip/factory.py, load_state_dict) and the
    /// `_orig_mod.` of torch.compile, where the first name has them.
    /// </summary>
    public static IEnumerable<(string From, string To)> StateDict(IEnumerable<string> names)
    {
        List<(string From, string To)> inside = [.. names.Select(name => (name, name))];
        for (var changed = true; changed && inside.Count > 0;)
        {
            changed = false;
            if (Container(inside) is { } container)
            {
                inside = [.. inside.Where(name => Begins(name.To, container)).Select(name => (name.From, name.To[container.Length..]))];
                changed = true;
            }
            else if (wrappers.FirstOrDefault(wrapper => Begins(inside[0].To, wrapper)) is { } wrapper)
            {
                inside = [.. inside.Select(name => Begins(name.To, wrapper) ? (name.From, name.To[wrapper.Length..]) : name)];
                changed = true;
            }
        }

        return inside;
    }

    private static readonly string[] wrappers = ["module.", "_orig_mod."];

    // What loops store beside a model; any other name beside it, and `model.` is a part of the network's own names.
    private static readonly HashSet<string> trainings =
    [
        "model", "optimizer", "optimizers", "optim", "optimizer_state_dict", "optimizer_states", "scheduler", "lr_scheduler", "lr_schedulers", "scheduler_state_dict", "scaler", "grad_scaler", "scaler_state_dict", "amp",
        "ema", "model_ema", "ema_state_dict", "epoch", "step", "global_step", "iteration", "args", "config", "hyper_parameters", "rng_state", "rng_states", "torch_rng_state", "cuda_rng_state", "loss", "callbacks", "loops",
    ];

    private static string? Container(List<(string From, string To)> names)
    {
        if (new[] { "state_dict.", "model_state_dict." }.FirstOrDefault(container => names.Any(name => Begins(name.To, container))) is { } container) return container;
        return names.Any(name => Begins(name.To, "model.")) && names.All(name => trainings.Contains(name.To.Split('.', 2)[0])) ? "model." : null;
    }

    private static bool Begins(string name, string with) => name.StartsWith(with, StringComparison.Ordinal);
}
