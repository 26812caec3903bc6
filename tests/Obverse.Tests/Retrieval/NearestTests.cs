using Obverse.Retrieval;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Retrieval;

public class NearestTests
{
    // Rows of so few kinds that most scores are equal, and so many queries that they are looked at in several blocks.
    [Theory]
    [InlineData(1, 300, 40, 7)]
    [InlineData(1030, 5000, 50, 9)]
    [InlineData(1000, 9000, 3, 4500)]
    public void What_is_found_in_blocks_is_what_sorting_all_scores_finds(int queries, int count, int kinds, int k)
    {
        using var scope = new TensorScope();
        using var random = new Generator(5);
        var rows = random.Normal(kinds, 3).Round().Expand(count / kinds, kinds, 3).Reshape(-1, 3); // whole numbers: a score is the same in any order of its sum
        var wanted = random.Normal(queries, 3).Round();
        var (scores, order) = wanted.Matmul(rows.T()).Sort(1, descending: true);
        var (best, found) = Nearest.To(wanted, rows, k);
        Assert.Equal([queries, k], found.Shape);
        Assert.Equal(scores.Narrow(1, 0, k).ToFloats(), best.ToFloats());
        Assert.Equal(order.Narrow(1, 0, k).Contiguous().ToArray<long>(), found.Contiguous().ToArray<long>());

        var (alone, its) = Nearest.To(wanted[0], rows, k);
        Assert.Equal(best[0].ToFloats(), alone.ToFloats());
        Assert.Equal(found[0].Contiguous().ToArray<long>(), its.Contiguous().ToArray<long>());
    }

    [Fact]
    public void Of_some_rows_only_the_best_come_first_and_equal_ones_by_row()
    {
        using var scope = new TensorScope();
        var rows = Tensor.From([1f, 0, 0, 1, 1, 0, -1, 0], 4, 2);
        var (scores, found) = Nearest.Among(Tensor.From([2f, 1, 0, 1], 2, 2), rows, Tensor.From([3L, 2, 0, 3, 0, 1], 2, 3), 2);
        Assert.Equal([0, 2, 1, 0], found.Contiguous().ToArray<long>());
        Assert.Equal([2, 2, 1, 0], scores.ToFloats());
    }

    [Fact]
    public void No_queries_find_nothing()
    {
        using var scope = new TensorScope();
        Assert.Equal([0, 2], Nearest.To(Tensor.Zeros([0, 3]), Tensor.Ones([5, 3]), 2).Rows.Shape);
    }
}
