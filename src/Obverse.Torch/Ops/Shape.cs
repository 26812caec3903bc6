namespace Obverse.Torch;

/// <summary>The same elements, elsewhere.</summary>
public sealed partial class Tensor
{
    public Tensor Reshape(params ReadOnlySpan<long> shape) => reshape.Call(this, Value.Ints(shape));
    public Tensor View(params ReadOnlySpan<long> shape) => view.Call(this, Value.Ints(shape));
    public Tensor Flatten(int from = 0, int to = -1) => flatten.Call(this, from, to);
    public Tensor Permute(params ReadOnlySpan<long> dims) => permute.Call(this, Value.Ints(dims));
    public Tensor Transpose(int a, int b) => transpose.Call(this, a, b);

    /// <summary>The transpose of a matrix.</summary>
    public Tensor T() => t.Call(this);
    public Tensor Unsqueeze(int dim) => unsqueeze.Call(this, dim);
    public Tensor Squeeze(int dim) => squeeze.Call(this, dim);
    public Tensor Expand(params ReadOnlySpan<long> shape) => expand.Call(this, Value.Ints(shape));
    public Tensor Repeat(params ReadOnlySpan<long> times) => repeat.Call(this, Value.Ints(times));

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
    public Tensor Scatter(int dim, Tensor index, Tensor source) => scatter.Call(this, dim, index, source);
    public Tensor IndexAddInPlace(int dim, Tensor index, Tensor source) => index_add_in_place.CallInPlace(this, dim, index, source);
    public Tensor MaskedSelect(Tensor mask) => masked_select.Call(this, mask);
    public Tensor NonZero() => nonzero.Call(this);

    /// <summary>Shifts with wrap-around: out[i] = in[i - shift].</summary>
    public Tensor Roll(ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims) => roll.Call(this, Value.Ints(shifts), Value.Ints(dims));
    public Tensor Flip(params ReadOnlySpan<long> dims) => flip.Call(this, Value.Ints(dims));

    /// <summary>Neighbour differences along a dimension: one shorter.</summary>
    public Tensor Diff(int dim = -1) => diff.Call(this, 1, dim);
    public Tensor Tril(long diagonal = 0) => tril.Call(this, diagonal);
    public Tensor Triu(long diagonal = 0) => triu.Call(this, diagonal);
    public Tensor Diagonal() => diagonal.Call(this);
    public Tensor Contiguous() => contiguous.Call(this);

    /// <summary>Another look at the same memory; the caller answers for its staying inside.</summary>
    public Tensor AsStrided(ReadOnlySpan<long> shape, ReadOnlySpan<long> strides) => as_strided.Call(this, Value.Ints(shape), Value.Ints(strides));

    /// <summary>The same values laid out channels last, as CPU convolutions often like them.</summary>
    public Tensor ChannelsLast() => contiguous.Call(this, 2);
    public Tensor Clone() => clone.Call(this);

    /// <summary>The same memory, without its history.</summary>
    public Tensor Detach() => detach.Call(this);
    public Tensor To(DType type) => to_dtype.Call(this, type);
    public Tensor To(Device device) => to_device.Call(this, device, DType);
    public Tensor To(Device device, DType type) => to_device.Call(this, device, type);
    public Tensor CopyInPlace(Tensor source) => copy_in_place.CallInPlace(this, source);

    /// <summary>Pads the last dimensions: [left, right, top, bottom, …]; mode "constant", "reflect", "replicate" or "circular".</summary>
    public Tensor Pad(ReadOnlySpan<long> sides, string mode = "constant", double value = 0) => mode == "constant" ? constant_pad.Call(this, Value.Ints(sides), value) : pad.Call(this, Value.Ints(sides), mode);

    public static Tensor Empty(ReadOnlySpan<long> shape, DType type = DType.Float32, Device? device = null) => empty.Call(Value.Ints(shape), type, Value.None, device ?? Device.Cpu);
    public static Tensor Zeros(ReadOnlySpan<long> shape, DType type = DType.Float32, Device? device = null) => zeros.Call(Value.Ints(shape), type, Value.None, device ?? Device.Cpu);
    public static Tensor Ones(ReadOnlySpan<long> shape, DType type = DType.Float32, Device? device = null) => ones.Call(Value.Ints(shape), type, Value.None, device ?? Device.Cpu);
    public static Tensor Full(ReadOnlySpan<long> shape, Scalar value, DType type = DType.Float32, Device? device = null) => full.Call(Value.Ints(shape), value, type, Value.None, device ?? Device.Cpu);
    public static Tensor Arange(long end, DType type = DType.Int64, Device? device = null) => arange.Call(end, type, Value.None, device ?? Device.Cpu);
    public static Tensor Linspace(double from, double to, long steps, DType type = DType.Float32, Device? device = null) => linspace.Call(from, to, steps, type, Value.None, device ?? Device.Cpu);
    public static Tensor Eye(long n, DType type = DType.Float32, Device? device = null) => eye.Call(n, type, Value.None, device ?? Device.Cpu);
    public static Tensor Number(double value, DType type = DType.Float32) => Full([], value, type);
    public Tensor ZerosLike() => zeros_like.Call(this);
    public Tensor OnesLike() => ones_like.Call(this);

    private static readonly Op
        reshape = Op.Find("aten::reshape"), view = Op.Find("aten::view"), flatten = Op.Find("aten::flatten", "using_ints"), permute = Op.Find("aten::permute"), transpose = Op.Find("aten::transpose", "int"),
        t = Op.Find("aten::t"), unsqueeze = Op.Find("aten::unsqueeze"), squeeze = Op.Find("aten::squeeze", "dim"), expand = Op.Find("aten::expand"), repeat = Op.Find("aten::repeat"),
        cat = Op.Find("aten::cat"), stack = Op.Find("aten::stack"), split = Op.Find("aten::split", "Tensor"), chunk = Op.Find("aten::chunk"),
        unbind = Op.Find("aten::unbind", "int"), narrow = Op.Find("aten::narrow"), select = Op.Find("aten::select", "int"), slice = Op.Find("aten::slice", "Tensor"), index_select = Op.Find("aten::index_select"),
        index = Op.Find("aten::index", "Tensor"), index_put_in_place = Op.Find("aten::index_put_"), gather = Op.Find("aten::gather"), scatter = Op.Find("aten::scatter", "src"),
        index_add_in_place = Op.Find("aten::index_add_"), masked_select = Op.Find("aten::masked_select"),
        nonzero = Op.Find("aten::nonzero"), roll = Op.Find("aten::roll"), flip = Op.Find("aten::flip"), diff = Op.Find("aten::diff"), tril = Op.Find("aten::tril"), triu = Op.Find("aten::triu"),
        diagonal = Op.Find("aten::diagonal"), contiguous = Op.Find("aten::contiguous"), as_strided = Op.Find("aten::as_strided"), clone = Op.Find("aten::clone"), detach = Op.Find("aten::detach"),
        to_dtype = Op.Find("aten::to", "dtype"), to_device = Op.Find("aten::to", "device"), copy_in_place = Op.Find("aten::copy_"), constant_pad = Op.Find("aten::constant_pad_nd"), pad = Op.Find("aten::pad"),
        empty = Op.Find("aten::empty", "memory_format"), zeros = Op.Find("aten::zeros"), ones = Op.Find("aten::ones"), full = Op.Find("aten::full"), arange = Op.Find("aten::arange"),
        linspace = Op.Find("aten::linspace"), eye = Op.Find("aten::eye"), zeros_like = Op.Find("aten::zeros_like"), ones_like = Op.Find("aten::ones_like");
}
