using Obverse.Jobs;
using Obverse.Models;
using Obverse.Tests.Hub;
using Xunit;

namespace Obverse.Tests.Commands;

[Collection("command line")]
public class ModelsTests
{
    private static readonly string[] variables = ["HF_ENDPOINT", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"];

    [Fact]
    public void A_model_of_the_hub_is_pulled_when_it_is_first_asked_for()
    {
        using var program = new Program();
        using var hub = Served(program);
        using var environment = new Environments(hub);
        string[] ask = ["invert", "a cat", "--model", "acme/thing", "--steps", "2", "--views", "1", "--out", program["cat.png"]];
        var drawn = program.Run(ask);
        Assert.True(drawn.Code == 0, drawn.Error);
        Assert.Contains("acme/thing is not in the cache: pulling it from http://127.0.0.1", drawn.Error, StringComparison.Ordinal);
        var requests = hub.Hub.Requests.Count;
        Assert.Equal(0, program.Run("replay", program["cat.png"], "--check", "--threads", "1").Code);
        Assert.Equal(requests, hub.Hub.Requests.Count); // the cache needs no net

        var folder = program.Run("models", "path", "acme/thing").Output.Trim();
        Assert.Equal(hub.Cache.Snapshot(FakeHub.Thing), folder);
        var listed = program.Run("models", "list", "--json").Lines.Single(line => line.GetProperty("name").GetString() == "acme/thing");
        Assert.Equal((FakeHub.Commit, "main", true), (listed.GetProperty("commit").GetString(), listed.GetProperty("revisions")[0].GetString(), listed.GetProperty("isModel").GetBoolean()));
        Assert.Equal(3, listed.GetProperty("files").GetArrayLength());
        Assert.Contains("acme/thing", program.Run("models", "list").Output, StringComparison.Ordinal);
        Assert.Contains("obverse models pull chs20/FARE4-ViT-B-16-laion2B-s34B-b88K", program.Run("models", "list").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Offline_and_missing_models_are_one_line()
    {
        using var program = new Program();
        using var hub = Served(program);
        using var environment = new Environments(hub);
        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
        string[] ask = ["invert", "a cat", "--steps", "2", "--views", "1", "--out", program["cat.png"], "--model"];
        var offline = program.Run([.. ask, "acme/thing"]);
        Assert.Equal(1, offline.Code);
        foreach (var part in new[] { "no model 'acme/thing'", hub.Settings.Cache, "HF_HUB_OFFLINE is set", "`obverse models pull acme/thing`", "--mirror DIR" }) Assert.Contains(part, offline.Line, StringComparison.Ordinal);
        Assert.Empty(hub.Hub.Requests);
        Assert.Equal(1, program.Run("models", "pull", "acme/thing").Code);

        Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", null);
        var none = program.Run([.. ask, "acme/none"]);
        Assert.Equal(1, none.Code);
        Assert.Contains("no such repository at http://127.0.0.1", none.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(FakeHub.Token, none.Error, StringComparison.Ordinal);
        Assert.Equal(2, program.Run([.. ask, "acme/thing/more"]).Code);
        Assert.Equal(2, program.Run("models", "pull", "../x").Code);
        Assert.Equal(2, program.Run("models", "pull", "acme/thing", "--all", "--include", "x").Code);
        Assert.Equal(1, program.Run("models", "path", "acme/thing").Code);
        Assert.Equal(1, program.Run("models", "verify", "acme/thing").Code);
        Assert.False(Directory.Exists(hub.Settings.Cache));
    }

    [Fact]
    public void Pull_tells_what_it_did_and_verify_finds_a_flipped_bit()
    {
        using var program = new Program();
        using var hub = Served(program);
        using var environment = new Environments(hub);
        Assert.Equal(hub.Cache.Folder, Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(program.Run("models", "pull", "acme/thing").Output.Trim()))));
        var again = program.Run("models", "pull", "acme/thing", "--json").Lines[^1];
        Assert.Equal(("result", FakeHub.Commit), (again.GetProperty("event").GetString(), again.GetProperty("commit").GetString()));
        Assert.All(again.GetProperty("files").EnumerateArray(), file => Assert.False(file.GetProperty("fetched").GetBoolean()));
        Assert.Equal(0, program.Run("models", "verify").Code);

        var blob = Path.Combine(hub.Repository, "blobs", hub.Hash("open_clip_model.safetensors"));
        using (var file = File.Open(blob, FileMode.Open))
        {
            file.Position = 5000;
            var was = file.ReadByte();
            file.Position = 5000;
            file.WriteByte((byte)(was ^ 1));
        }

        var verified = program.Run("models", "verify", "acme/thing");
        Assert.Equal(1, verified.Code);
        Assert.Contains("its SHA-256 is", verified.Output, StringComparison.Ordinal);
        Assert.Equal(1, program.Run("models", "verify", "--repair", "--json").Code);
        Assert.Equal(0, program.Run("models", "pull", "acme/thing").Code);
        Assert.Equal(0, program.Run("models", "verify", "acme/thing").Code);
    }

    [Fact]
    public void Verify_says_what_has_no_hash_and_what_was_cut()
    {
        using var program = new Program();
        using var hub = Served(program);
        using var environment = new Environments(hub);
        var snapshot = Directory.CreateDirectory(Path.Combine(hub.Repository, "snapshots", FakeHub.Commit)).FullName;
        foreach (var file in Directory.EnumerateFiles(program.Model)) File.Copy(file, Path.Combine(snapshot, Path.GetFileName(file)));
        var verified = program.Run("models", "verify");
        Assert.Equal(0, verified.Code);
        Assert.DoesNotContain("as the hub sent", verified.Output, StringComparison.Ordinal);
        Assert.Contains("open_clip_model.safetensors: no hash to compare it with", verified.Output, StringComparison.Ordinal);
        Assert.Contains("0 files, 0 B compared with their hashes; 3 without a hash", verified.Output, StringComparison.Ordinal);

        using (var weights = File.Open(Path.Combine(snapshot, "open_clip_model.safetensors"), FileMode.Open)) weights.SetLength(weights.Length - 100);
        var cut = program.Run("models", "verify", "--json");
        Assert.Equal(1, cut.Code);
        Assert.Contains("not a safetensors file", cut.Lines.Single(line => line.GetProperty("event").GetString() == "problem").GetProperty("what").GetString(), StringComparison.Ordinal);
        Assert.Equal((2, 1), (cut.Lines[^1].GetProperty("unhashed").GetInt32(), cut.Lines[^1].GetProperty("problems").GetInt32()));
    }

    [Theory]
    [InlineData("models pull --help")]
    [InlineData("models list --help")]
    [InlineData("models verify --help")]
    [InlineData("models path --help")]
    [InlineData("models --help")]
    public void Help_teaches_by_examples(string line)
    {
        using var program = new Program();
        var answer = program.Run(line.Split(' '));
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Contains("\n    obverse " + line.Replace(" --help", "", StringComparison.Ordinal), answer.Output, StringComparison.Ordinal);
    }

    // The toy model as a repository.
    private static FakeHub Served(Program program) => new([.. Directory.EnumerateFiles(program.Model).Select(file => (Path.GetFileName(file), File.ReadAllBytes(file)))]);

    private sealed class Environments : IDisposable
    {
        private readonly Dictionary<string, string?> before = variables.ToDictionary(name => name, Environment.GetEnvironmentVariable);

        public Environments(FakeHub hub)
        {
            foreach (var name in variables) Environment.SetEnvironmentVariable(name, null);
            Environment.SetEnvironmentVariable("HF_ENDPOINT", hub.Settings.Endpoint.ToString());
            Environment.SetEnvironmentVariable("HF_HUB_CACHE", hub.Settings.Cache);
            Environment.SetEnvironmentVariable("HF_TOKEN", FakeHub.Token);
        }

        public void Dispose()
        {
            foreach (var (name, value) in before) Environment.SetEnvironmentVariable(name, value);
        }
    }
}
