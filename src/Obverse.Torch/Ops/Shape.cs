namespace Obverse.Torch;

/// <summary>The same elements, elsewhere.</summary>
public sealed partial class Tensor
{
    public Tensor Reshape(params ReadOnlySpan<long> shape) => reshape.Call(this, Value.Ints(shape));
    public Tensor Flatten(int from = 0, int to = -1) => flatten.Call(this, from, to);
    public Tensor Permute(params ReadOnlySpan<long> dims) => permute.Call(this, Value.Ints(dims));
    public Tensor Transpose(int a, int b) => transpose.Call(this, a, b);

    /// <summary>The transpose of a matrix.</summary>
    public Tensor T() => t.Call(this);
    public Tensor Unsqueeze(int dim) => unsqueeze.Call(this, dim);
    public Tensor Squeeze(int dim) => squeeze.Call(this, dim);
    public Tensor Expand(params ReadOnlySpan<long> shape) => expand.Call(this, Value.Ints(shape));

    /// <summary>Each row <paramref name="times"/> times in a row: a, a, b, b ("aten::repeat_interleave", whose backward adds row by row; this one's is a sum).</summary>
    public Tensor RepeatInterleave(long times, int dim)
    {
        var shape = Shape;
        long[] wide = [.. shape[..(dim + 1)], times, .. shape[(dim + 1)..]];
        shape[dim] *= times;
        return Unsqueeze(dim + 1).Expand(wide).Reshape(shape);
    }

    public static Tensor Cat(IReadOnlyList<Tensor> parts, int dim = 0) => cat.Call(Value.Tensors(parts), dim);
    public static Tensor Stack(IReadOnlyList<Tensor> parts, int dim = 0) => stack.Call(Value.Tensors(parts), dim);
    public Tensor[] Split(long size, int dim = 0) => split.CallMany(this, size, dim);
    public Tensor[] Chunk(long parts, int dim = 0) => chunk.CallMany(this, parts, dim);
    public Tensor[] Unbind(int dim = 0) => unbind.CallMany(this, dim);
    public Tensor Narrow(int dim, long start, long length) => narrow.Call(this, dim, start, length);
    public Tensor Select(int dim, long index) => select.Call(this, dim, index);
    public Tensor IndexSelect(int dim, Tensor index) => index_select.Call(this, dim, index);
    public Tensor Gather(int dim, Tensor index) => gather.Call(this, dim, index);

    /// <summary>Adds each row of <paramref name="source"/> [n, width] to the row of this whose number stands in <paramref name="index"/> [n].</summary>
    public Tensor AddRowsInPlace(Tensor index, Tensor source) => scatter_add_in_place.CallInPlace(this, 0, index.Unsqueeze(1).Expand(source.Sizes), source);

    /// <summary>Shifts with wrap-around: out[i] = in[i - shift].</summary>
    public Tensor Roll(ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims) => roll.Call(this, Value.Ints(shifts), Value.Ints(dims));

    /// <summary>Neighbour differences along a dimension: one shorter.</summary>
    public Tensor Diff(int dim = -1) => diff.Call(this, 1, dim);
    public Tensor Triu(long diagonal = 0) => triu.Call(this, diagonal);
    public Tensor Diagonal() => diagonal.Call(this);
    public Tensor Contiguous() => contiguous.Call(this);

    /// <summary>Another view of the same memory; the caller makes sure that it stays inside.</summary>
    public Tensor AsStrided(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides) => as_strided.Call(this, Value.Ints(shape), Value.Ints(strides));

    /// <summary>The same values laid out channels last, as CPU convolutions often like them.</summary>
    public Tensor ChannelsLast() => contiguous.Call(this, 2);
    public Tensor Clone() => clone.Call(this);

    /// <summary>The same memory, without its history.</summary>
    public Tensor Detach()
    {
        var detached = detach.Call(this);
        detached.Tape = null;
        return detached;
    }

    public Tensor To(DType type) => to_dtype.Call(this, type);
    /// <exception cref="NotSupportedException">CUDA, and this libtorch has none.</exception>
    public Tensor To(Device device) => To(device, DType);

    /// <inheritdoc cref="To(Device)"/>
    public Tensor To(Device device, DType type) => to_device.Call(this, device.Checked(), type);
    public Tensor CopyInPlace(Tensor source) => copy_in_place.CallInPlace(this, source);

    /// <summary>Pads the last dimensions: [left, right, top, bottom, …]; mode "constant", "reflect", "replicate" or "circular".</summary>
    public Tensor Pad(ReadOnlySpan<long> sides, string mode = "constant", double value = 0) => pad.Call(this, Value.Ints(sides), mode, mode == "constant" ? value : Value.None);

    public static Tensor Empty(ReadOnlySpan<long> shape, DType type = DType.Float32, Device? device = null) => empty.Call(Value.Ints(shape), type, Value.None, device ?? Device.Cpu);
    public static Tensor Zeros(ReadOnlySpan<long> shape, DType type = DType.Float32, Device? device = null) => zeros.Call(Value.Ints(shape), type, Value.None, device ?? Device.Cpu);
    public static Tensor Ones(ReadOnlySpan<long> shape, DType type = DType.Float32, Device? device = null) => ones.Call(Value.Ints(shape), type, Value.None, device ?? Device.Cpu);
    public static Tensor Full(ReadOnlySpan<long> shape, Scalar value, DType type = DType.Float32, Device? device = null) => Empty(shape, type, device).FillInPlace(value);

    /// <summary>0 … end-1.</summary>
    public static Tensor Arange(long end, DType type = DType.Int64)
    {
        var numbers = Empty([end], DType.Int64);
        var all = numbers.Span<long>();
        for (var i = 0; i < all.Length; i++) all[i] = i;
        return type == DType.Int64 ? numbers : numbers.To(type);
    }

    public static Tensor Eye(long n, DType type = DType.Float32, Device? device = null) => eye.Call(n, type, Value.None, device ?? Device.Cpu);
    public static Tensor Number(double value, DType type = DType.Float32) => Full([], value, type);
    public Tensor ZerosLike() => zeros_like.Call(this);
    public Tensor OnesLike() => ones_like.Call(this);

    private static readonly Op
        reshape = Op.Find("aten::reshape"), flatten = Op.Find("aten::flatten", "using_ints"), permute = Op.Find("aten::permute"), transpose = Op.Find("aten::transpose", "int"),
        t = Op.Find("aten::t"), unsqueeze = Op.Find("aten::unsqueeze"), squeeze = Op.Find("aten::squeeze", "dim"), expand = Op.Find("aten::expand"),
        cat = Op.Find("aten::cat"), stack = Op.Find("aten::stack"), split = Op.Find("aten::split", "Tensor"), chunk = Op.Find("aten::chunk"),
        unbind = Op.Find("aten::unbind", "int"), narrow = Op.Find("aten::narrow"), select = Op.Find("aten::select", "int"), slice = Op.Find("aten::slice", "Tensor"), index_select = Op.Find("aten::index_select"),
        gather = Op.Find("aten::gather"), scatter_add_in_place = Op.Find("aten::scatter_add_"),
        roll = Op.Find("aten::roll"), diff = Op.Find("aten::diff"), triu = Op.Find("aten::triu"),
        diagonal = Op.Find("aten::diagonal"), contiguous = Op.Find("aten::contiguous"), as_strided = Op.Find("aten::as_strided"), clone = Op.Find("aten::clone"), detach = Op.Find("aten::detach"),
        to_dtype = Op.Find("aten::to", "dtype"), to_device = Op.Find("aten::to", "device"), copy_in_place = Op.Find("aten::copy_"), pad = Op.Find("aten::pad"),
        empty = Op.Find("aten::empty", "memory_format"), zeros = Op.Find("aten::zeros"), ones = Op.Find("aten::ones"), eye = Op.Find("aten::eye"), zeros_like = Op.Find("aten::zeros_like"), ones_like = Op.Find("aten::ones_like");
}
