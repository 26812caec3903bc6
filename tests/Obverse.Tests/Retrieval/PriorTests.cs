using System.Text.Json;
using Obverse.Retrieval;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Retrieval;

/// <summary>Procrustes, blending and nearest neighbours against the fixture tree's `inr` folder, and by construction.</summary>
public class PriorTests
{
    public static TheoryData<string> Of(string topic) => Fixtures.Files("inr", topic + ".json");

    private static IEnumerable<(string Name, JsonElement Settings, JsonElement Expected)> Cases(string path)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Fixtures.Require(path + ".json")));
        return [.. json.RootElement.GetProperty("cases").EnumerateObject().Select(c => (c.Name, c.Value.GetProperty("settings").Clone(), c.Value.GetProperty("expected").Clone()))];
    }

    [SkippableTheory, MemberData(nameof(Of), "procrustes")]
    public void Procrustes_is_the_reference(string path)
    {
        using var file = Safetensors.Open(Fixtures.Require(path + ".safetensors"));
        var compared = 0;
        foreach (var (name, _, expected) in Cases(path))
        {
            using var scope = new TensorScope();
            Tensor T(string what) => file[$"{name}.{what}"].To(DType.Float64);
            bool Has(string what) => file.Contains($"{name}.{what}");
            var (texts, images, y) = (T("in.E_T").T(), T("in.E_I").T(), T("in.y"));
            var close = expected.GetProperty("limit_sv").GetDouble() > 1e-4 ? 1e-9 : 1e-6;
            var (limit, raw) = (Procrustes.Rotation(texts, images), Procrustes.Rotation(texts, images, raw: true));
            foreach (var (kind, r, isRaw) in new[] { ("limit", limit, false), ("raw", raw, true) })
            {
                Assert.True((r.T().Matmul(r) - Tensor.Eye(r.Size(0), DType.Float64)).Abs().Max().Item() < 1e-9, $"{name}: {kind} is not orthogonal");
                Assert.Equal(expected.GetProperty($"{kind}_residual").GetDouble(), (r.Matmul(texts.T()) - images.T()).Norm().Item(), 1e-8);
                if (Has($"out.{kind}.R")) Near(T($"out.{kind}.R"), r, close, $"{name} {kind}.R", ref compared);
                if (Has($"out.{kind}.R_E_T")) Near(T($"out.{kind}.R_E_T"), r.Matmul(texts.T()), close, $"{name} {kind}.R_E_T", ref compared);
                if (Has($"out.{kind}.target") && (!isRaw || Has("out.raw.R"))) Near(T($"out.{kind}.target"), Procrustes.Align(y, texts, images, isRaw), close, $"{name} {kind}.target", ref compared);
            }

            Assert.Equal(expected.GetProperty("trace_limit").GetDouble(), limit.Diagonal().Sum().Item(), 1e-5);
        }

        Assert.True(compared > 0, "the fixtures hold nothing to compare");
    }

    [Theory]
    [InlineData(16, 16)]
    [InlineData(16, 40)]
    [InlineData(24, 6)]
    public void Procrustes_finds_the_turn_that_was_made(int d, int k)
    {
        using var scope = new TensorScope();
        using var random = new Generator(11);
        var q = random.Normal(d, d).To(DType.Float64).Svd().U;
        var texts = random.Normal(k, d).To(DType.Float64).Normalized();
        var r = Procrustes.Rotation(texts, texts.Matmul(q.T()));
        Assert.True((r.T().Matmul(r) - Tensor.Eye(d, DType.Float64)).Abs().Max().Item() < 1e-10);
        Assert.True((texts.Matmul(r.T()) - texts.Matmul(q.T())).Abs().Max().Item() < 1e-10); // not Rᵀ
        if (k >= d) Assert.True((r - q).Abs().Max().Item() < 1e-5);
        else Assert.True(r.Diagonal().Sum().Item() > Procrustes.Rotation(texts, texts.Matmul(q.T()), raw: true).Diagonal().Sum().Item());
    }

    [Fact]
    public void Pairs_that_say_nothing_leave_the_prompt_as_it_is()
    {
        using var scope = new TensorScope();
        using var random = new Generator(12);
        var texts = random.Normal(3, 20).Normalized();
        var prompt = random.Normal(20).Normalized();
        Assert.True((Procrustes.Align(prompt, texts, texts) - prompt).Abs().Max().Item() < 1e-6);
        Assert.Throws<ArgumentException>(() => Procrustes.Rotation(texts, random.Normal(4, 20)));
    }

    [SkippableTheory, MemberData(nameof(Of), "embeddings")]
    public void Nearest_neighbours_and_blends_are_the_reference(string path)
    {
        using var file = Safetensors.Open(Fixtures.Require(path + ".safetensors"));
        var compared = 0;
        foreach (var (name, settings, _) in Cases(path))
        {
            using var scope = new TensorScope();
            Tensor T(string what) => file[$"{name}.{what}"];
            if (file.Contains($"{name}.in.bank"))
            {
                var (scores, rows) = Nearest.To(T("in.query").To(DType.Float64), T("in.bank").To(DType.Float64), settings.GetProperty("k").GetInt32());
                Assert.Equal(T("out.indices").ToArray<long>(), rows.Contiguous().ToArray<long>());
                Near(T("out.scores"), scores, 1e-6, name, ref compared);
            }
            else if (file.Contains($"{name}.in.text"))
            {
                var blend = Blend.Of(T("in.y"), T("in.text"), T("in.image"), settings.GetProperty("k").GetInt32(), settings.GetProperty("tau").GetDouble());
                Assert.Equal(T("out.indices").ToArray<long>(), blend.Rows.Contiguous().ToArray<long>());
                Near(T("out.weights"), blend.Weights, 1e-12, name + " weights", ref compared);
                Near(T("out.target"), blend.Target, 1e-12, name + " target", ref compared);
            }
        }

        Assert.True(compared > 0, "the fixtures hold nothing to compare");
    }

    [Fact]
    public void More_neighbours_than_rows_and_no_rows_are_refused()
    {
        using var scope = new TensorScope();
        var (query, rows) = (Tensor.Ones([4]), Tensor.Ones([3, 4]));
        Assert.Contains("4 were asked for among 3", Assert.Throws<ArgumentException>(() => Nearest.To(query, rows, 4)).Message);
        Assert.Contains("no rows", Assert.Throws<ArgumentException>(() => Nearest.To(query, Tensor.Zeros([0, 4]), 1)).Message);
        Assert.Contains("a query of 5", Assert.Throws<ArgumentException>(() => Nearest.To(Tensor.Ones([5]), rows, 1)).Message);
    }

    private static void Near(Tensor wanted, Tensor got, double tolerance, string what, ref int compared)
    {
        compared++;
        var worst = (wanted.To(DType.Float64) - got.To(DType.Float64)).Abs().Max().Item();
        Assert.True(worst <= tolerance, $"{what}: off by {worst:g3}, tolerance {tolerance:g3}");
    }
}
