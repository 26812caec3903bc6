using System.Globalization;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>What a training run needs to go on where it was: weights, their averages, the optimiser's moments, steps and time. It belongs to the options it was made with.</summary>
internal static class TrainingCheckpoint
{
    public static void Save(string path, IReadOnlyList<(string Name, Tensor Tensor)> learned, IReadOnlyList<Tensor> averages, Optimizer optimizer, long step, TimeSpan elapsed, string options)
    {
        using var scope = new TensorScope();
        List<KeyValuePair<string, Tensor>> all = [.. learned.Select(l => KeyValuePair.Create("weights." + l.Name, l.Tensor.Detach()))];
        all.AddRange(averages.Select((average, i) => KeyValuePair.Create("average." + learned[i].Name, average)));
        all.AddRange(optimizer.Save().Select(pair => KeyValuePair.Create("optimizer." + pair.Key, pair.Value)));
        Safetensors.Save(path, all, new Dictionary<string, string>
        {
            ["step"] = step.ToString(CultureInfo.InvariantCulture),
            ["seconds"] = elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture),
            ["options"] = options,
        });
    }

    /// <summary>Steps and time so far, with everything put in place; nothing where there is no file.</summary>
    /// <exception cref="InvalidDataException">It was made with other options.</exception>
    public static (long Step, TimeSpan Elapsed) Load(string path, IReadOnlyList<(string Name, Tensor Tensor)> learned, IReadOnlyList<Tensor> averages, Optimizer optimizer, string options)
    {
        if (!File.Exists(path)) return (0, TimeSpan.Zero);
        using var still = new NoGrad();
        using var scope = new TensorScope();
        using var file = Safetensors.Open(path);
        if (file.Metadata.GetValueOrDefault("options") != options) throw new InvalidDataException($"{path}: was made with other options; give another --work folder, or the options it was made with");
        foreach (var (name, tensor) in learned) tensor.CopyInPlace(file["weights." + name]);
        for (var i = 0; i < averages.Count; i++) averages[i].CopyInPlace(file["average." + learned[i].Name]);
        optimizer.Load(name => file.Contains("optimizer." + name) ? file["optimizer." + name] : null);
        return (long.Parse(file.Metadata["step"], CultureInfo.InvariantCulture), TimeSpan.FromSeconds(double.Parse(file.Metadata["seconds"], CultureInfo.InvariantCulture)));
    }
}
