using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Obverse.Models;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Checkpoints;

/// <summary>Good files, damaged at random, the same damage every time: each is read or refused, within <see cref="Hostile"/>'s bounds. OBVERSE_MUTATIONS sets how many.</summary>
public sealed class CheckpointMutationTests(ITestOutputHelper output)
{
    private static readonly long[] telling = [0, 1, -1, 127, 128, 255, 256, 32767, 65535, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue, 1L << 60, 1L << 32];
    private static readonly byte[] opcodes = [.. "NJKMXGqhrj().tsuaelbRQc0123"u8, 0x81, 0x85, 0x86, 0x87, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x93, 0x94, 0x95];

    [Fact]
    public void Damage_is_read_or_refused()
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("OBVERSE_MUTATIONS"), CultureInfo.InvariantCulture, out var asked) ? asked : 4000;
        var seeds = Seeds();
        var (random, read, watch, says) = (new Random(20), 0, Stopwatch.StartNew(), new Dictionary<string, int>());
        for (var i = 0; i < count; i++)
        {
            var seed = seeds[i % seeds.Count];
            var file = Mutated(seed, seeds, random);
            try
            {
                if (Hostile.Read(file) is not { } said) read++;
                else says[string.Concat(said.Where(c => !char.IsDigit(c)).Take(60))] = says.GetValueOrDefault(string.Concat(said.Where(c => !char.IsDigit(c)).Take(60))) + 1;
            }
            catch (Exception e)
            {
                var kept = Path.Combine(Path.GetTempPath(), $"obverse-mutation-{i}.bin");
                File.WriteAllBytes(kept, file);
                throw new Xunit.Sdk.XunitException($"mutation {i}, kept as {kept}: {e}");
            }
        }

        output.WriteLine($"{count} inputs from {seeds.Count} files in {watch.Elapsed.TotalSeconds:0.0} s: {read} read, {count - read} refused, in {says.Count} kinds of words; the dearest {Hostile.Worst}");
        foreach (var (said, times) in says.OrderByDescending(s => s.Value).Take(40)) output.WriteLine($"{times,8}  {said}");
        Assert.InRange(read, count / 100, count - count / 10); // damage that always or never tells shows a target that tests nothing
    }

    // The pickle of a zip is also damaged on its own and put into a zip that is whole: the directory would else catch every change of length.
    private static byte[] Mutated((byte[] File, byte[]? Pickle) seed, List<(byte[] File, byte[]? Pickle)> seeds, Random random)
    {
        if (seed.Pickle is null || random.Next(4) == 0) return Damaged(seed.File, seeds[random.Next(seeds.Count)].File, random);
        var (deflate, zip) = (random.Next(4) == 0, new ZipWriter { IsWide = random.Next(4) == 0 });
        zip.Add("a/data.pkl", Damaged(seed.Pickle, seeds[random.Next(seeds.Count)].Pickle ?? seed.Pickle, random), deflate);
        if (seed.Pickle.AsSpan().IndexOf("__torch__"u8) >= 0) zip.Add("a/constants.pkl", []);
        for (var key = 0; key < 8; key++) zip.Add($"a/data/{key}", new byte[random.Next(10) == 0 ? random.Next(64) : 2048], deflate);
        return zip.End();
    }

    private static byte[] Damaged(byte[] whole, byte[] other, Random random)
    {
        var bytes = whole.ToList();
        var gentle = random.Next(2) == 0; // one byte or number only, so that what is read goes further
        for (var times = gentle ? 1 : 1 + random.Next(random.Next(2) == 0 ? 2 : 8); times > 0 && bytes.Count > 0; times--)
        {
            var (at, length) = (random.Next(bytes.Count), 1 + random.Next(random.Next(2) == 0 ? 8 : 200));
            length = Math.Min(length, bytes.Count - at);
            switch (gentle ? random.Next(4) is var one && one == 3 ? 8 : one : random.Next(8))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes[at] = opcodes[random.Next(opcodes.Length)]; break;
                case 3: bytes.RemoveRange(at, length); break;
                case 4: bytes.InsertRange(at, bytes.GetRange(at, length)); break;
                case 5: bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length)); break;
                case 6 when other.Length > 0:
                    var from = random.Next(other.Length);
                    bytes.InsertRange(at, other.AsSpan(from, Math.Min(length, other.Length - from)).ToArray());
                    break;
                default:
                    var number = new byte[8];
                    BinaryPrimitives.WriteInt64LittleEndian(number, telling[random.Next(telling.Length)]);
                    for (int i = 0, width = 1 << random.Next(4); i < width && at + i < bytes.Count; i++) bytes[at + i] = number[i];
                    break;
            }
        }

        return [.. bytes];
    }

    private static List<(byte[] File, byte[]? Pickle)> Seeds()
    {
        var pickle = new PickleWriter().OrderedDict().Op('(').Text("a").Tensor("0", 6, [2, 3], [3, 1]).Text("b").Tensor("1", 4, [2, 2], [1, 2]).Op('u').Op('}').Text("_metadata").Op('}').Op('s').Op('b').End();
        (string, byte[])[] storages = [("0", new byte[24]), ("1", new byte[16])];
        List<(byte[], byte[]?)> seeds =
        [
            (ZipWriter.Checkpoint(pickle, storages), pickle), (ZipWriter.Checkpoint("x", true, false, pickle, storages), pickle), (ZipWriter.Checkpoint("x", true, true, pickle, storages), pickle),
            (CheckpointWriter.Stream(pickle, ("0", 4, new byte[24]), ("1", 4, new byte[16])), null),
        ];
        var folder = Path.Combine(Fixtures.Root, "checkpoints");
        if (!Directory.Exists(folder)) return seeds;
        foreach (var path in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Where(p => Path.GetExtension(p) is ".pt" or ".bin" or ".ckpt" or ".pth" or ".pkl"))
        {
            var file = File.ReadAllBytes(path);
            if (file.Length < 50_000) seeds.Add((file, Pickle(file)));
        }

        return seeds;
    }

    private static byte[]? Pickle(byte[] file)
    {
        try
        {
            using var zip = new System.IO.Compression.ZipArchive(new MemoryStream(file));
            using var stream = zip.Entries.Single(e => e.Name == "data.pkl").Open();
            var pickle = new MemoryStream();
            stream.CopyTo(pickle);
            return pickle.ToArray();
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
