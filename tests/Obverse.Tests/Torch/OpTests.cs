using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

public class OpTests
{
    [Fact]
    public void A_wrong_argument_names_operator_argument_given_and_wanted()
    {
        using var x = Tensor.Ones([2, 2]);
        var error = Assert.Throws<ArgumentException>(() => Op.Find("aten::softmax", "int").Call(x, "rows"));
        Assert.Contains("aten::softmax.int", error.Message, StringComparison.Ordinal);
        Assert.Contains("'dim'", error.Message, StringComparison.Ordinal);
        Assert.Contains("String", error.Message, StringComparison.Ordinal);
        Assert.Contains("wanted int", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Op.Find("aten::relu").Call(x, x, x));
        Assert.Contains("aten::nonsense", Assert.Throws<TorchException>(() => Op.Find("aten::nonsense").Call(x)).Message, StringComparison.Ordinal);
        Assert.Equal("aten::matmul: libtorch refused self: Float32 [2, 2], other: Float32 [3, 3]", Assert.Throws<TorchException>(() => x.Matmul(Tensor.Ones([3, 3]))).Message);
        Assert.Equal("aten::add: libtorch refused self: Float32 [2, 2], other: Int64 [3]", Assert.Throws<TorchException>(() => x + Tensor.Arange(3)).Message);
    }

    [Fact]
    public void A_disposed_tensor_is_refused_by_name()
    {
        var x = Tensor.Ones([2]);
        x.Dispose();
        Assert.Throws<ObjectDisposedException>(() => x.Relu());
    }

    [Fact]
    public void Lists_longer_than_the_inline_six_arrive()
    {
        using var scope = new TensorScope();
        var x = Tensor.Zeros([1, 1, 1, 1, 1, 1, 2]).Expand(2, 1, 1, 1, 1, 1, 2);
        Assert.Equal([2, 1, 1, 1, 1, 1, 2], x.Shape);
        Assert.Equal([1f, 2f, 3f], Tensor.Cat([Tensor.From([1f]), Tensor.From([2f, 3f])]).ToFloats());
    }

    [Fact]
    public void Gradients_flow_and_add_up()
    {
        using var scope = new TensorScope();
        var x = Tensor.From([1f, 2f, 3f]);
        x.RequiresGrad = true;
        (x * x).Sum().Backward();
        Assert.Equal([2f, 4f, 6f], x.Grad!.ToFloats());
        (x * 3).Sum().Backward();
        Assert.Equal([5f, 7f, 9f], x.Grad!.ToFloats());
        x.Grad = null;
        Assert.Null(x.Grad);
        Assert.Equal([3f, 12f, 27f], Tensor.Gradients((x * x * x).Sum(), [x])[0]!.ToFloats());
        using (new NoGrad()) Assert.False((x * 2).RequiresGrad);
        Assert.True((x * 2).RequiresGrad);
    }

    [Fact]
    public void Indexing_reads_and_writes_as_numpy_does()
    {
        using var scope = new TensorScope();
        var x = Tensor.Arange(24).To(DType.Float32).Reshape(2, 3, 4);
        Assert.Equal([4f, 5f, 6f, 7f], x[0, 1].ToFloats());
        Assert.Equal([13f, 14f], x[1, 0, 1..3].ToFloats());
        Assert.Equal([3f, 7f, 11f, 15f, 19f, 23f], x[.., .., ^1].ToFloats());
        x[0, 0] = Tensor.Full([4], -1.0);
        Assert.Equal(-4 + 4 + 5 + 6 + 7, x[0, ..2].Sum().Item());
    }

    [Fact]
    public void A_seed_gives_the_same_numbers()
    {
        using var a = new Generator(7);
        using var b = new Generator(7);
        using var c = Generator.For(7, 1);
        using var scope = new TensorScope();
        var first = a.Normal(5).ToFloats();
        Assert.Equal(first, b.Normal(5).ToFloats());
        Assert.NotEqual(first, c.Normal(5).ToFloats());
    }
}
