using System.Diagnostics;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class IndexTests
{
    [Fact]
    public void Pictures_are_found_by_picture_vector_and_caption_and_added_once()
    {
        using var program = new Program();
        Photos(program, 6);
        File.Copy(program["photos/a-photo-2.png"], program["photos/a-twin.png"]);
        File.WriteAllText(program["photos/broken.png"], "no picture");
        string[] build = ["index", "build", program["photos"], "-o", program["i.safetensors"], "--model", program.Model, "--threads", "1"];
        var built = program.Run([.. build, "--json"]);
        Assert.Equal(0, built.Code);
        Assert.Contains("broken.png", built.Error, StringComparison.Ordinal);
        var result = built.Lines[^1];
        Assert.Equal((6, 6, 1, 1), (result.GetProperty("pictures").GetInt32(), result.GetProperty("added").GetInt32(), result.GetProperty("known").GetInt32(), result.GetProperty("unreadable").GetInt32()));

        // Again: nothing is new. One more: only that one is.
        var again = program.Run([.. build, "--json"]).Lines[^1];
        Assert.Equal((6, 0), (again.GetProperty("pictures").GetInt32(), again.GetProperty("added").GetInt32()));
        Photos(program, 7);
        Assert.Equal(1, program.Run([.. build, "--json"]).Lines[^1].GetProperty("added").GetInt32());

        string First(params string[] query) => program.Run(["index", "search", program["i.safetensors"], .. query, "-k", "2", "--json"]).Lines[0].GetProperty("path").GetString()!;
        Assert.Equal(program["photos/a-photo-4.png"], First("--image", program["photos/a-photo-4.png"]));
        Assert.Equal(program["photos/a-photo-5.png"], First("a photo 5", "--captions"));
        Assert.Equal(0, program.Run("embed", program["photos/a-photo-3.png"], "-o", program["v.safetensors"], "--model", program.Model).Code);
        Assert.Equal(program["photos/a-photo-3.png"], First("--vector", program["v.safetensors"]));
    }

    [Fact]
    public void Pictures_of_relative_paths_are_found_from_any_folder_and_move_with_the_index()
    {
        using var program = new Program();
        Photos(program, 3);
        var here = Environment.CurrentDirectory;
        try
        {
            Environment.CurrentDirectory = program[""];
            Assert.Equal(0, program.Run("index", "build", "photos", "-o", "made/photos.index", "--model", program.Model).Code);
            Found("made/photos.index", Path.Combine("photos", "a-photo-1.png"));
            Directory.CreateDirectory(program["elsewhere/deep"]);
            Environment.CurrentDirectory = program["elsewhere/deep"];
            Found("../../made/photos.index", Path.Combine("..", "..", "photos", "a-photo-1.png"));

            // Added to from here: nothing is there twice, and every path still leads to its picture.
            Photos(program, 4);
            Assert.Equal(0, program.Run("index", "build", "../../photos", "-o", "../../made/photos.index", "--model", program.Model).Code);
            using (var index = RetrievalIndex.Open(program["made/photos.index"])) Assert.Equal((4, true), (index.Pictures.Count, index.Pictures.All(picture => File.Exists(picture.Path))));

            Environment.CurrentDirectory = program[""];
            Directory.CreateDirectory("moved");
            Directory.Move("photos", "moved/photos");
            Directory.Move("made", "moved/made");
            Found("moved/made/photos.index", Path.Combine("moved", "photos", "a-photo-1.png"));
        }
        finally
        {
            Environment.CurrentDirectory = here;
        }

        void Found(string index, string path)
        {
            var answer = program.Run("index", "search", index, "--image", path, "-k", "1", "--json", "--sheet", program["sheet.png"]);
            Assert.Equal((0, ""), (answer.Code, answer.Error));
            Assert.Equal(path, answer.Lines[0].GetProperty("path").GetString());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void A_search_for_nothing_is_refused(string text)
    {
        using var program = new Program();
        Photos(program, 1);
        Assert.Equal(0, program.Run("index", "build", program["photos"], "-o", program["i.safetensors"], "--model", program.Model).Code);
        var answer = program.Run("index", "search", program["i.safetensors"], text);
        Assert.Equal((2, ""), (answer.Code, answer.Output));
        Assert.Contains("the text is empty: say what to look for", answer.Line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_graph_is_built_where_it_is_asked_for_and_finds_the_same()
    {
        using var program = new Program();
        Photos(program, 6);
        string[] build = ["index", "build", program["photos"], "-o", program["i.safetensors"], "--model", program.Model];
        Assert.Equal(0, program.Run(build).Code);
        Assert.DoesNotContain(program.Files, file => file.EndsWith(".usearch", StringComparison.Ordinal));
        Answer Search(string kind) => program.Run("index", "search", program["i.safetensors"], "--image", program["photos/a-photo-4.png"], "-k", "3", "--kind", kind);
        var exact = Search("exact");
        Assert.Equal(0, program.Run([.. build, "--kind", "hnsw"]).Code);
        Assert.Superset(new HashSet<string> { "i.usearch", "i.texts.usearch" }, program.Files.ToHashSet());
        Assert.Equal((0, exact.Output), (Search("hnsw").Code, Search("hnsw").Output));
        Assert.Equal(2, Search("Flat").Code);
        Assert.StartsWith("obverse: --kind: 'Flat' was given, exact or hnsw was wanted", Search("Flat").Line, StringComparison.Ordinal);
    }

    // What the loader of glibc tells of itself: the library of graphs is no part of a search that looks at every row.
    [SkippableFact]
    public void Only_a_search_by_a_graph_loads_the_library_of_graphs()
    {
        using var program = new Program();
        Photos(program, 2);
        Assert.Equal(0, program.Run("index", "build", program["photos"], "-o", program["i.safetensors"], "--model", program.Model).Code);
        Skip.IfNot(Loaded("hnsw").Contains("libtorch", StringComparison.Ordinal), "this system's loader says nothing");
        Assert.Contains("usearch_c", Loaded("hnsw"), StringComparison.Ordinal);
        Assert.DoesNotContain("usearch_c", Loaded("exact"), StringComparison.Ordinal);

        string Loaded(string kind)
        {
            var folder = Directory.CreateDirectory(program[$"{kind}-{Guid.NewGuid():N}"]).FullName;
            var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Obverse.Cli.dll"), "index", "search", program["i.safetensors"], "a cat", "-k", "1", "--kind", kind, "--threads", "1"]) { RedirectStandardOutput = true, RedirectStandardError = true };
            (start.Environment["LD_DEBUG"], start.Environment["LD_DEBUG_OUTPUT"]) = ("files", Path.Combine(folder, "ld"));
            using var search = Process.Start(start)!;
            var (output, error) = (search.StandardOutput.ReadToEndAsync(), search.StandardError.ReadToEndAsync());
            search.WaitForExit();
            Assert.True(search.ExitCode == 0, error.Result);
            return string.Concat(Directory.EnumerateFiles(folder).Select(File.ReadAllText));
        }
    }

    [Fact]
    public void What_cannot_be_searched_is_refused()
    {
        using var program = new Program();
        Photos(program, 2);
        Assert.Equal(0, program.Run("index", "build", program["photos"], "-o", program["i.safetensors"], "--model", program.Model).Code);
        Answer Search(params string[] more) => program.Run(["index", "search", program["i.safetensors"], .. more]);
        Assert.Equal((2, "obverse: the index has 2 rows, k = 3 was asked"), (Search("a cat", "-k", "3").Code, Search("a cat", "-k", "3").Line));
        Assert.Equal(2, Search("a cat").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length); // without -k: as many as there are
        Assert.Equal(2, Search().Code);
        Assert.Equal(2, Search("a cat", "--image", program["photos/a-photo-0.png"]).Code);
        Assert.Equal(1, program.Run("index", "search", Path.Combine(program.Model, "open_clip_model.safetensors"), "a cat").Code);

        using var scope = new TensorScope();
        using var empty = new RetrievalIndex(program.Model, Tensor.Zeros([0, 16]), Tensor.Zeros([0, 16]));
        empty.Save(program["empty.safetensors"]);
        var nothing = program.Run("index", "search", program["empty.safetensors"], "a cat", "-k", "1");
        Assert.Equal(2, nothing.Code);
        Assert.Contains("no rows", nothing.Error, StringComparison.Ordinal);

        // Another model's embeddings mean something else: neither searched nor added to.
        using var other = new Program();
        using (var weights = ClipModel.Load(other.Model))
        {
            using (new NoGrad()) weights.LogitScale.AddInPlace(Tensor.Number(1));
            weights.Save(other.Model);
        }

        var foreign = Search("a cat", "-k", "1", "--model", other.Model);
        Assert.Equal(2, foreign.Code);
        foreach (var named in new[] { program.Model, other.Model, Hash(program), Hash(other) }) Assert.Contains(named, foreign.Line, StringComparison.Ordinal);

        string Hash(Program of) => StoredFile.Hash(Zoo.WeightsFile(of.Model))[..12];
        Assert.Equal(2, program.Run("index", "build", program["photos"], "-o", program["i.safetensors"], "--model", other.Model).Code);
    }

    [Fact]
    public void Captions_come_from_a_file()
    {
        using var program = new Program();
        Photos(program, 2);
        File.WriteAllText(program["c.tsv"], "a-photo-0.png\ta tabby cat\na-photo-1.png\ta red fox\n");
        Assert.Equal(0, program.Run("index", "build", program["photos"], "--captions", program["c.tsv"], "-o", program["i.safetensors"], "--model", program.Model).Code);
        using var index = RetrievalIndex.Open(program["i.safetensors"]);
        Assert.Equal(["a tabby cat", "a red fox"], index.Captions);
        File.WriteAllText(program["c.tsv"], "a-photo-0.png\ta tabby cat\n");
        Assert.Contains("a-photo-1.png: has no caption", program.Run("index", "build", program["photos"], "--captions", program["c.tsv"], "-o", program["j.safetensors"], "--model", program.Model).Error, StringComparison.Ordinal);
    }

    private static void Photos(Program program, int count)
    {
        Directory.CreateDirectory(program["photos"]);
        for (var i = 0; i < count; i++)
        {
            using var scope = new TensorScope();
            using var random = new Generator((ulong)i);
            random.Uniform(0, 1, 1, 3, 3, 3).Resize(40, 36, Interpolation.Bicubic).ToPicture().Save(program[$"photos/a-photo-{i}.png"]);
        }
    }
}
