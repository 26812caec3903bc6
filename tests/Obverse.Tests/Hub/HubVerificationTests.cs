using System.IO.Compression;
using Obverse.Files;
using Obverse.Models;
using Obverse.Tests.Encoders;
using Obverse.Tests.Checkpoints;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Hub;

/// <summary>Caches without links, as the Python client makes them on Windows: no blobs, so no hashes.</summary>
public class HubVerificationTests
{
    [Fact]
    public void Files_without_a_hash_are_named_and_their_headers_read()
    {
        using var cache = new Unlinked();
        var (hashed, bare, problems) = cache.Verify();
        Assert.Empty(problems);
        Assert.Equal(0, hashed);
        Assert.Equal(cache.Names, bare);
    }

    [Theory]
    [InlineData("model.safetensors", "its tensors end at byte|lies at")]
    [InlineData("pytorch_model.bin", "zip|end")]
    [InlineData("config.json", "is not JSON to its end")]
    [InlineData("bpe.txt.gz", "is cut")]
    public void What_was_cut_is_a_problem_at_every_length(string name, string signs)
    {
        using var cache = new Unlinked();
        var whole = File.ReadAllBytes(cache[name]);
        foreach (var length in new[] { 0, 1, 7, 9, whole.Length / 3, whole.Length / 2, whole.Length - 9, whole.Length - 1 }.Where(length => length < whole.Length).Distinct())
        {
            File.WriteAllBytes(cache[name], whole[..length]);
            var (_, bare, problems) = cache.Verify();
            Assert.True(problems.Count == 1, $"{name} cut to {length} of {whole.Length}: {problems.Count} problems");
            Assert.EndsWith(name, problems[0].Path);
            Assert.DoesNotContain(name, bare);
            if (length == 0) Assert.Equal("is empty", problems[0].What);
            else if (length == whole.Length - 1) Assert.Contains(signs.Split('|'), sign => problems[0].What.Contains(sign, StringComparison.Ordinal));
        }

        Assert.Contains("deleted", cache.Verify(repair: true).Problems.Single().What);
        Assert.False(File.Exists(cache[name]));
    }

    [Fact]
    public void An_index_whose_shard_is_missing_is_a_problem()
    {
        using var cache = new Unlinked();
        File.WriteAllText(cache["model.safetensors.index.json"], """{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}""");
        Assert.Equal("names model-2.safetensors, which is not there", cache.Verify().Problems.Single().What);
    }

    [Fact]
    public void Copies_of_blobs_are_compared_with_their_hashes()
    {
        using var hub = FakeHub.Model(5000);
        hub.Pull();
        var snapshot = hub.Cache.Snapshot(FakeHub.Thing)!;
        foreach (var link in Directory.GetFiles(snapshot))
        {
            var blob = new FileInfo(link).ResolveLinkTarget(true)!.FullName;
            File.Delete(link);
            File.Copy(blob, link);
        }

        var (hashed, bare, problems) = Unlinked.Verify(hub.Cache, "acme/thing", false);
        Assert.Equal((6, 0, 0), (hashed, bare.Count, problems.Count)); // blobs and copies
        File.AppendAllText(Path.Combine(snapshot, "README.md"), "more");
        Assert.Equal(["README.md"], Unlinked.Verify(hub.Cache, "acme/thing", false).Bare);
    }

    [Fact]
    public void A_blob_whose_name_is_no_hash_has_none()
    {
        using var hub = FakeHub.Model(5000);
        hub.Pull();
        var link = Path.Combine(hub.Cache.Snapshot(FakeHub.Thing)!, "config.json");
        var blob = new FileInfo(link).ResolveLinkTarget(true)!.FullName;
        File.Move(blob, Path.Combine(Path.GetDirectoryName(blob)!, "an-etag"));
        File.Delete(link);
        File.CreateSymbolicLink(link, Path.Combine("..", "..", "blobs", "an-etag"));
        Assert.Equal(["config.json"], Unlinked.Verify(hub.Cache, "acme/thing", false).Bare);
        File.WriteAllText(link, "{\"a\": ");
        Assert.Contains("is not JSON to its end", Unlinked.Verify(hub.Cache, "acme/thing", false).Problems.Single().What);
    }

    private sealed class Unlinked : IDisposable
    {
        private readonly TemporaryFolder folder = new();
        private readonly HubCache cache;

        public Unlinked()
        {
            cache = new(folder.Path);
            Directory.CreateDirectory(Snapshot);
            using var random = new Generator(1);
            using var scope = new TensorScope();
            KeyValuePair<string, Tensor>[] tensors = [KeyValuePair.Create("a", random.Normal(20, 30)), KeyValuePair.Create("b", random.Normal(5))];
            Safetensors.Save(this["model.safetensors"], tensors);
            File.WriteAllBytes(this["pytorch_model.bin"], CheckpointWriter.StateDict(tensors));
            File.WriteAllText(this["config.json"], "{\"vision_config\": {\"width\": 3}}");
            File.WriteAllText(this["README.md"], "# a card");
            using var packed = new GZipStream(File.Create(this["bpe.txt.gz"]), CompressionLevel.Optimal);
            packed.Write(System.Text.Encoding.ASCII.GetBytes(string.Join('\n', Enumerable.Range(0, 400))));
        }

        public string this[string name] => Path.Combine(Snapshot, name);

        public IReadOnlyList<string> Names => [.. Directory.EnumerateFiles(Snapshot).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

        private string Snapshot => Path.Combine(folder.Path, "models--acme--thing", "snapshots", FakeHub.Commit);

        public (int Hashed, IReadOnlyList<string> Bare, IReadOnlyList<HubProblem> Problems) Verify(bool repair = false) => Verify(cache, "acme/thing", repair);

        public static (int Hashed, IReadOnlyList<string> Bare, IReadOnlyList<HubProblem> Problems) Verify(HubCache cache, string id, bool repair)
        {
            var (hashed, bare) = (0, new List<string>());
            var problems = HubVerification.Check(cache, id, repair, new() { FaultOf = FileWholeness.FaultOf, OnHashed = (_, _) => hashed++, OnUnhashed = (path, _) => bare.Add(Path.GetFileName(path)) });
            return (hashed, bare, problems);
        }

        public void Dispose() => folder.Dispose();
    }
}
