using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Commands;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

/// <summary>What a picture's conversion to a prompt keeps (SD-IPC, Table 1).</summary>
[Collection("command line")]
public class PromptSpacesTests
{
    [Fact]
    public void A_projection_that_only_turns_and_scales_keeps_all_and_one_that_flattens_does_not()
    {
        const int Width = 32;
        using var random = new Generator(4);
        var tokenizer = BpeTrainer.Train(["a photo of a red fox", "a photo of a dog"], merges: 4);
        using var clip = ClipModel.New(new()
        {
            Vision = new() { ImageSize = 32, PatchSize = 8, Width = Width, Heads = 2, Layers = 1, MlpWidth = 64, EmbedDim = Width },
            Text = new() { ContextLength = 40, VocabularySize = tokenizer.VocabularySize, Width = Width, Heads = 2, Layers = 1, MlpWidth = 64, EmbedDim = Width },
        }, random);
        clip.Tokenizer = tokenizer;
        using var scope = new TensorScope();
        using var still = new NoGrad();
        string[] names = [.. Enumerable.Range(0, 40).Select(i => $"fox {i * 37}")], captions = [.. names.Take(12).Select(name => $"a dog and a {name}")];
        var (pictures, captioned) = (random.Normal(30, Width), random.Normal(6, Width));
        IReadOnlyList<int>[] right = [.. Enumerable.Range(0, 30).Select(i => (int[])[i])];
        int[] of = [.. Enumerable.Range(0, 12).Select(i => i / 2)];
        IReadOnlyList<PromptSpace> Measured(params double[] cutoffs) => PromptSpaces.Measure(clip, pictures, names, right, (captioned, captions, of), cutoffs);

        var turned = new float[Width * Width];
        for (var i = 0; i < Width; i++) turned[i * Width + (i + 5) % Width] = i % 2 == 0 ? 2 : -2;
        clip.Weights.All["text_projection"].CopyInPlace(Tensor.From(turned, Width, Width));
        var spaces = Measured(0.3);
        Assert.Equal(spaces[0].Classes, spaces[1].Classes);
        Assert.Equal(spaces[0].Retrieval!.Images, spaces[1].Retrieval!.Images);
        Assert.Equal(spaces[0].Retrieval!.Texts, spaces[1].Retrieval!.Texts);
        Assert.Equal("T, 32 of 32 singular values (cutoff 0.3)", spaces[1].Space);

        for (var i = 1; i < Width; i++) turned[i * Width + (i + 5) % Width] *= 0.1f; // one direction is left above the cutoff
        clip.Weights.All["text_projection"].CopyInPlace(Tensor.From(turned, Width, Width));
        var flat = Measured(0.3)[1];
        Assert.Equal("T, 1 of 32 singular values (cutoff 0.3)", flat.Space);
        Assert.True(flat.Classes.Distinct().Count() > 2 && !flat.Classes.SequenceEqual(spaces[1].Classes));
    }

    [Fact]
    public void The_table_has_a_row_a_space_and_names_what_it_cannot_read()
    {
        using var program = new Commands.Program();
        foreach (var (name, colour) in new[] { ("tabby cat", 40), ("red fox", 200) })
        {
            Directory.CreateDirectory(program[$"set/{name}"]);
            for (var i = 0; i < 2; i++) new Picture(32, 32, [.. Enumerable.Range(0, 32 * 32 * 3).Select(j => (byte)(colour + i * 20 + j % 31))]).Save(program[$"set/{name}/{i}.png"]);
        }

        File.WriteAllBytes(program["set/red fox/broken.png"], [1, 2, 3]);
        File.WriteAllText(program["captions.json"], """{"images": [{"file": "tabby cat/0.png", "captions": ["a tabby cat", "the cat"]}, {"file": "red fox/1.png", "captions": ["a red fox"]}]}""");
        var answer = program.Run("ipc", "spaces", program["set"], "--captions", program["captions.json"], "--images", program["set"], "--cutoffs", "0,0.3", "--model", program.Model, "--threads", "1");
        Assert.True(answer.Code == 0, answer.Error);
        Assert.Contains("| space | Acc@1 | Acc@5 | TR@1 | TR@5 | IR@1 | IR@5 |", answer.Output, StringComparison.Ordinal);
        Assert.Contains("\n| C | ", answer.Output, StringComparison.Ordinal);
        Assert.Equal(2, answer.Output.Split("| T, ").Length - 1);
        Assert.Contains("4 pictures, 1,000 names; 2 pictures with 3 captions", answer.Output, StringComparison.Ordinal);
        Assert.Contains("broken.png", answer.Error, StringComparison.Ordinal);
        foreach (var (args, says) in new (string[], string)[] { (["--cutoffs", "0,-1"], "--cutoffs: '0,-1'"), (["--captions", program["set/red fox/0.png"]], "is neither COCO's") })
        {
            var wrong = program.Run(["ipc", "spaces", program["set"], "--model", program.Model, "--threads", "1", .. args]);
            Assert.True(wrong.Code != 0 && wrong.Error.Contains(says, StringComparison.Ordinal), wrong.Output + wrong.Error);
        }
    }
}
