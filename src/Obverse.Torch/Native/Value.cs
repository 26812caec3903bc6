using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Obverse.Torch;

internal enum Tag { None, Tensor, Int, Double, Bool, IntList, DoubleList, String, TensorList, Device, BoolList }

/// <summary>One argument of an operator. Built by conversion (`op.Call(x, 2, 0.5, true)`); keeps what it points to alive through the call.</summary>
public readonly struct Value
{
    internal readonly Tag Tag;
    internal readonly object? Owner; // a Tensor, Tensor[], string, or the numbers of a long list
    private readonly Six numbers; // a number, or a list of up to six
    private readonly int count;

    private Value(Tag tag, long number, object? owner = null)
    {
        (Tag, Owner, count) = (tag, owner, 1);
        numbers[0] = number;
    }

    private Value(Tag tag, ReadOnlySpan<long> list)
    {
        (Tag, count) = (tag, list.Length);
        if (list.Length <= Six.Length) list.CopyTo(numbers);
        else Owner = list.ToArray();
    }

    /// <summary>The number, or the bits of a real one.</summary>
    internal long Number => numbers[0];

    /// <summary>The numbers of a list; reals by their bits.</summary>
    [UnscopedRef]
    internal ReadOnlySpan<long> Numbers => Owner is long[] many ? many : ((ReadOnlySpan<long>)numbers)[..count];

    public static Value None => default;

    public static implicit operator Value(Tensor? tensor) => tensor is null ? None : new(Tag.Tensor, 0, tensor);
    public static implicit operator Value(int number) => new(Tag.Int, number);
    public static implicit operator Value(long number) => new(Tag.Int, number);
    public static implicit operator Value(double number) => new(Tag.Double, BitConverter.DoubleToInt64Bits(number));
    public static implicit operator Value(bool flag) => new(Tag.Bool, flag ? 1 : 0);
    public static implicit operator Value(string text) => new(Tag.String, 0, text);
    public static implicit operator Value(DType type) => new(Tag.Int, (int)type);
    public static implicit operator Value(Device device) => new(Tag.Device, (long)device.Type << 32 | (uint)device.Index);

    public static Value Ints(params ReadOnlySpan<long> list) => new(Tag.IntList, list);
    public static Value Bools(params ReadOnlySpan<long> list) => new(Tag.BoolList, list);
    public static Value Doubles(params ReadOnlySpan<double> list) => new(Tag.DoubleList, MemoryMarshal.Cast<double, long>(list));
    public static Value Tensors(IReadOnlyList<Tensor> list) => new(Tag.TensorList, 0, list as Tensor[] ?? [.. list]);

    [InlineArray(Length)]
    private struct Six
    {
        public const int Length = 6;
        private long first;
    }
}
