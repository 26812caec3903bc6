using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Priors;

public class VectorIndexTests
{
    // Rows with something to find: a few directions and a little of their own; independent normal ones have no neighbours.
    private static (Tensor Rows, Tensor Queries) Clouds(int count, int d)
    {
        using var random = new Generator(9);
        var directions = random.Normal(24, d);
        return ((random.Normal(count, 24).Matmul(directions) + random.Normal(count, d)).Normalized(), (random.Normal(20, 24).Matmul(directions) + random.Normal(20, d)).Normalized());
    }

    [Fact]
    public void A_flat_index_finds_what_the_plain_search_finds_and_survives_its_file()
    {
        using var scope = new TensorScope();
        var (rows, queries) = Clouds(500, 37); // not a multiple of a register's width
        using var index = new VectorIndex(37);
        index.Add(rows.Narrow(0, 0, 300));
        index.Add(rows.Narrow(0, 300, 200));
        var (scores, found) = Nearest.To(queries, rows, 7);
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "rows.faiss");
        index.Save(path);
        using var opened = VectorIndex.Open(path);
        foreach (var one in new[] { index, opened })
        {
            var (s, r) = one.Search(queries, 7);
            Assert.Equal(found.Contiguous().ToArray<long>(), r.ToArray<long>());
            Assert.True((scores - s).Abs().Max().Item() < 1e-5);
        }
    }

    [Theory]
    [InlineData("HNSW16", 128)]
    [InlineData("IVF16,Flat", 8)]
    public void Other_kinds_find_nearly_all(string kind, int effort)
    {
        using var scope = new TensorScope();
        var (rows, queries) = Clouds(2000, 32);
        using var index = new VectorIndex(32, kind);
        index.Add(rows);
        index.Effort = effort;
        var wanted = Nearest.To(queries, rows, 10).Rows.Contiguous().ToArray<long>().Chunk(10).ToArray();
        var found = index.Search(queries, 10).Rows.ToArray<long>().Chunk(10).ToArray();
        var recall = wanted.Zip(found).Average(pair => pair.First.Intersect(pair.Second).Count() / 10.0);
        Assert.True(recall > 0.8, $"{kind}: recall {recall}");
    }

    [Fact]
    public void What_cannot_be_is_refused_by_name()
    {
        using var scope = new TensorScope();
        using var index = new VectorIndex(4);
        Assert.Contains("no rows", Assert.Throws<ArgumentException>(() => index.Search(Tensor.Ones([1, 4]), 1)).Message, StringComparison.Ordinal);
        index.Add(Tensor.Ones([2, 4]));
        Assert.Contains("3 were asked for among 2", Assert.Throws<ArgumentException>(() => index.Search(Tensor.Ones([1, 4]), 3)).Message, StringComparison.Ordinal);
        Assert.Contains("4 numbers a row", Assert.Throws<ArgumentException>(() => index.Add(Tensor.Ones([2, 5]))).Message, StringComparison.Ordinal);
        Assert.Contains("nonsense", Assert.Throws<InvalidDataException>(() => new VectorIndex(4, "nonsense")).Message, StringComparison.Ordinal);
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "x.faiss");
        File.WriteAllText(path, "no index");
        Assert.Throws<InvalidDataException>(() => VectorIndex.Open(path));
    }
}
