using System.Collections;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obverse;

/// <summary>A list that cannot change and is equal to another of equal items, as the records that hold it are: <c>[1, 2, 3]</c> makes one.</summary>
[CollectionBuilder(typeof(ValueList), nameof(ValueList.Of))]
[JsonConverter(typeof(ValueListConverter))]
public sealed class ValueList<T> : IReadOnlyList<T>, IEquatable<ValueList<T>>
{
    private readonly T[] items;

    internal ValueList(ReadOnlySpan<T> items) => this.items = [.. items];

    public int Count => items.Length;
    public T this[int index] => items[index];
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)items).GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => items.GetEnumerator();

    public bool Equals(ValueList<T>? other) => other is not null && items.AsSpan().SequenceEqual(other.items);
    public override bool Equals(object? other) => Equals(other as ValueList<T>);
    public override int GetHashCode() => items.Aggregate(items.Length, HashCode.Combine);
    public override string ToString() => $"[{string.Join(", ", items.Select(item => FormattableString.Invariant($"{item}")))}]";
}

/// <summary>Makes them.</summary>
public static class ValueList
{
    public static ValueList<T> Of<T>(ReadOnlySpan<T> items) => new(items);
}

/// <summary>A JSON array.</summary>
internal sealed class ValueListConverter : JsonConverterFactory
{
    public override bool CanConvert(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueList<>);

    public override JsonConverter CreateConverter(Type type, JsonSerializerOptions options) => (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(type.GetGenericArguments()))!;

    private sealed class Of<T> : JsonConverter<ValueList<T>>
    {
        public override ValueList<T> Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            try
            {
                return new(JsonSerializer.Deserialize<T[]>(ref reader, options));
            }
            catch (JsonException wrong)
            {
                throw new JsonException(PartJson.Placed(wrong), wrong); // an error's own place begins at this list
            }
        }

        public override void Write(Utf8JsonWriter writer, ValueList<T> value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value.ToArray(), options);
    }
}
