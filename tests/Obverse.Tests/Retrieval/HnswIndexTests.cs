using Obverse.Retrieval;
using Obverse.Tests.Encoders;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Retrieval;

public class HnswIndexTests
{
    // Rows with something to find: a few directions and a little of their own; independent normal ones have no neighbours.
    private static (Tensor Rows, Tensor Queries) Clouds(int count, int d)
    {
        using var random = new Generator(9);
        var directions = random.Normal(24, d);
        return ((random.Normal(count, 24).Matmul(directions) + random.Normal(count, d)).Normalized(), (random.Normal(20, 24).Matmul(directions) + random.Normal(20, d)).Normalized());
    }

    private static double Recall(Tensor wanted, Tensor found, int k) =>
        wanted.Contiguous().ToArray<long>().Chunk(k).Zip(found.Contiguous().ToArray<long>().Chunk(k)).Average(pair => pair.First.Intersect(pair.Second).Count() / (double)k);

    [Fact]
    public void A_graph_finds_nearly_all_and_the_same_after_its_bytes()
    {
        using var scope = new TensorScope();
        var (rows, queries) = Clouds(3000, 37); // not a multiple of a register's width
        var (done, threads) = (new List<int>(), Runtime.Threads);
        using var graph = HnswIndex.Of(rows, EqualRows.Of(rows).First, onProgress: done.Add);
        Assert.Equal((3000, 3000, threads), (graph.Count, done[^1], Runtime.Threads));
        var found = graph.Search(queries, 10);
        var recall = Recall(Nearest.To(queries, rows, 10).Rows, found, 10);
        Assert.True(recall > 0.9, $"recall {recall}");
        using var again = HnswIndex.Over(graph.ToBytes(), 37, 3000);
        Assert.Equal(found.ToArray<long>(), again.Search(queries, 10).ToArray<long>());
    }

    [Fact]
    public void What_cannot_be_is_refused_by_name()
    {
        using var scope = new TensorScope();
        using var graph = HnswIndex.Of(Clouds(10, 4).Rows, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        Assert.Contains("4 numbers a row", Assert.Throws<ArgumentException>(() => graph.Search(Tensor.Ones([2, 5]), 1)).Message, StringComparison.Ordinal);
        Assert.Contains("other than 5 numbers", Assert.Throws<InvalidDataException>(() => HnswIndex.Over(graph.ToBytes(), 5, 10)).Message, StringComparison.Ordinal);
        Assert.Contains("other than 4 numbers", Assert.Throws<InvalidDataException>(() => HnswIndex.Over(Tensor.Zeros([200], DType.UInt8), 4, 10)).Message, StringComparison.Ordinal);
        Assert.Contains("of other rows", Assert.Throws<InvalidDataException>(() => HnswIndex.Over(graph.ToBytes(), 4, 9)).Message, StringComparison.Ordinal);
        Assert.Equal(4, graph.Search(Clouds(10, 4).Queries, 14)[0].ToArray<long>().Count(row => row < 0)); // of ten rows, no more than ten
        graph.Dispose();
        Assert.Throws<ObjectDisposedException>(() => graph.Count);
    }

    // Each byte of what leads from row to row, and of the heads before it: what USearch would follow outside its memory (some end the process) is refused, and the rest searches.
    [Fact]
    public void No_byte_of_a_graph_leads_outside_its_memory()
    {
        using var scope = new TensorScope();
        var (rows, queries) = Clouds(40, 8);
        using var graph = HnswIndex.Of(rows, EqualRows.Of(rows).First, new(Connectivity: 4));
        var whole = graph.ToBytes().ToArray<byte>();
        var refused = 0;
        for (var at = 0; at < whole.Length; at = at == 7 ? 8 + 40 * 8 * 2 : at + 1)
        {
            using var inner = new TensorScope();
            var bytes = TensorScope.Unscoped(() => Tensor.From<byte>([.. whole[..at], (byte)(whole[at] ^ 0x81), .. whole[(at + 1)..]]));
            try
            {
                using var damaged = HnswIndex.Over(bytes, 8, 40);
                Assert.All(damaged.Search(queries, 5).ToArray<long>(), row => Assert.InRange(row, -1, 39));
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.True(refused > 1000, $"{refused} of {whole.Length} bytes");
    }

    [Fact]
    public void An_index_that_searches_by_a_graph_gives_the_scores_that_looking_at_every_row_gives()
    {
        using var scope = new TensorScope();
        var (rows, queries) = Clouds(3000, 32);
        using var index = new RetrievalIndex("toy", rows, rows.IndexSelect(0, Tensor.From([.. Enumerable.Range(0, (int)rows.Size(0)).Reverse().Select(i => (long)i)]))) { Kind = SearchKind.Exact };
        var (scores, wanted) = index.NearestTexts(queries, 10);
        index.Kind = SearchKind.Hnsw;
        var (near, found) = index.NearestTexts(queries, 10);
        Assert.True(Recall(wanted, found, 10) > 0.9);
        foreach (var (row, score) in found[0].Contiguous().ToArray<long>().Zip(near[0].ToFloats())) Assert.Equal((rows[row] * queries[0]).Sum().Item(), score, 1e-6);
        Assert.Equal(near[0].ToFloats().OrderDescending(), near[0].ToFloats());
        var (alone, its) = index.NearestTexts(queries[0], 10);
        Assert.Equal(found[0].Contiguous().ToArray<long>(), its.Contiguous().ToArray<long>());
        Assert.Equal(near[0].ToFloats(), alone.ToFloats());
        Assert.Equal(3000, index.NearestImages(queries, 3000).Rows.Size(1)); // more than a graph finds: every row is looked at
    }

    // As the captions of a picture set by class: hundreds of rows of each kind, among which a graph would go round in circles.
    [Theory]
    [InlineData(10)]
    [InlineData(50)]
    [InlineData(1000)]
    public void Equal_rows_are_found_as_looking_at_every_row_finds_them(int kinds)
    {
        using var scope = new TensorScope();
        var (rows, queries) = Clouds(kinds, 32);
        using var random = new Generator(4);
        var kind = (random.Uniform(0, 1, 6000) * kinds).Floor().To(DType.Int64);
        var captions = rows.IndexSelect(0, kind);
        using var search = HnswCache.Open(null, captions);
        foreach (var k in new[] { 1, 30 })
        {
            var ((scores, wanted), (near, found)) = (Nearest.To(queries, captions, k), search.To(queries, k));
            long[] Kinds(Tensor of) => kind.IndexSelect(0, of.Reshape(-1)).ToArray<long>();
            // Which of a kind is BLAS's last bit where every row is looked at, and the first ones here. A graph is built by several threads, no two alike: of a thousand kinds one misses a row now and then.
            var right = Kinds(wanted).Zip(Kinds(found)).Average(pair => pair.First == pair.Second ? 1 : 0);
            Assert.True(right >= (kinds < 1000 ? 1 : 0.99), $"{right:P2} of {kinds} kinds as by every row");
            if (right == 1) Assert.True((scores - near).Abs().Max().Item() < 1e-6);
            Assert.All(found.ToArray<long>().Chunk(k), its => Assert.Equal(k, its.Distinct().Count()));
        }
    }

    [Fact]
    public void A_cached_graph_is_used_again_and_a_damaged_or_foreign_one_is_built_anew()
    {
        using var scope = new TensorScope();
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "i.usearch");
        var (rows, queries) = Clouds(600, 16);
        var notes = new List<string>();
        long[] Search(Tensor of)
        {
            notes.Clear();
            using var search = HnswCache.Open(path, of, notes.Add);
            return search.To(queries, 5).Rows.ToArray<long>();
        }

        var first = Search(rows);
        Assert.Contains("building a graph of 600 rows, once", Assert.Single(notes), StringComparison.Ordinal);
        var whole = File.ReadAllBytes(path);
        Assert.Equal(first, Search(rows));
        Assert.Empty(notes);

        // A bit anywhere: USearch would read some of these and look outside its memory.
        using var random = new Generator(1);
        foreach (var at in random.Uniform(0, 1, 12).ToFloats().Select(part => (int)(part * (whole.Length - 1))).Append(whole.Length - 1).Append(0))
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 16;
            AssertRebuilt(damaged);
        }

        foreach (var length in new[] { 0, 7, 100, whole.Length / 2, whole.Length - 1 }) AssertRebuilt(whole[..length]);
        AssertRebuilt([.. whole, 0]);

        Search(rows.Narrow(0, 0, 500));
        Assert.Contains("is of other rows", notes[0], StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(folder.Path), file => file != path);

        void AssertRebuilt(byte[] damaged)
        {
            File.WriteAllBytes(path, damaged);
            Search(rows);
            Assert.Equal(2, notes.Count);
            Assert.StartsWith(path, notes[0], StringComparison.Ordinal);
            Search(rows);
            Assert.Empty(notes);
        }
    }

    [Fact]
    public void A_graph_that_cannot_be_cached_searches_all_the_same()
    {
        using var scope = new TensorScope();
        using var folder = new TemporaryFolder();
        var (rows, queries) = Clouds(100, 8);
        var notes = new List<string>();
        using var search = HnswCache.Open(Path.Combine(folder.Path, "no", "i.usearch"), rows, notes.Add);
        Assert.Contains("the next search builds it again", notes[^1], StringComparison.Ordinal);
        Assert.Equal(Nearest.To(queries, rows, 100).Rows.Contiguous().ToArray<long>(), search.To(queries, 100).Rows.ToArray<long>());
    }
}
