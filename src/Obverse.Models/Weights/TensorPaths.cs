using System.Globalization;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>Finds the tensors in nested dictionaries, lists, tuples and modules, each under the path of its keys joined by dots. Everything else is passed over.</summary>
internal sealed class TensorPaths(string origin, long visits, long letters)
{
    private const int MaxDepth = 100, MaxName = 4096;

    private readonly Dictionary<string, TensorReference> tensors = [];
    private readonly List<object> path = [];

    /// <param name="operations">Of the pickle: what is shared may be met more often than it was written, but not without end ("billion laughs").</param>
    /// <param name="bytes">Of the pickle.</param>
    public static IReadOnlyDictionary<string, TensorReference> Of(object? root, string origin, long operations, long bytes)
    {
        var paths = new TensorPaths(origin, 4096 + 8 * operations, (1 << 16) + 8 * bytes);
        paths.Visit(root);
        return paths.tensors;
    }

    private void Visit(object? value)
    {
        if (--visits < 0) throw Bad("what is shared in it is met too often");
        switch (value)
        {
            case TensorReference tensor: Add(tensor); break;
            case PickleDictionary dictionary: Enter(dictionary.Items); break;
            case PickleObject { Attributes: { } attributes }: Enter(attributes.Items); break;
            case List<object?> list: Enter(list.Select((item, index) => KeyValuePair.Create((object)(long)index, item))); break;
            case object?[] tuple: Enter(tuple.Select((item, index) => KeyValuePair.Create((object)(long)index, item))); break;
        }
    }

    private void Enter(IEnumerable<KeyValuePair<object, object?>> items)
    {
        if (path.Count == MaxDepth) throw Bad($"it is nested more than {MaxDepth} deep, or within itself");
        foreach (var (key, item) in items)
        {
            path.Add(key);
            Visit(item);
            path.RemoveAt(path.Count - 1);
        }
    }

    private void Add(TensorReference tensor)
    {
        var length = (long)path.Count;
        foreach (var key in path) length += key is string text ? text.Length : 20;
        if (length > MaxName || (letters -= length) < 0) throw Bad($"the names of its tensors are too long ({length} letters)");
        var name = path.Count == 0 ? "tensor" : string.Join('.', path.Select(key => key switch
        {
            string text => text,
            long number => number.ToString(CultureInfo.InvariantCulture),
            _ => throw Bad("a tensor is stored under a key that is neither text nor a whole number"),
        }));
        if (!tensors.TryAdd(name, tensor)) throw Bad($"two tensors are called '{TensorResolver.Shown(name)}'");
    }

    private WeightsException Bad(string why) => new($"{origin}: not weights: {why}");
}
