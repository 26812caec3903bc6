using System.Runtime.CompilerServices;

namespace Obverse.Models;

/// <summary>What a pickle may ask of the world outside it. The reader itself knows no name and calls nothing.</summary>
internal interface IPickleResolver
{
    /// <summary>What stands for a name; one that is not known is refused.</summary>
    object Global(string module, string name);

    /// <summary>What stands for the result of a call.</summary>
    object? Reduce(object? callable, object?[] arguments);

    /// <summary>What stands for a new object of a class.</summary>
    object New(object? type, object?[] arguments);

    /// <summary>What stands for something that lies outside the pickle.</summary>
    object Persistent(object? id);
}

/// <summary>A dict or an OrderedDict. Lists are List, tuples arrays, numbers long, BigInteger, double and bool.</summary>
internal sealed class PickleDictionary(bool takesAttributes = false)
{
    private readonly Dictionary<object, object?> items = new(Keys.Instance);

    /// <summary>True for an OrderedDict: a state dict's _metadata are attributes of it, not items.</summary>
    public bool TakesAttributes => takesAttributes;
    public int Count => items.Count;
    public IEnumerable<KeyValuePair<object, object?>> Items => items;
    public object? this[string key] => items.GetValueOrDefault(key);

    /// <summary>The last of equal keys counts; false where the key cannot be one.</summary>
    public bool Set(object? key, object? value)
    {
        if (key is not (null or string or long or bool or double or object[])) return false;
        items[key ?? Keys.None] = value;
        return true;
    }

    // Hashes are salted, so that nobody can choose keys that collide; tuples are only themselves.
    private sealed class Keys : IEqualityComparer<object>
    {
        public static readonly Keys Instance = new();
        public static readonly object None = new();

        public new bool Equals(object? a, object? b) => a is object[] ? ReferenceEquals(a, b) : object.Equals(a, b);

        public int GetHashCode(object key) => key switch
        {
            string text => text.GetHashCode(StringComparison.Ordinal),
            long number => HashCode.Combine((int)number, (int)(number >> 32)),
            double number => HashCode.Combine((int)BitConverter.DoubleToInt64Bits(number), (int)(BitConverter.DoubleToInt64Bits(number) >> 32)),
            _ => RuntimeHelpers.GetHashCode(key is bool yes ? yes ? Instance : None : key),
        };
    }
}

/// <summary>An object of a class that is not known: its attributes, if it was given any.</summary>
internal sealed class PickleObject
{
    public PickleDictionary? Attributes { get; set; }
}

/// <summary>Bytes, sets: read past, of no use here.</summary>
internal sealed class PickleNothing
{
    public static readonly PickleNothing Instance = new();
}
