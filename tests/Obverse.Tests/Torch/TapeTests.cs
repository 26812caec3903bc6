using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

/// <summary>Cuts of the graph: gradients pass them as if they were operators of libtorch's.</summary>
[Collection(nameof(Alone))]
public class TapeTests
{
    private static Tensor Leaf(params float[] numbers)
    {
        var leaf = Tensor.From(numbers);
        leaf.RequiresGrad = true;
        return leaf;
    }

    // x³, whose gradient libtorch is not told.
    private static Tensor Cube(Tensor x) => Tape.Apply(x, at => at * at * at, (at, gradient) => gradient * at * at * 3);

    [Fact]
    public void A_chain_of_cuts_gives_the_gradient_of_the_chain()
    {
        using var scope = new TensorScope();
        var x = Leaf(1, 2);
        (Cube(Cube(x * 2) + x) * 0.5).Sum().Backward(); // d/dx of ((8x³ + x)³) / 2
        float Slope(float v) => 1.5f * MathF.Pow(8 * v * v * v + v, 2) * (24 * v * v + 1);
        Assert.Equal([Slope(1), Slope(2)], x.Grad!.ToFloats());
    }

    [Fact]
    public void Branches_that_meet_add_up_and_those_that_do_not_stay_apart()
    {
        using var scope = new TensorScope();
        var (x, y) = (Leaf(2), Leaf(3));
        var (a, b) = (Cube(x), Cube(y));
        var both = a * b + a;
        Assert.Equal([12 * 27f + 12, 8 * 27f], Tensor.Gradients(both, [x, y], keepGraph: true).SelectMany(g => g!.ToFloats()));
        Assert.Null(x.Grad);
        Assert.Equal([12f, null], Tensor.Gradients(a * 1, [x, y], keepGraph: true).Select(g => g?.ToFloats()[0]));
        both.Backward();
        Assert.Equal([12 * 27f + 12], x.Grad!.ToFloats());
        Assert.Equal([8 * 27f], y.Grad!.ToFloats());
    }

    [Fact]
    public void Gradients_are_had_in_what_lies_between_above_and_below_a_cut()
    {
        using var scope = new TensorScope();
        var x = Leaf(2);
        var below = x * 5;
        var above = Cube(below);
        var loss = above.Square().Sum();
        var found = Tensor.Gradients(loss, [above, below, x], keepGraph: true);
        Assert.Equal([2000f, 2000 * 300f, 2000 * 300 * 5f], found.Select(g => g!.ToFloats()[0]));
        loss.Backward();
        Assert.Equal(2000 * 300 * 5f, x.Grad!.Item());
    }

    [Fact]
    public void Gradients_that_a_leaf_holds_stay_and_so_does_a_loss_that_was_not_asked()
    {
        using var scope = new TensorScope();
        var x = Leaf(2);
        x.Square().Backward();
        var (one, two) = (Cube(x), Cube(x * 2));
        _ = one + two; // their tapes meet
        one.Backward();
        Assert.Equal(4 + 12f, x.Grad!.Item());
        two.Backward();
        Assert.Equal(4 + 12 + 96f, x.Grad!.Item());
    }

    [Fact]
    public void Nothing_is_cut_where_no_gradient_is_wanted()
    {
        using var scope = new TensorScope();
        Assert.Null(Cube(Tensor.From([2f])).Tape);
        using (new NoGrad()) Assert.Null(Cube(Leaf(2)).Tape);
        var cut = Cube(Leaf(2));
        Assert.NotNull(cut.Tape);
        Assert.NotNull((cut * 2).Tape);
        Assert.Null((cut * 2).Detach().Tape);
        Assert.Throws<NotSupportedException>(() => Tensor.Gradients(cut, [], createGraph: true));
    }

    [Fact]
    public void A_cut_lets_go_of_what_it_kept_when_it_was_walked_over()
    {
        var x = Leaf(1, 2);
        using (new TensorScope()) Cube(x * 2).Sum().Backward();
        var before = Tensor.Live;
        for (var i = 0; i < 100; i++)
        {
            using var scope = new TensorScope();
            Cube(x * 2).Sum().Backward();
        }

        Assert.InRange(Tensor.Live, before - 50, before + 50); // others count too
        x.Dispose();
    }
}
