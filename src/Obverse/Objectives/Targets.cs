using System.Collections;

namespace Obverse;

/// <summary>The targets of an inversion by name, each with one <see cref="Target"/> for every member of its encoder: members have embeddings of different widths. Objectives name what they mean: <c>Toward("style")</c>.</summary>
public sealed class Targets : IEnumerable<KeyValuePair<string, IReadOnlyList<Target>>>, IDisposable
{
    /// <summary>The prompt, the default target.</summary>
    public const string Prompt = "prompt";

    /// <summary>A blend of real pictures near the prompt (spec implicit-inversion.md 2.7).</summary>
    public const string Pictures = "pictures";

    /// <summary>The start picture.</summary>
    public const string Start = "start";

    private readonly Dictionary<string, IReadOnlyList<Target>> named = [];

    public Targets()
    {
    }

    /// <summary>A prompt alone, one target per member.</summary>
    public Targets(params IReadOnlyList<Target> prompt) => this[Prompt] = prompt;

    /// <exception cref="KeyNotFoundException">No target of that name; the message lists those there are.</exception>
    public IReadOnlyList<Target> this[string name]
    {
        get => named.TryGetValue(name, out var found) ? found : throw new KeyNotFoundException($"the objective names the target '{name}'; the inversion has {(named.Count == 0 ? "none" : string.Join(", ", named.Keys))}");
        set => named[name] = value;
    }

    public bool Contains(string name) => named.ContainsKey(name);

    /// <exception cref="ArgumentException">Not one target for every member, or one of another width.</exception>
    public void MustFit(Encoder encoder)
    {
        foreach (var (name, members) in named)
        {
            if (members.Count != encoder.Members.Count) throw new ArgumentException($"{members.Count} targets '{name}' for {encoder.Members.Count} encoders: one each is wanted");
            foreach (var (target, (member, _)) in members.Zip(encoder.Members)) if (target.Embeddings.Size(-1) != member.Dimension) throw new ArgumentException($"the target '{name}' has {target.Embeddings.Size(-1)} numbers; {member.Name} wants {member.Dimension}");
        }
    }

    public IEnumerator<KeyValuePair<string, IReadOnlyList<Target>>> GetEnumerator() => named.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        foreach (var target in named.Values.SelectMany(members => members)) target.Dispose();
    }
}
