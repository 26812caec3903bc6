using Obverse.Evaluation;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>The worked zero-shot example of the fixture tree: open_clip's classifier, logits and probabilities.</summary>
public class ZeroShotFixtureTests
{
    private const double Tolerance = 1e-4; // README, "Tolerances to expect"

    [SkippableFact]
    public void Classifier_logits_and_probabilities_are_open_clip_s()
    {
        var folder = Fixtures.Require("clip/zeroshot");
        var json = Parity.Json(Path.Combine(folder, "zeroshot.json"));
        var top = Fixtures.Require("clip/" + json.GetProperty("model").GetString());
        var merges = Fixtures.Require("clip/tokenizer/bpe_simple_vocab_16e6.txt.gz");
        using var expected = Safetensors.Open(Path.Combine(folder, "zeroshot.safetensors"));
        using var model = ClipModel.Load(top);
        model.Tokenizer = BpeTokenizer.Load(merges, TokenizerFlavour.OpenClip);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        string[] names = [.. json.GetProperty("classes").EnumerateArray().Select(c => c.GetString()!)];

        var templates = ImageNetTemplates.All;
        var texts = Tensor.Stack([.. names.Select(name => model.EncodeText([.. templates.Select(t => ImageNetTemplates.Fill(t, name))]))]);
        Parity.Close("zeroshot text_embeds", expected["text_embeds"], texts, Tolerance, 1);
        var classifier = ZeroShot.Classifier(model.EncodeText, names, templates);
        Parity.Close("zeroshot classifier", expected["classifier"].T(), classifier, Tolerance, 1);
        Parity.Close("zeroshot classifier.simple", expected["classifier.simple"].T(), ZeroShot.Classifier(model.EncodeText, names, ImageNetTemplates.Simple), Tolerance, 1);

        var images = model.EncodeImage(expected["pixel_values"]);
        Parity.Close("zeroshot image_embeds", expected["image_embeds"], images, Tolerance, 1);
        var logits = images.Normalized().Matmul(classifier.T()) * json.GetProperty("scale").GetDouble();
        Parity.Close("zeroshot logits", expected["logits"], logits, Tolerance, 1);
        Parity.Close("zeroshot probabilities", expected["probabilities"], logits.Softmax(1), Tolerance, 1);
        var best = logits.Argmax(1).ToArray<long>();
        Assert.Equal(json.GetProperty("best").EnumerateArray().Select(b => b.GetString()), best.Select(b => names[b]));
        int[][] right = [.. best.Select(b => new[] { (int)b })];
        Assert.Equal(1, ZeroShot.Accuracy(images, classifier, right).Top1);
    }

    [Fact]
    public void Pictures_say_what_they_show_by_wordnet_id_or_folder()
    {
        using var folder = new TemporaryFolder();
        var tench = ImageNet.Classes[0];
        string[] files = [$"tench.{tench.Wnid}.jpg", "red fox/1.png", "red_fox/images/2.PNG", "3.jpg", "notes.txt"];
        foreach (var file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder.Path, file))!);
            File.WriteAllText(Path.Combine(folder.Path, file), "x");
        }

        var zip = folder.Path + ".zip";
        System.IO.Compression.ZipFile.CreateFromDirectory(folder.Path, zip);
        try
        {
            foreach (var set in new[] { folder.Path, zip })
            {
                var found = LabelledPicture.OfSet(set);
                Assert.Equal(4, found.Count);
                Assert.All(found, picture => Assert.Equal([(byte)'x'], picture.Read()));
                string[] names = ["tench", "Red Fox"];
                Assert.Equal(["", "1", "1", "0"], found.Select(p => string.Join(",", p.Among(names))));
            }
        }
        finally
        {
            File.Delete(zip);
        }
    }
}
