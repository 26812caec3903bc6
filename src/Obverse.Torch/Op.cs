using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Obverse.Torch;

/// <summary>
/// An operator of libtorch by its schema's name ("aten::conv2d", overload "padding" …), reached through <c>torch_call_dispatcher</c>, which records
/// gradients. Arguments are checked against the schema first, so a wrong one fails in C# with its name.
/// </summary>
public sealed unsafe class Op
{
    private const int MostArguments = 24;
    private static readonly ConcurrentDictionary<(string, string), Op> all = new();

    private readonly Lock resolving = new();
    private volatile Schema? schema;
    private nint name, overload; // zero-terminated, for ever

    private Op(string name, string overload) => (Name, Overload) = (name, overload);

    public string Name { get; }
    public string Overload { get; }

    /// <summary>libtorch's own schema, e.g. "aten::relu(Tensor self) -> Tensor".</summary>
    public string Schema => Resolved().Text;

    /// <summary>Every operator bound so far, for the test that resolves them all.</summary>
    public static IReadOnlyCollection<Op> Bound => [.. all.Values];

    /// <summary>The operator, bound at its first call.</summary>
    public static Op Find(string name, string overload = "") => all.GetOrAdd((name, overload), key => new Op(key.Item1, key.Item2));

    /// <summary>Calls an operator that returns one tensor. Arguments left out at the end take the schema's defaults.</summary>
    /// <exception cref="ArgumentException">An argument is not of the schema's type.</exception>
    /// <exception cref="TorchException">libtorch refused: the message names the operator, types and shapes.</exception>
    public Tensor Call(params ReadOnlySpan<Value> args)
    {
        var stack = stackalloc ulong[MostArguments];
        var called = Invoke(args, stack);
        if (called.Returns != 1 || called.GivesList || stack[0] == 0) throw new TorchException($"{this}: gives {called.Returns} results, not one tensor");
        return new Tensor((nint)stack[0]) { Tape = Tape.Of(args) };
    }

    /// <summary>Calls an operator that changes its first argument, and returns that argument.</summary>
    public Tensor CallInPlace(params ReadOnlySpan<Value> args)
    {
        Do(args);
        var changed = (Tensor)args[0].Owner!;
        changed.Tape = Tape.Of(args);
        return changed;
    }

    /// <summary>Calls an operator that returns several tensors or a list of them.</summary>
    public Tensor[] CallMany(params ReadOnlySpan<Value> args)
    {
        var stack = stackalloc ulong[MostArguments];
        var called = Invoke(args, stack);
        var tape = Tape.Of(args);
        if (!called.GivesList)
        {
            var tensors = new Tensor[called.Returns];
            for (var i = 0; i < tensors.Length; i++) tensors[i] = new((nint)stack[i]) { Tape = tape };
            return tensors;
        }

        var list = (nint)stack[0];
        nuint size;
        C.Check(C.ListSize(list, &size), Name);
        var items = new Tensor[size];
        for (nuint i = 0; i < size; i++)
        {
            ulong item;
            C.Check(C.ListItem(list, i, &item), Name);
            items[i] = new((nint)item) { Tape = tape };
        }

        C.FreeList(list);
        return items;
    }

    /// <summary>Calls an operator for what it does; results, if any, are dropped.</summary>
    public void Do(params ReadOnlySpan<Value> args)
    {
        var stack = stackalloc ulong[MostArguments];
        var called = Invoke(args, stack);
        for (var i = 0; i < called.Returns; i++) C.Free((nint)stack[i]);
    }

    public override string ToString() => Overload.Length == 0 ? Name : $"{Name}.{Overload}";

    private Schema Invoke(ReadOnlySpan<Value> args, ulong* stack)
    {
        var wanted = schema ?? Resolved();
        var parameters = wanted.Parameters;
        if (args.Length > parameters.Length || args.Length < wanted.Required) throw new ArgumentException($"{this}: {args.Length} arguments given, wanted {wanted.Required} to {parameters.Length}: {wanted.Text}");
        for (var i = 0; i < args.Length; i++) Check(args[i], parameters[i]); // all of them first: what is packed is consumed by the call

        for (var i = 0; i < args.Length; i++) stack[i] = Pack(args[i], parameters[i]);
        for (var i = args.Length; i < parameters.Length; i++) stack[i] = Pack(parameters[i].Default, parameters[i]);
        var status = C.Call(name, overload, stack, C.Version);
        foreach (ref readonly var arg in args) GC.KeepAlive(arg.Owner);
        return status == 0 ? wanted : throw new TorchException($"{this}: libtorch refused {Describe(args, parameters)}");
    }

    private void Check(in Value arg, Parameter wanted)
    {
        if (!wanted.Accepts(arg.Tag)) throw new ArgumentException($"{this}: argument '{wanted.Name}' was given {arg.Tag}, wanted {wanted.Type}");
        if (arg.Owner is Tensor { IsClosed: true }) throw new ObjectDisposedException(wanted.Name, $"{this}: the tensor given as '{wanted.Name}' was disposed");
        if (arg.Owner is Tensor[] list && list.Any(t => t.IsClosed)) throw new ObjectDisposedException(wanted.Name, $"{this}: a tensor of the list given as '{wanted.Name}' was disposed");
    }

    // One word an argument: the number, or a handle that the call consumes; of an optional one 0, or a word of the heap's that the call frees.
    private static ulong Pack(in Value arg, Parameter wanted)
    {
        if (arg.Tag == Tag.None)
        {
            if (wanted.IsOptional || wanted.Kind == Kind.Unsupported) return 0;
            nint undefined;
            C.Check(C.Undefined(&undefined), "undefined");
            return (ulong)undefined;
        }

        var word = wanted.Kind switch
        {
            Kind.Tensor => Copy((Tensor)arg.Owner!),
            Kind.Float when arg.Tag == Tag.Int => (ulong)BitConverter.DoubleToInt64Bits(arg.Number),
            Kind.Type => (uint)arg.Number,
            Kind.Int or Kind.Float or Kind.Bool or Kind.Device => (ulong)arg.Number,
            Kind.Text => Text((string)arg.Owner!),
            _ => List(arg),
        };
        return wanted.IsOptional ? OnHeap(word) : word;
    }

    private static ulong Copy(Tensor tensor)
    {
        nint copy;
        C.Check(C.Copy(tensor.Handle, &copy), "copy of a handle");
        return (ulong)copy;
    }

    private static ulong OnHeap(ulong word)
    {
        var memory = (ulong*)NativeMemory.Alloc(sizeof(ulong));
        *memory = word;
        return (ulong)memory;
    }

    private static ulong Text(string text)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        nint made;
        fixed (byte* start = bytes) C.Check(C.NewString(start, (nuint)bytes.Length, &made), "string");
        return (ulong)made;
    }

    private static ulong List(in Value arg)
    {
        nint list;
        if (arg.Owner is Tensor[] tensors)
        {
            C.Check(C.NewList((nuint)tensors.Length, &list), "list");
            foreach (var tensor in tensors) C.Check(C.Append(list, Copy(tensor)), "list");
            return (ulong)list;
        }

        var numbers = arg.Numbers;
        C.Check(C.NewList((nuint)numbers.Length, &list), "list");
        foreach (var number in numbers) C.Check(C.Append(list, (ulong)number), "list");
        return (ulong)list;
    }

    private static string Describe(ReadOnlySpan<Value> args, Parameter[] parameters)
    {
        var parts = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i].Tag == Tag.None) continue;
            parts.Add($"{parameters[i].Name}: " + args[i].Owner switch
            {
                Tensor tensor => tensor.Described,
                Tensor[] list => $"[{string.Join(", ", list.Take(8).Select(t => t.Described))}{(list.Length > 8 ? $", … {list.Length}" : "")}]",
                string text => $"\"{text}\"",
                _ => args[i].Tag switch
                {
                    Tag.Double => BitConverter.Int64BitsToDouble(args[i].Number).ToString(System.Globalization.CultureInfo.InvariantCulture),
                    Tag.Bool => args[i].Number != 0 ? "true" : "false",
                    Tag.Device => "a device",
                    Tag.DoubleList => $"[{string.Join(", ", args[i].Numbers.ToArray().Select(BitConverter.Int64BitsToDouble))}]",
                    Tag.IntList or Tag.BoolList => $"[{string.Join(", ", args[i].Numbers.ToArray())}]",
                    _ => args[i].Number.ToString(System.Globalization.CultureInfo.InvariantCulture),
                },
            });
        }

        return string.Join(", ", parts);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Schema Resolved()
    {
        if (schema is { } known) return known;
        lock (resolving)
        {
            if (schema is { } found) return found;
            LibTorch.Ensure();
            var read = Torch.Schema.Of(ToString());
            if (read.Parameters.Length > MostArguments) throw new TorchException($"{this}: {read.Parameters.Length} parameters, more than {MostArguments}");
            (name, overload) = (Marshal.StringToCoTaskMemUTF8(Name), Marshal.StringToCoTaskMemUTF8(Overload));
            return schema = read;
        }
    }
}
