using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Records what a network computes on the way, by name ("embeddings", "block.0", "attention.0", …). Give one to Forward to look inside.</summary>
public sealed class Trace
{
    private readonly Dictionary<string, Tensor> states = [];

    public Tensor this[string name] => states.TryGetValue(name, out var state) ? state : throw new KeyNotFoundException($"trace: no '{name}'; there are {string.Join(", ", states.Keys)}");
    public IReadOnlyDictionary<string, Tensor> States => states;

    public void Add(string name, Tensor state) => states.Add(name, state);
}
