using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Obverse.Files;

namespace Obverse;

/// <summary>On a number of a part, a recipe or a job (on an interval: for both ends): the least and the greatest that a file may ask for. Without it a whole number may be up to a million either way, any other number finite.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class LimitAttribute(double low, double high) : Attribute
{
    public double Low => low;
    public double High => high;
}

/// <summary>On a list: how many items a file may give it. Without it up to 64.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ItemsAttribute(int least, int most) : Attribute
{
    public int Least => least;
    public int Most => most;
}

/// <summary>
/// What was read from a file, before it is used: nothing is null that must not be, every number is within its limits (<see cref="LimitAttribute"/>), lists and texts have an end, choices are known ones.
/// The file may be a stranger's. Parts of other libraries are checked as ours are.
/// </summary>
public static class Limits
{
    private const int LongestText = 1 << 16, MostWhole = 1_000_000, Deepest = 64;

    private static readonly ConcurrentDictionary<Type, Member[]> members = new();
    private static readonly Member any = new("", null, false, null, null);
    private static readonly ItemsAttribute fewItems = new(0, 64);

    /// <exception cref="InvalidDataException">The first thing that is wrong, by its place: "recipe.views.count is 0; …".</exception>
    public static void Check(object value) => Check(value, "", any, 0);

    private static void Check(object? value, string at, Member member, int depth)
    {
        switch (value)
        {
            case null:
                if (!member.IsNullable) throw Wrong(at, "is null");
                break;
            case bool:
                break;
            case string text:
                if (text.Length > LongestText) throw Wrong(at, $"has {text.Length} characters; at most {LongestText} were wanted");
                break;
            case Enum choice:
                if (!Enum.IsDefined(choice.GetType(), choice)) throw Wrong(at, $"is {choice}; wanted was one of {string.Join(", ", Enum.GetNames(choice.GetType()))}");
                break;
            case ulong number when member.Limit is null: // a seed
                _ = number;
                break;
            case double or float or Half or decimal:
                Number(Convert.ToDouble(value, CultureInfo.InvariantCulture), at, member.Limit, "a number");
                break;
            case IConvertible whole:
                Number(whole.ToDouble(CultureInfo.InvariantCulture), at, member.Limit ?? new(-MostWhole, MostWhole), "a whole number");
                break;
            case IDictionary map:
                Count(map.Count, at, member);
                foreach (DictionaryEntry pair in map)
                {
                    Check(pair.Key, at, any, depth + 1);
                    Check(pair.Value, $"{at}['{pair.Key}']", member with { IsNullable = false }, depth + 1);
                }

                break;
            case IEnumerable list:
                object?[] items = [.. list.Cast<object?>()];
                Count(items.Length, at, member);
                for (var i = 0; i < items.Length; i++) Check(items[i], $"{at}[{i}]", member with { IsNullable = false, Items = null }, depth + 1);
                break;
            default:
                if (depth > Deepest) throw Wrong(at, "is nested too deeply");
                if (value is Interval { Low: var low, High: var high } && low > high) throw Wrong(at, FormattableString.Invariant($"is {low} … {high}; the lower end first was wanted"));
                foreach (var own in members.GetOrAdd(value.GetType(), Of)) Check(own.Get!(value), at.Length == 0 ? own.Name : $"{at}.{own.Name}", own.Limit is null && member.Limit is not null ? own with { Limit = member.Limit } : own, depth + 1);
                break;
        }
    }

    private static void Number(double number, string at, LimitAttribute? limit, string what)
    {
        if (double.IsFinite(number) && (limit is null || (number >= limit.Low && number <= limit.High))) return;
        throw Wrong(at, FormattableString.Invariant($"is {number}; {what}{(limit is null ? "" : FormattableString.Invariant($" from {limit.Low} to {limit.High}"))} was wanted"));
    }

    private static void Count(int count, string at, Member member)
    {
        var items = member.Items ?? fewItems;
        if (count < items.Least || count > items.Most) throw Wrong(at, $"has {count} items; {items.Least} to {items.Most} were wanted");
    }

    private static InvalidDataException Wrong(string at, string why) => new(Visible.Of($"{(at.Length > 200 ? at[..200] + "…" : at)} {why}"));

    // Those that JSON has: of the types that are ours or another library's, not the system's.
    private static Member[] Of(Type type)
    {
        if (type.Namespace is "System" || type.Namespace?.StartsWith("System.", StringComparison.Ordinal) == true) return [];
        var nullability = new NullabilityInfoContext();
        return [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.GetMethod is not null && property.GetIndexParameters().Length == 0 && property.GetCustomAttribute<JsonIgnoreAttribute>() is not { Condition: JsonIgnoreCondition.Always })
            .Select(property => new Member(JsonNamingPolicy.CamelCase.ConvertName(property.Name), property.GetValue, nullability.Create(property).ReadState == NullabilityState.Nullable, property.GetCustomAttribute<LimitAttribute>(), property.GetCustomAttribute<ItemsAttribute>()))];
    }

    private sealed record Member(string Name, Func<object, object?>? Get, bool IsNullable, LimitAttribute? Limit, ItemsAttribute? Items);
}
