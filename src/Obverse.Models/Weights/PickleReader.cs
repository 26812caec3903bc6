using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Obverse.Files;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>
/// Python's pickles of protocols 2 to 4, to plain values. It is a loop over opcodes: nothing recurses, nothing is looked up or called but by
/// <see cref="IPickleResolver"/>, every length is held against the bytes there are before it is believed.
/// </summary>
internal sealed class PickleReader
{
    /// <summary>Far above any checkpoint's: Python itself nests no deeper than 1000, a training state of 10,000 tensors takes half a million operations.</summary>
    public const int MaxMarks = 1000, MaxHeld = 4_000_000, MaxOperations = 20_000_000, MaxText = 1 << 26;

    private static readonly UTF8Encoding utf8 = new(false, throwOnInvalidBytes: true);

    private readonly List<object?> stack = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<uint, object?> memo = [];
    private readonly MappedBytes memory;
    private readonly long from, end;
    private readonly string origin;
    private readonly IPickleResolver resolver;
    private long at;

    public PickleReader(MappedBytes memory, long from, long end, string origin, IPickleResolver resolver) =>
        (this.memory, this.from, this.end, this.origin, this.resolver, at) = (memory, from, end, origin, resolver, from);

    /// <summary>Where it stands in the file: behind the pickle once that is read.</summary>
    public long Position => at;
    public int Operations { get; private set; }

    public object? Read()
    {
        if (Byte() != 0x80) throw Bad("it does not begin with a protocol, wanted 2 to 4");
        if (Byte() is var protocol && protocol is < 2 or > 4) throw Bad($"its protocol is {protocol}, wanted 2 to 4");
        while (true)
        {
            if (++Operations > MaxOperations) throw Bad($"it has more than {MaxOperations} operations");
            var operation = Byte();
            if (operation == '.') break;
            Do(operation);
            if (stack.Count > MaxHeld || memo.Count > MaxHeld) throw Bad($"it holds more than {MaxHeld} values at once");
        }

        return stack.Count == 1 && marks.Count == 0 ? stack[0] : throw Bad($"it ends with {stack.Count} values and {marks.Count} open marks, wanted one value");
    }

    // The letters are Python's (pickle.py, "Pickle opcodes").
    private void Do(int operation)
    {
        switch (operation)
        {
            case 'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case 'J': Push((long)(int)Unsigned(4)); break;
            case 'K': Push(Unsigned(1)); break;
            case 'M': Push(Unsigned(2)); break;
            case 0x8A: Push(Long(Unsigned(1))); break;
            case 0x8B: Push(Long(Unsigned(4))); break;
            case 'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8))); break;

            case 'X' or 'T': Push(Text(Unsigned(4))); break;
            case 0x8C or 'U': Push(Text(Unsigned(1))); break;
            case 0x8D: Push(Text(Unsigned(8))); break;
            case 'B': Skip(Unsigned(4)); Push(PickleNothing.Instance); break;
            case 'C': Skip(Unsigned(1)); Push(PickleNothing.Instance); break;
            case 0x8E: Skip(Unsigned(8)); Push(PickleNothing.Instance); break;

            case '(': Mark(); break;
            case '0': PopOrMark(); break;
            case '1': PopToMark(); break;
            case '2': Push(Peek()); break;

            case ')': Push(Array.Empty<object?>()); break;
            case 't': Push(PopToMark()); break;
            case 0x85: Push(PopMany(1)); break;
            case 0x86: Push(PopMany(2)); break;
            case 0x87: Push(PopMany(3)); break;

            case ']': Push(new List<object?>()); break;
            case 'l': Push(new List<object?>(PopToMark())); break;
            case 'a': Extend(PopMany(1)); break;
            case 'e': Extend(PopToMark()); break;

            case '}': Push(new PickleDictionary()); break;
            case 'd': Dictionary(PopToMark()); break;
            case 's': Set(PopMany(2)); break;
            case 'u': Set(PopToMark()); break;

            case 0x8F: Push(PickleNothing.Instance); break;
            case 0x90: PopToMark(); break;
            case 0x91: PopToMark(); Push(PickleNothing.Instance); break;

            case 'q': Memorize((uint)Unsigned(1)); break;
            case 'r': Memorize((uint)Unsigned(4)); break;
            case 0x94: Memorize((uint)memo.Count); break;
            case 'h': Recall((uint)Unsigned(1)); break;
            case 'j': Recall((uint)Unsigned(4)); break;

            case 'c': Push(resolver.Global(Line(), Line())); break;
            case 0x93: Push(PopMany(2) is [string module, string name] ? resolver.Global(module, name) : throw Bad("a name is not two strings")); break;
            case 'Q': Push(resolver.Persistent(Pop())); break;
            case 'R': Push(PopMany(2) is [var callable, object?[] given] ? resolver.Reduce(callable, given) : throw Bad("a call's arguments are not a tuple")); break;
            case 0x81: Push(PopMany(2) is [var type, object?[] made] ? resolver.New(type, made) : throw Bad("a class's arguments are not a tuple")); break;
            case 'b': Build(Pop()); break;
            case 0x95: if (Unsigned(8) is var frame && (frame < 0 || frame > end - at)) throw Bad($"a frame says that it is {(ulong)frame} bytes long, {end - at} are left"); break;
            default: throw Bad($"byte {at - from - 1} is the operation 0x{operation:x2}, which no checkpoint needs");
        }
    }

    private void Push(object? value) => stack.Add(value);

    private int Floor => marks.Count > 0 ? marks[^1] : 0;

    private object? Peek() => stack.Count > Floor ? stack[^1] : throw Bad("it takes a value where there is none");

    private object? Pop()
    {
        var value = Peek();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    private object?[] PopMany(int count)
    {
        if (stack.Count - Floor < count) throw Bad("it takes a value where there is none");
        return PopFrom(stack.Count - count);
    }

    private object?[] PopToMark()
    {
        if (marks.Count == 0) throw Bad("it goes back to a mark where there is none");
        var from = marks[^1];
        marks.RemoveAt(marks.Count - 1);
        return PopFrom(from);
    }

    private object?[] PopFrom(int from)
    {
        if (from == stack.Count) return [];
        var values = new object?[stack.Count - from];
        stack.CopyTo(from, values, 0, values.Length);
        stack.RemoveRange(from, values.Length);
        return values;
    }

    private void PopOrMark()
    {
        if (marks.Count > 0 && marks[^1] == stack.Count) marks.RemoveAt(marks.Count - 1);
        else Pop();
    }

    private void Mark()
    {
        if (marks.Count == MaxMarks) throw Bad($"its marks are nested more than {MaxMarks} deep");
        marks.Add(stack.Count);
    }

    private void Extend(object?[] values)
    {
        if (Peek() is not List<object?> list) throw Bad("it appends to something that is no list");
        list.AddRange(values);
    }

    private void Dictionary(object?[] pairs)
    {
        Push(new PickleDictionary());
        Set(pairs);
    }

    private void Set(object?[] pairs)
    {
        var target = Peek() as PickleDictionary ?? throw Bad("it sets an item of something that is no dictionary");
        if (pairs.Length % 2 != 0) throw Bad("a key has no value");
        for (var i = 0; i < pairs.Length; i += 2)
        {
            if (!target.Set(pairs[i], pairs[i + 1])) throw Bad("a dictionary's key is neither text nor a number, nor a tuple");
        }
    }

    private void Build(object? state)
    {
        switch (Peek())
        {
            case PickleDictionary { TakesAttributes: true }: break; // _metadata: versions of modules
            case PickleObject { Attributes: null } made: made.Attributes = state as PickleDictionary ?? throw Bad("the state of an object is no dictionary"); break;
            default: throw Bad("it gives a state to something that has none");
        }
    }

    private void Memorize(uint index) => memo[index] = Peek();

    private void Recall(uint index) => Push(memo.TryGetValue(index, out var value) ? value : throw Bad($"it recalls value {index}, which it never stored"));

    private int Byte() => at < end ? Bytes(1)[0] : throw Bad("it is cut off");

    private ReadOnlySpan<byte> Bytes(long count)
    {
        if (count < 0 || count > end - at) throw Bad($"{(ulong)count} bytes are wanted at byte {at - from}, {end - at} are left");
        var bytes = memory.Span(at, (int)count);
        at += count;
        return bytes;
    }

    private void Skip(long count)
    {
        if (count < 0 || count > end - at) throw Bad($"something says that it is {(ulong)count} bytes long, {end - at} are left");
        at += count;
    }

    private long Unsigned(int bytes)
    {
        var value = 0L;
        var read = Bytes(bytes);
        for (var i = bytes - 1; i >= 0; i--) value = value << 8 | read[i];
        return value;
    }

    private object Long(long bytes)
    {
        if (bytes > 255) throw Bad($"a whole number of {bytes} bytes");
        var value = new BigInteger(Bytes(bytes));
        return value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value; // without the cast both would be BigInteger
    }

    private string Text(long bytes)
    {
        if (bytes > MaxText) throw Bad($"a text says that it is {bytes} bytes long, {end - at} are left");
        return Decoded(Bytes(bytes));
    }

    private string Line()
    {
        var window = memory.Span(at, (int)Math.Min(end - at, 1024));
        var length = window.IndexOf((byte)'\n');
        if (length < 0) throw Bad("a name does not end");
        at += length + 1;
        return Decoded(window[..length]);
    }

    private string Decoded(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Bad("a text is not UTF-8");
        }
    }

    private WeightsException Bad(string why) => new($"{origin}: a pickle that cannot be read: {why}");
}
