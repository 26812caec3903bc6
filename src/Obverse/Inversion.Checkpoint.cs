using Obverse.Torch;

namespace Obverse;

public sealed partial class Inversion
{
    /// <summary>What a checkpoint needs beside the job's description: parameters, moments and the step's number.</summary>
    public void Save(string path, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var scope = new TensorScope();
        var state = Canvas.State().Select(pair => KeyValuePair.Create("canvas." + pair.Key, pair.Value))
            .Concat((optimizer?.Save() ?? []).Select(pair => KeyValuePair.Create("optimizer." + pair.Key, pair.Value)))
            .Append(KeyValuePair.Create("next", Tensor.From([(long)Next])));
        Safetensors.Save(path, state, metadata);
    }

    /// <summary>Resumes where <see cref="Save"/> was called; the rest of the inversion must be the same.</summary>
    public void Restore(string path)
    {
        using var file = Safetensors.Open(path);
        using var scope = new TensorScope();
        Next = (int)file["next"].Item();
        Canvas.Restore(name => file[file.Contains("canvas." + name) ? "canvas." + name : name]); // version 0.1 has "last-seen" beside the canvas
        Begin();
        optimizer!.Load(name => file.Contains("optimizer." + name) ? file["optimizer." + name] : null);
    }
}
