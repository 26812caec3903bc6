using Obverse.Evaluation;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Training;

public class EvaluationTests
{
    [Fact]
    public void Zero_shot_counts_the_first_and_the_first_five()
    {
        using var scope = new TensorScope();
        var classes = Tensor.Eye(8, DType.Float32);
        var pictures = Tensor.From([1f, 0, 0, 0, 0, 0, 0, 0, .9f, 1, 0, 0, 0, 0, 0, 0, .6f, .5f, .4f, .3f, .2f, .1f, 0, 0], 3, 8);
        var got = ZeroShot.Accuracy(pictures, classes, [[0], [0], [7]]);
        Assert.Equal((1 / 3.0, 2 / 3.0, 3), (got.Top1, got.Top5, got.Count));
        Assert.Equal(2 / 3.0, ZeroShot.Accuracy(pictures, classes, [[0], [1, 0], [7]]).Top1);
    }

    [Fact]
    public void A_classifier_of_words_is_the_mean_over_templates()
    {
        using var scope = new TensorScope();
        static Tensor Embed(IReadOnlyList<string> texts) => Tensor.Stack([.. texts.Select(text => Tensor.From([text.Length, text.Count(letter => letter == 'a'), 1f]))]);
        var rows = ZeroShot.Classifier(Embed, ["cat", "banana"], ["{}", "a {}."]);
        var byHand = Embed(["banana", "a banana."]).Normalized().Mean(0).Normalized();
        Assert.Equal([2, 3], rows.Shape);
        Assert.True((rows[1] - byHand).Abs().Max().Item() < 1e-6);
    }

    [Fact]
    public void The_gap_is_the_distance_of_the_means()
    {
        using var scope = new TensorScope();
        var a = Tensor.From([2f, 0, 0, 3], 2, 2);
        Assert.Equal(0, ModalityGap.Between(a, a * 5.0), 1e-6);
        Assert.Equal(2, ModalityGap.Between(a[..1], a[..1] * -1.0), 1e-5);
    }

    [Fact]
    public void Equal_names_are_equally_right()
    {
        Assert.Equal([[0, 2], [1], [0, 2]], ClassName.SameName(["missile", "dog", "missile"]));
        var phrase = EverydayPhrase.Parse("# a remark\nbig cat\t3;4\n", "test").Single();
        Assert.Equal("big cat", phrase.Text);
        Assert.Equal([3, 4], phrase.Classes);
        Assert.Contains("line 1", Assert.Throws<InvalidDataException>(() => EverydayPhrase.Parse("big cat 3", "test")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_centre_crop_keeps_the_middle()
    {
        var wide = new byte[20 * 10 * 3];
        for (var i = 0; i < 200; i++) wide[i * 3] = (byte)(i % 20 is >= 5 and < 15 ? 200 : 0);
        var crop = PictureBatches.CentreCrop(wide, 20, 10, 10);
        Assert.Equal(300, crop.Length);
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(200, crop[i * 3]));
        Assert.Equal(12 * 12 * 3, PictureBatches.CentreCrop(wide, 20, 10, 12).Length);
    }

    [Fact]
    public void Autocast_computes_products_in_bfloat16_only_while_open()
    {
        using var scope = new TensorScope();
        var x = Tensor.Eye(4, DType.Float32);
        using (new Autocast()) Assert.Equal(DType.BFloat16, x.Matmul(x).DType);
        using (new Autocast(false)) Assert.Equal(DType.Float32, x.Matmul(x).DType);
        Assert.Equal(DType.Float32, x.Matmul(x).DType);
    }
}
