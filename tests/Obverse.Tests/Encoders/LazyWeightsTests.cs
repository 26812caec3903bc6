using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Torch;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>Weights that wait in their file.</summary>
[Collection(nameof(Alone))]
public class LazyWeightsTests
{
    public LazyWeightsTests() => Alone.Sweep();

    private static readonly ClipConfig config = new()
    {
        Vision = new() { ImageSize = 16, PatchSize = 8, Width = 64, Heads = 2, Layers = 2, MlpWidth = 256, EmbedDim = 8 },
        Text = new() { ContextLength = 8, VocabularySize = 20, Width = 16, Heads = 2, Layers = 1, MlpWidth = 64, EmbedDim = 8 },
    };

    [Fact]
    public void A_tower_is_widened_when_it_is_first_used()
    {
        using var folder = new TemporaryFolder();
        using var random = new Generator(1);
        using (var made = ClipModel.New(config, random)) made.Save(folder.Path, half: true);
        var file = Path.Combine(folder.Path, "open_clip_model.safetensors");
        using (var scope = new TensorScope()) // damage that only the text tower can meet
        {
            var tensors = Safetensors.Open(file) is var open ? open.Names.ToDictionary(n => n, n => open[n].Clone()) : [];
            open.Dispose();
            tensors["token_embedding.weight"] = Tensor.Full([20, 16], double.NaN, DType.Float16);
            Safetensors.Save(file, tensors);
        }

        using var model = ClipModel.Load(folder.Path);
        Assert.Equal([1, 8], TensorShape(() => model.EncodeImage(Tensor.Zeros([1, 3, 16, 16]))));
        Assert.Contains("'token_embedding.weight' holds NaN", Assert.Throws<WeightsException>(() => model.Text).Message);
    }

    [Fact]
    public void Pages_that_are_given_back_lose_nothing_that_somebody_wrote()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "w.safetensors");
        using (var scope = new TensorScope()) Safetensors.Save(file, [new("w", Tensor.Ones([100_000]))]);
        using var open = Safetensors.Open(file);
        using var kept = open["w"];
        kept.FillInPlace(7);
        open["w"].Dispose(); // another view goes
        using (var sum = kept.Sum()) Assert.Equal(700_000, sum.Item());
        kept.Dispose();
        using var again = open["w"];
        using var fresh = again[50_000..60_000];
        using var total = fresh.Sum();
        Assert.Equal(10_000, total.Item()); // from the file once more; only the first and last page, which may hold a neighbour's end, stay
    }

    private static long[] TensorShape(Func<Tensor> make)
    {
        using var scope = new TensorScope();
        return make().Shape;
    }
}
