using System.Text.Json;
using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Checkpoints;

/// <summary>The files that PyTorch itself wrote: read to the bit, or refused at no cost.</summary>
public sealed class CheckpointFixtureTests(ITestOutputHelper output)
{
    public static TheoryData<string, string> Files
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var row in (IEnumerable<object[]>)Fixtures.Folders("checkpoints", "index.json"))
            {
                if ((string)row[0] is not { Length: > 0 } folder) continue;
                using var index = JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixtures.Root, folder, "index.json")));
                foreach (var file in index.RootElement.EnumerateObject()) rows.Add(folder, file.Name);
            }

            if (!((IEnumerable<object[]>)rows).Any()) rows.Add("checkpoints", "");
            return rows;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Files))]
    public void A_file_is_read_to_the_bit_or_refused(string folder, string name)
    {
        var index = Fixtures.Require(Path.Combine(folder, "index.json"));
        using var json = JsonDocument.Parse(File.ReadAllText(index));
        output.WriteLine($"{name}, one of {json.RootElement.EnumerateObject().Count()} files");
        var path = Path.Combine(Path.GetDirectoryName(index)!, name);
        if (!json.RootElement.GetProperty(name).GetProperty("read").GetBoolean())
        {
            output.WriteLine(Hostile.Refused(File.ReadAllBytes(path)));
            var said = Assert.Throws<WeightsException>(() => WeightFile.Open(path)).Message;
            Assert.StartsWith(path, said, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', said);
            return;
        }

        using var wanted = Safetensors.Open(path + ".expected.safetensors");
        using var file = WeightFile.Open(path);
        Assert.Equal(wanted.Names.Order(StringComparer.Ordinal), file.Names.Order(StringComparer.Ordinal));
        foreach (var tensor in wanted.Names)
        {
            using var scope = new TensorScope();
            var (a, b) = (wanted[tensor], file[tensor]);
            Assert.Equal((a.DType, true), (b.DType, b.IsContiguous));
            Assert.Equal(a.Shape, b.Shape);
            Assert.Equal(file.Describe(tensor).Shape, b.Shape);
            Assert.True(Bits(a).AsSpan().SequenceEqual(Bits(b)), $"{name}: {tensor} differs");
        }
    }

    internal static unsafe byte[] Bits(Tensor tensor) => new ReadOnlySpan<byte>((void*)tensor.Data, (int)tensor.Elements * Safetensors.ElementSize(tensor.DType)).ToArray();
}
