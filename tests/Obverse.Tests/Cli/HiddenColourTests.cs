using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

/// <summary>Pictures that look alike are alike to every command, whatever colours their files hide under alpha 0.</summary>
[Collection("command line")]
public class HiddenColourTests
{
    private const int Side = 32; // the toy model's own: at it nothing is resized, which is where hidden colours showed most

    [Theory]
    [InlineData(Side)]
    [InlineData(50)]
    public void Pictures_that_look_alike_have_one_embedding_in_both_families(int side)
    {
        string[] names = ["green", "red", "palette", "key", "white"];
        byte[][] files = [Rgba(side, 0, 200, 0), Rgba(side, 255, 0, 0), Palette(side, 9), Key(side), OnWhite(side).EncodePng()];
        foreach (var family in Enum.GetValues<ClipFamily>())
        {
            var preprocess = new ClipPreprocess { Size = Side, Family = family };
            var white = preprocess.Pixels(files[^1], "white");
            foreach (var (name, file) in names.Zip(files)) Assert.True(white.AsSpan().SequenceEqual(preprocess.Pixels(file, name)), $"{family}, {name}");
        }

        // The switch: to the bit what openai/CLIP sees, hidden colours and all.
        var exact = ClipPreprocess.Exact(ClipFamily.OpenAi, Side);
        Assert.False(exact.OnWhite);
        if (side == Side) Assert.NotEqual(exact.Pixels(files[0], "green"), exact.Pixels(files[1], "red"));
        Assert.NotEqual(exact.Pixels(files[0], "green"), exact.Pixels(files[^1], "white"));

        using var program = new Program();
        foreach (var (name, file) in names.Zip(files)) File.WriteAllBytes(program[name + ".png"], file);
        Assert.Equal(0, program.Run(["embed", .. names.Select(name => program[name + ".png"]), "-o", program["rows.safetensors"], "--model", program.Model]).Code);
        using var scope = new TensorScope();
        using var rows = Safetensors.Open(program["rows.safetensors"]);
        var all = rows["embeddings"].ToFloats().Chunk(16).ToArray();
        Assert.All(all, row => Assert.Equal(all[^1], row));
    }

    [Fact]
    public void What_is_half_transparent_is_mixed_with_white()
    {
        var picture = new Picture(2, 1, [255, 0, 0, 9, 8, 7], [128, 255]).OnWhite();
        Assert.Equal((byte[])[255, 127, 127, 9, 8, 7], picture.Rgb.ToArray());
        Assert.False(picture.HasAlpha);
        Assert.Same(picture, picture.OnWhite());
    }

    [Theory]
    [InlineData("--start")]
    [InlineData("--toward")]
    public void A_job_reads_its_pictures_on_white_and_one_stored_before_as_it_did(string option)
    {
        using var program = new Program();
        File.WriteAllBytes(program["green.png"], Rgba(40, 0, 200, 0));
        File.WriteAllBytes(program["white.png"], OnWhite(40).EncodePng());
        new Picture(40, 40, Picture.Load(program["green.png"]).Rgb.ToArray()).Save(program["bare.png"]); // as formats before saw green.png
        foreach (var name in new[] { "green", "white", "bare" }) Assert.Equal(0, program.Run("invert", "a cat", option, program[name + ".png"], "--model", program.Model, "--recipe", "pyramid", "--steps", "3", "--views", "2", "--size", "32", "-o", program[$"of-{name}.png"]).Code);
        byte[] Drawn(string name) => Picture.Load(program[$"of-{name}.png"]).Rgb.ToArray();
        Assert.Equal(Drawn("white"), Drawn("green"));
        Assert.NotEqual(Drawn("white"), Drawn("bare"));

        var job = InversionJob.FromPicture(program["of-green.png"]);
        Assert.Equal(PictureReading.OnWhite, job.Pictures);
        Assert.Contains("\"pictures\":\"on-white\"", job.ToJson(), StringComparison.Ordinal);
        var before = JsonNode.Parse(job.ToJson())!.AsObject();
        before.Remove("pictures");
        var old = InversionJob.FromJson(before.ToJsonString());
        Assert.Equal(PictureReading.AsStored, old.Pictures);
        Assert.Equal(before.ToJsonString(), old.ToJson());
        Assert.Equal(Drawn("bare"), old.Finish().Picture.Rgb.ToArray());
    }

    [Fact]
    public void A_job_stored_before_that_names_no_picture_is_the_same_as_one_of_today()
    {
        var today = Obverse.Jobs.InversionJob.FromJson(File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Data", "jobs-format-1.jsonl"))[0]) with { Seed = 5 };
        var before = JsonNode.Parse(today.ToJson())!.AsObject();
        before.Remove("pictures");
        Assert.True(InversionJob.FromJson(before.ToJsonString()).MakesTheSameAs(today));
    }

    // A disc on nothing, whose nothing hides a colour.
    private static byte[] Rgba(int side, byte r, byte g, byte b)
    {
        var (rgb, alpha) = (new byte[side * side * 3], new byte[side * side]);
        for (var i = 0; i < alpha.Length; i++)
        {
            alpha[i] = IsDisc(side, i) ? (byte)255 : (byte)0;
            (rgb[i * 3], rgb[i * 3 + 1], rgb[i * 3 + 2]) = IsDisc(side, i) ? ((byte)20, (byte)40, (byte)160) : (r, g, b);
        }

        return new Picture(side, side, rgb, alpha).EncodePng();
    }

    private static Picture OnWhite(int side)
    {
        var rgb = new byte[side * side * 3];
        for (var i = 0; i < side * side; i++) (rgb[i * 3], rgb[i * 3 + 1], rgb[i * 3 + 2]) = IsDisc(side, i) ? ((byte)20, (byte)40, (byte)160) : ((byte)255, (byte)255, (byte)255);
        return new Picture(side, side, rgb);
    }

    private static byte[] Palette(int side, byte hidden) => Png(side, 3, 1, (i, to) => to[0] = IsDisc(side, i) ? (byte)1 : (byte)0, ("PLTE", [hidden, 200, 90, 20, 40, 160]), ("tRNS", [0, 255]));

    private static byte[] Key(int side) => Png(side, 2, 3, (i, to) => (IsDisc(side, i) ? (byte[])[20, 40, 160] : [1, 2, 3]).CopyTo(to), ("tRNS", [0, 1, 0, 2, 0, 3]));

    private delegate void Pixel(int at, Span<byte> to);

    private static byte[] Png(int side, byte colour, int size, Pixel pixel, params (string Type, byte[] Data)[] more)
    {
        var rows = new byte[side * (side * size + 1)];
        for (var i = 0; i < side * side; i++) pixel(i, rows.AsSpan(i / side * (side * size + 1) + 1 + i % side * size, size));
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zlib.Write(rows);
        using var file = new MemoryStream();
        file.Write(Imaging.Png.Signature);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, side);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), side);
        (header[8], header[9]) = (8, colour);
        Imaging.Png.WriteChunk(file, "IHDR"u8, header);
        foreach (var (type, data) in more) Imaging.Png.WriteChunk(file, System.Text.Encoding.ASCII.GetBytes(type), data);
        Imaging.Png.WriteChunk(file, "IDAT"u8, packed.ToArray());
        Imaging.Png.WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static bool IsDisc(int side, int i) => (i % side - side / 2) * (i % side - side / 2) + (i / side - side / 2) * (i / side - side / 2) < side * side / 9;
}
