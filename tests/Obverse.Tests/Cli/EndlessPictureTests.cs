using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using Obverse.Files;
using Obverse.Imaging;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>What is too large to be a picture, or has no end, is told in one line, in little memory and time.</summary>
[Collection("command line")]
public class EndlessPictureTests
{
    [SkippableTheory]
    [InlineData("pipe", "is a pipe")]
    [InlineData("/dev/zero", "is a device")]
    public void Pipes_and_devices_are_refused_wherever_a_picture_is_named(string what, string says)
    {
        Skip.If(OperatingSystem.IsWindows(), "a Unix has them");
        using var program = new Program();
        var path = what == "pipe" ? Pipe(program["pipe"]) : what;
        new Picture(40, 40, new byte[4800]).Save(program["good.png"]);
        File.WriteAllText(program["captions.jsonl"], $$"""{"file": "{{path}}", "captions": ["a cat"]}""" + "\n");
        File.WriteAllText(program["grades.tsv"], $"{path}\t1\tcat\n{program["good.png"]}\t2\tcat\n{program["good.png"]}\t3\tcat\n");
        string[] drawing = ["--model", program.Model, "-o", program["out.png"]];
        foreach (string[] ask in (string[][])
        [
            ["embed", program["good.png"], path, "-o", program["out.safetensors"], "--model", program.Model],
            ["classify", path, "--names", "a,b", "--model", program.Model],
            ["judge", "--grades", program["grades.tsv"], "--model", program.Model],
            ["index", "build", program["captions.jsonl"], "-o", program["out.safetensors"], "--model", program.Model],
            ["invert", "a cat", "--start", path, .. drawing], ["invert", "a cat", "--toward", path, .. drawing], ["edit", path, "a cat", .. drawing],
            ["replay", path], ["views", path, "-o", program["out.png"]],
        ])
        {
            var answer = Bounded(program, ask);
            Assert.True(answer.Code == 1 && answer.Error.Contains($"{path}: {says}", StringComparison.Ordinal), $"{string.Join(' ', ask)}: {answer.Code} {answer.Error}");
        }

        Assert.Throws<IOException>(() => StoredFile.Hash(path));
        Assert.Null(OrdinaryFile.Problem(program["good.png"]));
        Assert.Null(OrdinaryFile.Problem(program["nothing"]));
    }

    [Fact]
    public void A_start_of_268_million_black_pixels_in_a_small_file_is_not_believed()
    {
        using var program = new Program();
        File.WriteAllBytes(program["black.png"], Black(16384));
        Assert.True(new FileInfo(program["black.png"]).Length < 1 << 20);
        foreach (var option in new[] { "--start", "--toward" })
        {
            var answer = Bounded(program, "invert", "a cat", option, program["black.png"], "--model", program.Model, "-o", program["out.png"]);
            Assert.Equal(1, answer.Code);
            Assert.Contains("black.png: PNG of 16384 x 16384", answer.Line, StringComparison.Ordinal);
            Assert.Contains("not believed", answer.Line, StringComparison.Ordinal);
        }

        Assert.Equal((6000, 6000), Picture.Decode(Black(6000), "plain") is var plain ? (plain.Width, plain.Height) : default); // a plain picture of a screen's size, or ten of them, is one
    }

    [Fact]
    public void A_large_start_is_shrunk_before_it_becomes_floats()
    {
        using var program = new Program();
        File.WriteAllBytes(program["large.png"], Black(6000));
        var before = GC.GetTotalAllocatedBytes();
        var answer = program.Run("invert", "a cat", "--start", program["large.png"], "--model", program.Model, "--steps", "1", "--views", "1", "--size", "32", "-o", program["out.png"]);
        Assert.True(answer.Code == 0, answer.Error);
        Assert.InRange(Picture.Load(program["large.png"]).AtMost(1 << 24) is var small ? (long)small.Width * small.Height : 0, (1 << 24) - 10_000, 1 << 24);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 1L << 30);
    }

    [Fact]
    public void An_entry_of_a_zip_takes_no_more_memory_than_a_picture_may_have()
    {
        using var program = new Program();
        using (var zip = ZipFile.Open(program["set.zip"], ZipArchiveMode.Create))
        {
            using var entry = zip.CreateEntry("cat/huge.png", CompressionLevel.Fastest).Open();
            entry.Write(new byte[100_000]);
        }

        foreach (var (length, says) in new[] { (1_500_000_000u, "1500000000 bytes is no picture; wanted at most 512 MB"), (50u, "unknown format"), (200_000u, "lies.zip: cat/huge.png") })
        {
            var bytes = program.Bytes("set.zip");
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.AsSpan().IndexOf("PK\x01\x02"u8) + 24), length); // uncompressed size, in the directory
            File.WriteAllBytes(program["lies.zip"], bytes);
            var answer = Bounded(program, "classify", program["lies.zip"], "--names", "cat,dog", "--model", program.Model);
            Assert.Equal(1, answer.Code);
            Assert.Contains(says, answer.Error, StringComparison.Ordinal);
        }
    }

    private static Answer Bounded(Program program, params string[] ask)
    {
        var (watch, before) = (Stopwatch.StartNew(), GC.GetTotalAllocatedBytes());
        var answer = program.Run(ask);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"{string.Join(' ', ask)}: {watch.Elapsed}");
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 200 << 20);
        return answer;
    }

    private static string Pipe(string path)
    {
        using var made = Process.Start("mkfifo", [path]);
        made.WaitForExit();
        return path;
    }

    private static byte[] Black(int side)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true)) for (var y = 0; y < side; y++) zlib.Write(new byte[side * 3 + 1]);
        using var file = new MemoryStream();
        file.Write(Png.Signature);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, side);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), side);
        (header[8], header[9]) = (8, 2);
        Png.WriteChunk(file, "IHDR"u8, header);
        Png.WriteChunk(file, "IDAT"u8, packed.ToArray());
        Png.WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }
}
