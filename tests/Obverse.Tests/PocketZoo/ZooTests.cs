using Obverse.Evaluation;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.PocketZoo;

/// <summary>The models that ship: small enough, documented, and still what their README says in small.</summary>
public class ZooTests
{
    private static string Models => Path.Combine(Fixtures.RepositoryRoot, "models");

    [Fact]
    public void The_zoo_is_below_80_MB_and_every_model_says_how_it_was_made()
    {
        var folders = Directory.GetDirectories(Models);
        Assert.NotEmpty(folders);
        Assert.InRange(Directory.EnumerateFiles(Models, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length), 1, 80_000_000);
        foreach (var folder in folders)
        {
            var readme = File.ReadAllText(Path.Combine(folder, "README.md"));
            foreach (var said in new[] { "obverse train", "seed", "ImageNet", "licence", "Modality gap", "cannot" }) Assert.Contains(said, readme, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("pocket-clip", 0.9)]
    [InlineData("pocket-judge", 0.9)]
    public void Names_in_a_sentence_are_nearest_to_themselves(string model, double share)
    {
        using var clip = ClipEncoder.Load(Path.Combine(Models, model));
        using var scope = new TensorScope();
        using var still = new NoGrad();
        string[] names = [.. ImageNet.Classes.Select(c => c.ClipName).Distinct().Where((_, i) => i % 10 == 0)];
        var right = clip.Embed([.. names.Select(n => $"a photo of a {n}.")]).Matmul(clip.Embed(names).T()).Argmax(1).ToArray<long>().Where((found, i) => found == i).Count();
        Assert.True(right >= share * names.Length, $"{model}: {right} of {names.Length} names are nearest to themselves");
    }
}
