using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Obverse.Torch;

/// <summary>
/// An operator of libtorch, found by its schema name ("aten::conv2d", overload "padding" …) at the first call.
/// Arguments are checked here against the library's own schema, so a wrong one fails in C# with its name.
/// </summary>
public sealed unsafe class Op
{
    private static readonly ConcurrentDictionary<(string, string), Op> all = new();

    private readonly Lock resolving = new();
    private volatile Parameter[]? parameters;
    private nint handle;
    private int required;

    private Op(string name, string overload) => (Name, Overload) = (name, overload);

    public string Name { get; }
    public string Overload { get; }

    /// <summary>The library's schema, e.g. "aten::relu(Tensor self) -> Tensor".</summary>
    public string Schema => Library.Text(Library.ob_op_schema(Resolved()));

    /// <summary>Every operator bound so far, for the test that resolves them all.</summary>
    public static IReadOnlyCollection<Op> Bound => [.. all.Values];

    public static Op Find(string name, string overload = "") => all.GetOrAdd((name, overload), key => new Op(key.Item1, key.Item2));

    /// <summary>True where this libtorch has the operator: releases differ.</summary>
    public bool Exists
    {
        get
        {
            try { return Resolved() != 0; }
            catch (TorchException) { return false; }
        }
    }

    /// <summary>Calls an operator that returns one tensor. Arguments left out at the end take the schema's defaults.</summary>
    public Tensor Call(params ReadOnlySpan<Value> args)
    {
        NativeValue result;
        var count = Invoke(args, &result, 1);
        return count == 1 && result.Tag == Tag.Tensor ? new Tensor(result.Pointer) : throw new TorchException($"{this}: gives {count} results, not one tensor");
    }

    /// <summary>Calls an operator that changes its first argument, and returns that argument.</summary>
    public Tensor CallInPlace(params ReadOnlySpan<Value> args)
    {
        NativeValue result;
        if (Invoke(args, &result, 1) == 1 && result.Pointer != 0) Library.ob_free(result.Pointer);
        return (Tensor)args[0].Owner!;
    }

    /// <summary>Calls an operator that returns several tensors or a list of them; undefined ones are null.</summary>
    public Tensor[] CallMany(params ReadOnlySpan<Value> args)
    {
        const int room = 64;
        var results = stackalloc NativeValue[room];
        var tensors = new Tensor[Invoke(args, results, room)];
        for (var i = 0; i < tensors.Length; i++) tensors[i] = results[i].Tag == Tag.Tensor && results[i].Pointer != 0 ? new Tensor(results[i].Pointer) : null!;
        return tensors;
    }

    /// <summary>Calls an operator that returns a number (or true as 1).</summary>
    public double CallNumber(params ReadOnlySpan<Value> args)
    {
        NativeValue result;
        Invoke(args, &result, 1);
        return result.Tag == Tag.Double ? result.Real : result.Bits[0];
    }

    /// <summary>Calls an operator for what it does; results, if any, are dropped.</summary>
    public void Do(params ReadOnlySpan<Value> args)
    {
        const int room = 64;
        var results = stackalloc NativeValue[room];
        var count = Invoke(args, results, room);
        for (var i = 0; i < count; i++)
        {
            if (results[i].Tag == Tag.Tensor && results[i].Pointer != 0) Library.ob_free(results[i].Pointer);
        }
    }

    public override string ToString() => Overload.Length == 0 ? Name : $"{Name}.{Overload}";

    private int Invoke(ReadOnlySpan<Value> args, NativeValue* results, int room)
    {
        var op = Resolved();
        var wanted = parameters!;
        if (args.Length > wanted.Length || args.Length < required) throw new ArgumentException($"{this}: {args.Length} arguments given, wanted {required} to {wanted.Length}: {Schema}");

        var native = stackalloc NativeValue[args.Length];
        var owners = 0; // arguments that need memory for the call: lists and strings
        for (var i = 0; i < args.Length; i++)
        {
            native[i] = args[i].Native;
            if ((wanted[i].Accepts >> (int)native[i].Tag & 1) == 0)
            {
                if (native[i].Tag == Tag.Int && wanted[i].Converts)
                {
                    native[i].Tag = Tag.Double;
                    native[i].Bits[0] = BitConverter.DoubleToInt64Bits(native[i].Bits[0]);
                }
                else
                {
                    throw new ArgumentException($"{this}: argument '{wanted[i].Name}' was given {native[i].Tag}, wanted {wanted[i].Type}");
                }
            }

            if (native[i].Tag == Tag.Tensor && args[i].Owner is Tensor { IsClosed: true }) throw new ObjectDisposedException(wanted[i].Name, $"{this}: the tensor given as '{wanted[i].Name}' was disposed");
            if (args[i].Owner is not (null or Tensor or Generator)) owners++;
        }

        int count;
        if (owners == 0) count = Library.ob_call(op, native, args.Length, results, room);
        else
        {
            var pins = stackalloc nint[owners];
            var pinned = 0;
            try
            {
                for (var i = 0; i < args.Length; i++)
                {
                    if (args[i].Owner is not (null or Tensor or Generator)) pins[pinned++] = Copy(args[i].Owner!, ref native[i]);
                }

                count = Library.ob_call(op, native, args.Length, results, room);
            }
            finally
            {
                for (var i = 0; i < pinned; i++) NativeMemory.Free((void*)pins[i]);
            }
        }

        foreach (ref readonly var arg in args) GC.KeepAlive(arg.Owner);
        if (count < 0) throw Library.Failure(ToString());
        return count;
    }

    // Copies a list or text to memory of its own for the length of the call; the caller frees it.
    private static nint Copy(object owner, ref NativeValue value)
    {
        void* memory;
        switch (owner)
        {
            case Tensor?[] tensors:
                memory = NativeMemory.Alloc((nuint)Math.Max(1, tensors.Length), (nuint)sizeof(nint));
                for (var i = 0; i < tensors.Length; i++) ((nint*)memory)[i] = tensors[i]?.Handle ?? 0;
                break;
            case long[] numbers:
                memory = NativeMemory.Alloc((nuint)numbers.Length, sizeof(long));
                numbers.CopyTo(new Span<long>(memory, numbers.Length));
                value.Count = -1 - numbers.Length;
                break;
            default:
                var bytes = System.Text.Encoding.UTF8.GetBytes((string)owner + '\0');
                memory = NativeMemory.Alloc((nuint)bytes.Length);
                bytes.CopyTo(new Span<byte>(memory, bytes.Length));
                break;
        }

        value.Bits[0] = (nint)memory;
        return (nint)memory;
    }

    private nint Resolved()
    {
        if (parameters is not null) return handle;
        lock (resolving)
        {
            if (parameters is not null) return handle;
            var found = Library.Pointer(Library.ob_op(Name, Overload), ToString());
            var lines = Library.Text(Library.ob_op_arguments(found)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            handle = found;
            Parameter[] read = [.. lines.Select(line => Parameter.Parse(line.Split('\t')))];
            required = Array.FindLastIndex(read, p => !p.HasDefault) + 1;
            parameters = read;
            return handle;
        }
    }

    private sealed record Parameter(string Name, string Type, bool HasDefault, int Accepts, bool Converts)
    {
        public static Parameter Parse(string[] fields)
        {
            var (name, type) = (fields[0], fields[1]);
            var optional = type.EndsWith('?');
            var bare = optional ? type[..^1] : type;
            if (bare.Contains('[', StringComparison.Ordinal)) bare = bare[..bare.IndexOf('[', StringComparison.Ordinal)] + "[]";
            Tag[] tags = bare switch
            {
                "Tensor" => [Tag.Tensor],
                "Tensor[]" => [Tag.TensorList],
                "Tensor?[]" => [Tag.OptionalTensorList],
                "int" or "SymInt" or "ScalarType" or "Layout" or "MemoryFormat" => [Tag.Int],
                "int[]" or "SymInt[]" => [Tag.IntList],
                "float" => [Tag.Double],
                "float[]" => [Tag.DoubleList],
                "bool" => [Tag.Bool],
                "bool[]" => [Tag.BoolList],
                "Scalar" or "number" => [Tag.Int, Tag.Double, Tag.Bool],
                "str" => [Tag.String],
                "Device" => [Tag.Device],
                "Generator" => [Tag.Generator],
                _ => [],
            };
            var accepts = tags.Aggregate(optional ? 1 << (int)Tag.None : 0, (mask, tag) => mask | 1 << (int)tag);
            if (bare == "Tensor") accepts |= 1; // an undefined tensor, where the schema says plain Tensor (weights of a norm)
            return new(name, type, fields[2] == "1", accepts, bare == "float");
        }
    }
}
