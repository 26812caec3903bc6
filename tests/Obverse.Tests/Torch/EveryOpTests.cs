using Obverse.Retrieval;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

/// <summary>Every operator that is bound: its schema stands in the library, it is called, and what it gives is what it should be.</summary>
public class EveryOpTests
{
    private static Tensor T(params float[] numbers) => Tensor.From(numbers);
    private static Tensor M(params float[] numbers) => Tensor.From(numbers, 2, numbers.Length / 2);
    private static float[] F(params float[] numbers) => numbers;

    // What is done, and its numbers row by row; a caller of every Op.Find.
    private static readonly Dictionary<string, (Func<Tensor> Do, float[] Gives)> cases = new()
    {
        ["asin"] = (() => T(0, 1).Asin(), F(0, MathF.PI / 2)),
        ["linalg_cholesky"] = (() => M(4, 2, 2, 5).Cholesky(), F(2, 0, 1, 2)),
        ["abs"] = (() => T(-1, 2).Abs(), F(1, 2)),
        ["adaptive_avg_pool2d"] = (() => Square().AdaptiveAvgPool2d(1, 1), F(2.5f)),
        ["adaptive_max_pool2d"] = (() => Square().AdaptiveMaxPool2d(1, 1), F(4)),
        ["affine_grid_generator"] = (() => Tensor.AffineGrid(Tensor.From([1f, 0, 0, 0, 1, 0], 1, 2, 3), [1, 1, 1, 2]), F(-0.5f, 0, 0.5f, 0)),
        ["all"] = (() => (T(1, 2) > 0).All(), F(1)),
        ["amax"] = (() => M(1, 2, 3, 0).Amax([1]), F(2, 3)),
        ["amin"] = (() => M(1, 2, 3, 0).Amin([1]), F(1, 0)),
        ["any"] = (() => (T(1, 2) > 1).Any(), F(1)),
        ["argmax"] = (() => T(1, 3, 2).Argmax(0), F(1)),
        ["argmin"] = (() => T(1, 3, 0).Argmin(0), F(2)),
        ["as_strided"] = (() => T(1, 2, 3, 4).AsStrided([2, 2], [1, 2]), F(1, 3, 2, 4)),
        ["atanh"] = (() => T(0.5f).Atanh(), F(0.5493061f)),
        ["avg_pool2d"] = (() => Square().AvgPool2d(2), F(2.5f)),
        ["cat"] = (() => Tensor.Cat([T(1), T(2, 3)]), F(1, 2, 3)),
        ["chunk"] = (() => T(1, 2, 3, 4).Chunk(2)[1], F(3, 4)),
        ["clamp.Tensor"] = (() => T(-1, 0.5f, 2).Clamp(0, 1), F(0, 0.5f, 1)),
        ["clamp_.Tensor"] = (() => T(-1, 0.5f, 2).ClampInPlace(0, 1), F(0, 0.5f, 1)),
        ["clone"] = (() => T(1, 2).Clone(), F(1, 2)),
        ["contiguous"] = (() => M(1, 2, 3, 4).T().Contiguous(), F(1, 3, 2, 4)),
        ["conv2d"] = (() => Square().Conv2d(Tensor.Ones([1, 1, 2, 2]), T(1)), F(11)),
        ["copy_"] = (() => T(0, 0).CopyInPlace(T(3, 4)), F(3, 4)),
        ["cos"] = (() => T(0, MathF.PI).Cos(), F(1, -1)),
        ["cross_entropy_loss"] = (() => M(0, 0, 0, 0).CrossEntropy(Tensor.From([0L, 1L])), F(MathF.Log(2))),
        ["detach"] = (() => T(1).Detach(), F(1)),
        ["diagonal"] = (() => M(1, 2, 3, 4).Diagonal(), F(1, 4)),
        ["diff"] = (() => T(1, 3, 6).Diff(), F(2, 3)),
        ["div.Tensor"] = (() => T(4, 6) / T(2, 3), F(2, 2)),
        ["embedding"] = (() => Tensor.From([1L]).Embedding(M(1, 2, 3, 4)), F(3, 4)),
        ["empty.memory_format"] = (() => Tensor.Empty([2]).FillInPlace(7), F(7, 7)),
        ["eq.Tensor"] = (() => T(1, 2).EqualTo(2), F(0, 1)),
        ["exp"] = (() => T(0).Exp(), F(1)),
        ["expand"] = (() => T(5).Expand(3), F(5, 5, 5)),
        ["eye"] = (() => Tensor.Eye(2), F(1, 0, 0, 1)),
        ["fill_.Tensor"] = (() => T(1, 2).FillInPlace(3.5), F(3.5f, 3.5f)),
        ["flatten.using_ints"] = (() => M(1, 2, 3, 4).Flatten(), F(1, 2, 3, 4)),
        ["floor"] = (() => T(-1.5f, 1.5f).Floor(), F(-2, 1)),
        ["frobenius_norm.dim"] = (() => Tensor.Ones([2, 2, 3, 4]).Norm([1, 2, 3]), F(MathF.Sqrt(24), MathF.Sqrt(24))),
        ["from_file"] = (FromFile, F(1, 2)),
        ["gather"] = (() => M(1, 2, 3, 4).Gather(1, Tensor.From([1L, 0L], 2, 1)), F(2, 3)),
        ["ge.Tensor"] = (() => T(1, 2, 3) >= 2, F(0, 1, 1)),
        ["gelu"] = (() => T(1).Gelu(), F(0.8413447f)),
        ["grid_sampler"] = (() => Square().GridSample(Tensor.Zeros([1, 1, 1, 2]), Border.Zeros), F(2.5f)),
        ["group_norm"] = (() => Tensor.From([1f, 3], 1, 2).GroupNorm(1, null, null, 0), F(-1, 1)),
        ["gt.Tensor"] = (() => T(1, 2, 3) > 2, F(0, 0, 1)),
        ["index_select"] = (() => T(1, 2, 3).IndexSelect(0, Tensor.From([1L])), F(2)),
        ["isfinite"] = (() => T(1, float.NaN).IsFinite(), F(1, 0)),
        ["layer_norm"] = (() => T(1, 3).LayerNorm([2], null, null, 0), F(-1, 1)),
        ["le.Tensor"] = (() => T(1, 2, 3) <= 2, F(1, 1, 0)),
        ["lerp.Tensor"] = (() => T(0, 10).Lerp(T(4, 20), 0.25), F(1, 12.5f)),
        ["lerp_.Tensor"] = (() => T(0, 10).LerpInPlace(T(4, 20), 0.25), F(1, 12.5f)),
        ["sigmoid"] = (() => T(0, 2).Sigmoid(), F(0.5f, 0.8807971f)),
        ["maximum"] = (() => T(1, 5).Maximum(T(3, 2)), F(3, 5)),
        ["linalg_eigh"] = (() => M(2, 0, 0, 1).Eigh().Values, F(1, 2)),
        ["linalg_solve"] = (() => M(2, 0, 0, 4).Solve(T(2, 4)), F(1, 1)),
        ["linalg_eigvalsh"] = (() => M(2, 0, 0, 1).EigenvaluesSymmetric(), F(1, 2)),
        ["linalg_eigvals"] = (() => M(0, -2, 2, 0).Eigenvalues().Select(1, 1).Abs(), F(2, 2)), // ±2i
        ["view_as_real"] = (() => M(3, 0, 0, 3).Eigenvalues(), F(3, 0, 3, 0)),
        ["linalg_svdvals"] = (() => M(3, 0, 0, 4).SingularValues(), F(4, 3)),
        ["linalg_svd"] = (() => M(3, 0, 0, 4).Svd().S, F(4, 3)),
        ["linear"] = (() => T(1, 2).Linear(M(1, 0, 0, 1), T(10, 20)), F(11, 22)),
        ["log"] = (() => T(1).Log(), F(0)),
        ["log_softmax.int"] = (() => T(0, 0).LogSoftmax(0), F(-MathF.Log(2), -MathF.Log(2))),
        ["lt.Tensor"] = (() => T(1, 2, 3) < 2, F(1, 0, 0)),
        ["masked_fill.Tensor"] = (() => T(1, 2).MaskedFill(T(1, 2) > 1, -1), F(1, -1)),
        ["matmul"] = (() => M(1, 2, 3, 4).Matmul(T(1, 1)), F(3, 7)),
        ["max"] = (() => T(1, 3, 2).Max(), F(3)),
        ["max_pool2d"] = (() => Square().MaxPool2d(2), F(4)),
        ["mean"] = (() => T(1, 3).Mean(), F(2)),
        ["mean.dim"] = (() => M(1, 3, 5, 7).Mean(0), F(3, 5)),
        ["min"] = (() => T(1, 3, 2).Min(), F(1)),
        ["minimum"] = (() => T(1, 5).Minimum(T(2, 2)), F(1, 2)),
        ["mul.Tensor"] = (() => T(2, 3) * T(4, 5), F(8, 15)),
        ["mul_.Tensor"] = (() => T(2, 3).MulInPlace(2), F(4, 6)),
        ["narrow"] = (() => T(1, 2, 3).Narrow(0, 1, 2), F(2, 3)),
        ["ne.Tensor"] = (() => T(1, 2).NotEqualTo(2), F(1, 0)),
        ["neg"] = (() => -T(1, -2), F(-1, 2)),
        ["ones"] = (() => Tensor.Ones([2]), F(1, 1)),
        ["ones_like"] = (() => T(5, 6).OnesLike(), F(1, 1)),
        ["pad"] = (() => T(1, 2).Pad([1, 1], value: 9), F(9, 1, 2, 9)),
        ["permute"] = (() => M(1, 2, 3, 4).Permute(1, 0), F(1, 3, 2, 4)),
        ["relu"] = (() => T(-1, 2).Relu(), F(0, 2)),
        ["relu6"] = (() => T(-1, 2, 7).Relu6InPlace(), F(0, 2, 6)),
        ["relu6_"] = (() => InPlace(x => x.Relu6InPlace(), -1, 2, 7), F(0, 2, 6)),
        ["remainder.Tensor"] = (() => T(-1, 5).Remainder(3), F(2, 2)),
        ["reshape"] = (() => M(1, 2, 3, 4).Reshape(4), F(1, 2, 3, 4)),
        ["roll"] = (() => T(1, 2, 3).Roll([1], [0]), F(3, 1, 2)),
        ["round"] = (() => T(0.5f, 1.5f).Round(), F(0, 2)),
        ["scaled_dot_product_attention"] = (() => Tensor.Attention(Tensor.Zeros([1, 1, 2, 2]), Tensor.Zeros([1, 1, 2, 2]), Tensor.From([1f, 2, 3, 4], 1, 1, 2, 2), causal: true), F(1, 2, 2, 3)),
        ["scatter_add_"] = (() => Tensor.Zeros([2, 2]).AddRowsInPlace(Tensor.From([1L, 1L]), M(1, 2, 3, 4)), F(0, 0, 4, 6)),
        ["select.int"] = (() => M(1, 2, 3, 4).Select(0, 1), F(3, 4)),
        ["silu"] = (() => T(0, 1).Silu(), F(0, 0.7310586f)),
        ["silu_"] = (() => InPlace(x => x.SiluInPlace(), 0, 1), F(0, 0.7310586f)),
        ["sin"] = (() => T(0, MathF.PI / 2).Sin(), F(0, 1)),
        ["slice.Tensor"] = (() => T(1, 2, 3)[1..3], F(2, 3)),
        ["softmax.int"] = (() => T(0, 0).Softmax(0), F(0.5f, 0.5f)),
        ["sort.stable"] = (() => T(3, 1, 2).Sort(descending: true).Values, F(3, 2, 1)),
        ["split.Tensor"] = (() => T(1, 2, 3).Split(2)[1], F(3)),
        ["sqrt"] = (() => T(4).Sqrt(), F(2)),
        ["square"] = (() => T(3).Square(), F(9)),
        ["squeeze.dim"] = (() => Tensor.From([1f, 2], 1, 2).Squeeze(0), F(1, 2)),
        ["stack"] = (() => Tensor.Stack([T(1), T(2)]), F(1, 2)),
        ["sum"] = (() => T(1, 2).Sum(), F(3)),
        ["sum.dim_IntList"] = (() => M(1, 2, 3, 4).Sum(1), F(3, 7)),
        ["t"] = (() => M(1, 2, 3, 4).T(), F(1, 3, 2, 4)),
        ["tanh"] = (() => T(0).Tanh(), F(0)),
        ["to.device"] = (() => T(1).To(Device.Cpu, DType.Float64), F(1)),
        ["to.dtype"] = (() => T(1.7f).To(DType.Int64), F(1)),
        ["topk"] = (() => T(1, 3, 2).TopK(2).Values, F(3, 2)),
        ["transpose.int"] = (() => M(1, 2, 3, 4).Transpose(0, 1), F(1, 3, 2, 4)),
        ["triu"] = (() => M(1, 2, 3, 4).Triu(), F(1, 2, 0, 4)),
        ["unbind.int"] = (() => M(1, 2, 3, 4).Unbind()[1], F(3, 4)),
        ["unsqueeze"] = (() => T(1).Unsqueeze(0), F(1)),
        ["upsample_bicubic2d"] = (() => Square().Resize(1, 1, Interpolation.Bicubic, scale: (2, 2)), F(0.68359375f)),
        ["upsample_bicubic2d_backward"] = (() => Tensor.Ones([1, 1, 2, 2]).ResizeAdjoint(1, 1, Interpolation.Bicubic), F(4)),
        ["upsample_bilinear2d"] = (() => Square().Resize(1, 1), F(2.5f)),
        ["upsample_nearest2d"] = (() => Square().Resize(1, 1, Interpolation.Nearest), F(1)),
        ["upsample_nearest2d_backward"] = (() => Tensor.Ones([1, 1, 2, 2]).ResizeAdjoint(1, 1, Interpolation.Nearest), F(4)),
        ["view.dtype"] = (() => Tensor.From([1f]).At(0), F(1)),
        ["where.self"] = (() => T(1, 2).Where(T(1, 2) > 1, T(9, 9)), F(9, 2)),
        ["zeros"] = (() => Tensor.Zeros([2]), F(0, 0)),
        ["zeros_like"] = (() => T(1, 2).ZerosLike(), F(0, 0)),
        ["_backward"] = (Backward, F(2, 4)),
        ["_fused_adam_"] = (() => AfterAdam(decoupled: false), F(-0.1f, -0.1f)),
        ["_fused_adamw_"] = (() => AfterAdam(decoupled: true), F(-0.1f, -0.1f)),
        ["_upsample_bicubic2d_aa"] = (() => Square().Resize(1, 1, Interpolation.Bicubic, antialias: true), F(2.5f)),
        ["_upsample_bilinear2d_aa"] = (() => Square().Resize(1, 1, antialias: true), F(2.5f)),
        ["_upsample_nearest_exact2d"] = (() => Square().Resize(1, 1, Interpolation.NearestExact), F(4)),
    };

    public static TheoryData<string> Names => [.. Schemas().Select(Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void An_operator_does_what_it_says(string name)
    {
        Assert.True(cases.ContainsKey(name), $"'{name}' is bound and no case calls it");
        using var scope = new TensorScope();
        var (act, expected) = cases[name];
        var got = act().ToFloats();
        Assert.Equal(expected.Length, got.Length);
        for (var i = 0; i < got.Length; i++) Assert.Equal(expected[i], got[i], 1e-5);
        Assert.Contains(Op.Bound, op => op.ToString() == "aten::" + name); // it was this one that was called, not another
    }

    [Fact]
    public void No_line_of_the_table_is_without_its_operator()
    {
        foreach (var type in typeof(Tensor).Assembly.GetTypes().Where(t => !t.ContainsGenericParameters)) System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        var bound = Op.Bound.Select(op => op.ToString()["aten::".Length..]).ToHashSet();
        Assert.Equal([], Schemas().Select(Name).Where(name => !bound.Contains(name)));
    }

    [Fact]
    public void The_table_is_the_library_s_own_text()
    {
        var missing = Schemas().ToHashSet();
        using var library = MappedBytes.Open(Path.Combine(Runtime.Folder, OperatingSystem.IsWindows() ? "torch_cpu.dll" : OperatingSystem.IsMacOS() ? "libtorch_cpu.dylib" : "libtorch_cpu.so"));
        const int part = 1 << 26, most = 1024;
        for (long at = 0; at < library.Length && missing.Count > 0; at += part)
        {
            var bytes = library.Span(at, (int)Math.Min(part + most, library.Length - at));
            foreach (var line in missing.ToList()) if (bytes.IndexOf(System.Text.Encoding.ASCII.GetBytes(line)) >= 0) missing.Remove(line);
        }

        Assert.Empty(missing);
    }

    private static IEnumerable<string> Schemas() => Schema.Lines.Select(line => line["aten::".Length..]);

    private static string Name(string schema) => schema[..schema.IndexOf('(', StringComparison.Ordinal)];

    private static Tensor Square() => Tensor.From([1f, 2, 3, 4], 1, 1, 2, 2);

    private static Tensor InPlace(Func<Tensor, Tensor> change, params float[] numbers)
    {
        using var still = new NoGrad();
        return change(T(numbers));
    }

    private static Tensor Backward()
    {
        var x = T(1, 2);
        x.RequiresGrad = true;
        x.Square().Sum().Backward();
        return x.Grad!;
    }

    private static Tensor AfterAdam(bool decoupled)
    {
        var x = T(0, 0);
        x.RequiresGrad = true;
        using var adam = new Adam([new("x", [x], 0.1)], decoupled: decoupled);
        (x * T(1, 2)).Sum().Backward();
        adam.Step();
        return x.Detach();
    }

    private static Tensor FromFile()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "two");
        File.WriteAllBytes(path, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>([1, 2]));
        using var bytes = MappedBytes.Open(path);
        return bytes.View(0, DType.Float32, [2]).Clone();
    }
}

internal static class Bytes
{
    /// <summary>The same numbers, as bytes and back: what a view of another element type is.</summary>
    public static Tensor At(this Tensor floats, long offset)
    {
        var bytes = Tensor.From<byte>(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(floats.ToFloats()));
        return bytes.At(offset, DType.Float32, floats.Shape);
    }
}
