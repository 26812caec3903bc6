using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Obverse.Torch;

internal enum Tag { None, Tensor, Int, Double, Bool, IntList, DoubleList, String, TensorList, OptionalTensorList, Device, Generator, BoolList }

/// <summary>Mirrors <c>Value</c> of the shim: a tag, and a number, a pointer or up to six numbers.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal unsafe struct NativeValue
{
    public Tag Tag;
    public int Count;
    public fixed long Bits[6];
    private readonly long spare;

    public readonly nint Pointer => (nint)Bits[0];
    public readonly double Real => BitConverter.Int64BitsToDouble(Bits[0]);
}

/// <summary>One argument of an operator. Built by conversion (`op.Call(x, 2, 0.5, true)`); keeps what it points to alive through the call.</summary>
public readonly struct Value
{
    internal readonly NativeValue Native;
    internal readonly object? Owner; // a Tensor, Tensor?[], long[], string or Generator

    private unsafe Value(Tag tag, long bits, object? owner = null, int count = 0)
    {
        Unsafe.SkipInit(out Native);
        Native.Tag = tag;
        Native.Count = count;
        Native.Bits[0] = bits;
        Owner = owner;
    }

    private unsafe Value(Tag tag, ReadOnlySpan<long> list)
    {
        Unsafe.SkipInit(out Native);
        Native.Tag = tag;
        Native.Count = list.Length;
        if (list.Length <= 6)
        {
            for (var i = 0; i < list.Length; i++) Native.Bits[i] = list[i];
        }
        else
        {
            Owner = list.ToArray(); // pinned by the call
        }
    }

    public static Value None => new(Tag.None, 0);

    public static implicit operator Value(Tensor? tensor) => tensor is null ? None : new(Tag.Tensor, tensor.DangerousGetHandle(), tensor);
    public static implicit operator Value(int number) => new(Tag.Int, number);
    public static implicit operator Value(long number) => new(Tag.Int, number);
    public static implicit operator Value(double number) => new(Tag.Double, BitConverter.DoubleToInt64Bits(number));
    public static implicit operator Value(bool flag) => new(Tag.Bool, flag ? 1 : 0);
    public static implicit operator Value(string text) => new(Tag.String, 0, text);
    public static implicit operator Value(DType type) => new(Tag.Int, (int)type);
    public static implicit operator Value(Generator? generator) => generator is null ? None : new(Tag.Generator, generator.DangerousGetHandle(), generator);
    public static implicit operator Value(Scalar scalar) => scalar.Boxed;
    public static unsafe implicit operator Value(Device device)
    {
        var value = new Value(Tag.Device, [(long)device.Type, device.Index]);
        return value;
    }

    public static Value Ints(params ReadOnlySpan<long> list) => new(Tag.IntList, list);
    public static Value Bools(params ReadOnlySpan<long> list) => new(Tag.BoolList, list);
    public static Value Doubles(params ReadOnlySpan<double> list) => new(Tag.DoubleList, MemoryMarshal.Cast<double, long>(list));
    public static Value Tensors(IReadOnlyList<Tensor> list) => new(Tag.TensorList, 0, list as Tensor?[] ?? [.. list], list.Count);
    public static Value OptionalTensors(Tensor?[] list) => new(Tag.OptionalTensorList, 0, list, list.Length);
}

/// <summary>A number argument that may be whole or real; libtorch's type promotion tells them apart.</summary>
public readonly record struct Scalar
{
    private readonly double real;
    private readonly long whole;
    private readonly bool isReal;

    private Scalar(double real, long whole, bool isReal) => (this.real, this.whole, this.isReal) = (real, whole, isReal);

    internal Value Boxed => isReal ? real : whole;

    public static implicit operator Scalar(int number) => new(0, number, false);
    public static implicit operator Scalar(long number) => new(0, number, false);
    public static implicit operator Scalar(double number) => new(number, 0, true);
}
