using System.Buffers.Binary;
using System.Text;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Torch;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("obverse-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void What_is_written_is_read()
    {
        using var scope = new TensorScope();
        var path = Path.Combine(folder, "a.safetensors");
        Safetensors.Save(path, new Dictionary<string, Tensor> { ["x"] = Tensor.From([1f, 2f, 3f, 4f], 2, 2), ["n"] = Tensor.From([7L]), ["empty"] = Tensor.Empty([0, 3]), ["h"] = Tensor.From([(Half)0.5]) }, new Dictionary<string, string> { ["by"] = "test" });
        Tensor x;
        using (var file = Safetensors.Open(path))
        {
            Assert.Equal("test", file.Metadata["by"]);
            Assert.Equal(["x", "n", "empty", "h"], file.Names);
            Assert.Equal([7L], file["n"].ToArray<long>());
            Assert.Equal([0, 3], file["empty"].Shape);
            Assert.Equal(DType.Float16, file["h"].DType);
            x = file["x"];
        }

        Assert.Equal([1f, 2f, 3f, 4f], x.ToFloats()); // outlives the file object
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_link_is_the_file_it_leads_to()
    {
        var path = Path.Combine(folder, "a.safetensors");
        using var x = Tensor.Ones([5]);
        Safetensors.Save(path, [KeyValuePair.Create("x", x)]);
        var link = File.CreateSymbolicLink(Path.Combine(folder, "link"), path).FullName;
        using var file = Safetensors.Open(link);
        Assert.Equal(5, file["x"].Sum().Item());
    }

    [Theory]
    [InlineData("{}", 1L << 60, "claims")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0, "overlaps")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 0, "outside")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 0, "wants 8 bytes")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,8],\"data_offsets\":[0,4]}}", 0, "wants")]
    [InlineData("{\"x\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 0, "C64")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 0, "shape")]
    [InlineData("{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 0, "belong to none")]
    [InlineData("{\"x\":[]}", 0, "header")]
    [InlineData("[1]", 0, "header")]
    [InlineData("{\"x\":", 0, "header")]
    public void A_header_that_lies_is_refused(string header, long claimed, string says)
    {
        var path = Path.Combine(folder, "bad.safetensors");
        var bytes = new byte[8 + header.Length + 8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, claimed == 0 ? header.Length : claimed);
        Encoding.ASCII.GetBytes(header).CopyTo(bytes, 8);
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<WeightsException>(() => Safetensors.Open(path));
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        var path = Path.Combine(folder, "a.safetensors");
        using var x = Tensor.Ones([5]);
        Safetensors.Save(path, [KeyValuePair.Create("x", x)]);
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<WeightsException>(() => Safetensors.Open(path));
        }
    }

    [Fact]
    public void Missing_surplus_misshapen_and_NaN_weights_are_named()
    {
        var path = Path.Combine(folder, "w.safetensors");
        using var one = Tensor.Ones([2, 3]);
        using var nan = Tensor.From([float.NaN]);
        Safetensors.Save(path, [KeyValuePair.Create("a.weight", one)]);
        using (var weights = Weights.Load(path))
        {
            Assert.Contains("'b.weight' of shape [4] is missing", Assert.Throws<WeightsException>(() => (weights / "b").Get("weight", [4])).Message, StringComparison.Ordinal);
            Assert.Contains("wanted [3, 2]", Assert.Throws<WeightsException>(() => (weights / "a").Get("weight", [3, 2])).Message, StringComparison.Ordinal);
            Assert.Contains("a.weight", Assert.Throws<WeightsException>(() => weights.Complete()).Message, StringComparison.Ordinal);
            (weights / "a").Get("weight", [2, 3]);
            weights.Complete();
        }

        Safetensors.Save(path, [KeyValuePair.Create("a", nan)]);
        Assert.Contains("'a' holds NaN", Assert.Throws<WeightsException>(() => Weights.Load(path)).Message, StringComparison.Ordinal);
    }
}
