using Obverse.Evaluation;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.PocketZoo;

/// <summary>The models that ship: small enough, documented, and still what their README says in small.</summary>
public class ZooTests
{
    private static string Models => Path.Combine(Fixtures.RepositoryRoot, "models");

    [Fact]
    public void The_zoo_is_below_100_MB_and_every_model_says_how_it_was_made()
    {
        var folders = Directory.GetDirectories(Models);
        Assert.NotEmpty(folders);
        Assert.InRange(Directory.EnumerateFiles(Models, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length), 1, 100_000_000);
        foreach (var folder in folders)
        {
            var readme = File.ReadAllText(Path.Combine(folder, "README.md"));
            string[] wanted = File.Exists(Path.Combine(folder, "bank.safetensors")) ? ["obverse bank build", "seed", "licence", "dB"]
                : Path.GetFileName(folder) == "pocket-gaussians" ? ["obverse data gaussians", "licence", "pictures"]
                : File.Exists(Path.Combine(folder, "open_clip_config.json")) ? ["obverse train", "seed", "ImageNet", "licence", "Modality gap", "cannot"] : ["obverse train", "seed", "licence"];
            foreach (var said in wanted) Assert.Contains(said, readme, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void A_folder_of_pictures_called_as_a_model_hides_none_but_one_with_weights_does()
    {
        using var program = new Commands.Program(); // a folder of its own
        var here = program["here"];
        var own = Directory.CreateDirectory(Path.Combine(here, "pocket-judge")).FullName;
        Assert.Equal(Path.Combine(Zoo.Folder!, "pocket-judge"), Zoo.Resolve("pocket-judge", here));
        Assert.Equal(own, Zoo.Resolve(own, here)); // by its path as ever: what is wrong with it is then said of it
        File.WriteAllText(Path.Combine(own, "open_clip_model.safetensors"), "");
        Assert.Equal(own, Zoo.Resolve("pocket-judge", here));
    }

    [Fact]
    public void The_zoo_is_the_nearest_folder_called_models_that_holds_a_model()
    {
        using var files = new Commands.Program(); // a folder of its own
        var (far, near) = (Path.Combine(files["repository"], "models"), Path.Combine(files["repository"], "program", "models"));
        Directory.CreateDirectory(Path.Combine(far, "pocket-clip"));
        Directory.CreateDirectory(Path.Combine(near, "Sources")); // a program may have a folder of this name for its own ends
        File.WriteAllText(Path.Combine(far, "pocket-clip", "open_clip_config.json"), "{}");
        Assert.Equal(far, Zoo.Find(Path.GetDirectoryName(near)!));
        File.WriteAllText(Path.Combine(near, "Sources", "open_clip_config.json"), "{}");
        Assert.Equal(near, Zoo.Find(Path.GetDirectoryName(near)!));
    }

    [Fact]
    public void The_bank_belongs_to_the_model_that_draws_and_its_entries_show_what_their_captions_say()
    {
        using var bank = InrBank.Open(Path.Combine(Models, "pocket-bank"));
        using var clip = ClipEncoder.Load(Path.Combine(Models, "pocket-clipag"));
        using var scope = new TensorScope();
        using var still = new NoGrad();
        Assert.Equal(StoredFile.Hash(Zoo.WeightsFile(Path.Combine(Models, "pocket-clipag"))), bank.Index.ModelSha256);
        Assert.InRange(new FileInfo(Path.Combine(Models, "pocket-bank", "bank.safetensors")).Length, 1, 15_000_000);
        // Of every 20th entry: the rendering, blurred as it is, is seen where its picture is.
        var close = Enumerable.Range(0, (int)bank.Count).Where(i => i % 20 == 0).Select(i =>
        {
            using var canvas = bank.Take(i, 96, 96);
            return (clip.Embed(canvas.Render().Clamp(0, 1))[0] * bank.Index.Images[i]).Sum().Item();
        }).ToArray();
        Assert.True(close.Average() > 0.6, $"cosine of renderings to their pictures: {close.Average()}");
        Assert.True(bank.Pairs.Count >= 1000);
    }

    [Theory]
    [InlineData("pocket-clip", 0, 0.65)]
    [InlineData("pocket-clipag", 0.95, 1)]
    [InlineData("pocket-judge", 0.75, 1)]
    public void A_small_attack_moves_what_an_ordinary_tower_sees_and_hardly_what_a_robust_one_does(string model, double low, double high)
    {
        using var bank = InrBank.Open(Path.Combine(Models, "pocket-bank"));
        using var clip = ClipEncoder.Load(Path.Combine(Models, model));
        using var scope = new TensorScope();
        Tensor clean, images;
        using (new NoGrad())
        {
            images = Tensor.Cat([.. Enumerable.Range(0, 6).Select(i => TensorScope.Of(() => { using var canvas = bank.Take(40 * i, 96, 96); return canvas.Render().Clamp(0, 1); }))]);
            clean = clip.Embed(images);
        }

        using var random = new Generator(3);
        var attack = new AttackOptions { Eps = 0.21, Steps = 6 };
        var attacked = Attacks.Pgd(seen => 1 - (clip.Embed(seen) * clean).Sum(1), images, attack, Attacks.RandomStart(images, attack.Eps, random));
        using var still = new NoGrad();
        Assert.InRange((clip.Embed(attacked) * clean).Sum(1).Mean().Item(), low, high);
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
