using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;
using Xunit.Abstractions;

namespace Obverse.Tests.Pictures;

/// <summary>Every picture of the fixture tree against Pillow, openai/CLIP and transformers, to the bit.</summary>
public sealed class PictureReferenceTests(ITestOutputHelper output)
{
    private const string Folder = "clip/images";

    public static TheoryData<string> Files()
    {
        var rows = new TheoryData<string>();
        var list = Path.Combine(Fixtures.Root, Folder, "images.json");
        if (File.Exists(list)) foreach (var entry in Entries(list)) rows.Add(entry.GetProperty("file").GetString()!);
        else rows.Add("");
        return rows;
    }

    public static TheoryData<string> Resizes()
    {
        var rows = new TheoryData<string>();
        var list = Path.Combine(Fixtures.Root, Folder, "resize.json");
        if (File.Exists(list)) foreach (var entry in Entries(list)) rows.Add(entry.GetProperty("name").GetString()!);
        else rows.Add("");
        return rows;
    }

    [SkippableTheory, MemberData(nameof(Files))]
    public void Decodes_as_Pillow(string file)
    {
        var (path, entry) = Find(file);
        var decoded = entry.GetProperty("decoded");
        Same(decoded.GetProperty("plain"), Picture.Load(path, upright: false, clipSixteenBit: true));
        if (decoded.TryGetProperty("upright", out var upright)) Same(upright, Picture.Load(path, clipSixteenBit: true));
        var size = entry.GetProperty("size");
        var raster = Raster.Decode(File.ReadAllBytes(path), file);
        Assert.Equal((size[0].GetInt32(), size[1].GetInt32()), (raster.Width, raster.Height));
        var mode = entry.GetProperty("mode").GetString();
        if (mode == "CMYK") mode = "RGB";   // Skia hands out no inks
        Assert.Equal(mode, raster.Mode switch { PixelMode.Bilevel => "1", PixelMode.Grey => "L", PixelMode.Grey16 => "I;16", PixelMode.GreyAlpha => "LA", PixelMode.Palette => "P", var m => m.ToString().ToUpperInvariant() });

        static void Same(JsonElement wanted, Picture picture)
        {
            Assert.Equal((wanted.GetProperty("shape")[0].GetInt32(), wanted.GetProperty("shape")[1].GetInt32()), (picture.Height, picture.Width));
            Assert.Equal(wanted.GetProperty("sha256").GetString(), Sha(picture.Rgb));
        }
    }

    [SkippableTheory, MemberData(nameof(Files))]
    public void Preprocesses_as_the_libraries(string file)
    {
        var (path, entry) = Find(file);
        var wrong = new List<string>();
        foreach (var wanted in entry.GetProperty("preprocessed").EnumerateObject())
        {
            var words = wanted.Name.Split('.');   // openai.48.upright
            var preprocess = ClipPreprocess.Exact(words[0] == "openai" ? ClipFamily.OpenAi : ClipFamily.HuggingFace, int.Parse(words[1])) with
            {
                Upright = words.Contains("upright"),
                Order = words.Contains("horizontal_first") ? PassOrder.HorizontalFirst : PassOrder.Pillow13,
            };
            var pixels = preprocess.Pixels(path);
            // OpenAI's order is to resize the inks and then convert, and Skia converts first: at most 1 level off (mean 0.007 at 48 pixels, 0.002 at 64, 0.0006 at 224).
            if (words[0] == "openai" && entry.GetProperty("mode").GetString() == "CMYK")
            {
                if (!wanted.Value.TryGetProperty("tensor", out var tensor)) continue;
                var inks = new ReferenceTensors(Fixtures.Require(Folder + "/preprocessed.safetensors")).Bytes(tensor.GetString()!).ToArray();
                Assert.All(pixels.Zip(inks), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
                continue;
            }

            if (Sha(pixels) != wanted.Value.GetProperty("sha256").GetString()) wrong.Add(wanted.Name);
            if (!wanted.Value.TryGetProperty("f32_sha256", out var normalised)) continue;
            using var scope = new TensorScope();
            var images = Tensor.From(pixels, 1, preprocess.Size, preprocess.Size, 3).Permute(0, 3, 1, 2).To(DType.Float32).Contiguous() / 255;
            var floats = ((images - Rgb.ClipMean.AsTensor()) / Rgb.ClipStd.AsTensor()).ToFloats();
            if (Sha(MemoryMarshal.AsBytes(floats.AsSpan())) != normalised.GetString()) wrong.Add(wanted.Name + " normalised");
        }

        Assert.Empty(wrong);
    }

    [SkippableFact]
    public void Every_kind_of_case_is_one_that_is_tested()
    {
        var entries = Entries(Fixtures.Require(Folder + "/images.json"));
        string[] Names(string part) => [.. entries.SelectMany(entry => entry.GetProperty(part).EnumerateObject()).Select(value => value.Name)];
        var (decoded, prepared) = (Names("decoded"), Names("preprocessed"));
        Assert.Empty(decoded.Except(["plain", "upright", "sixteen_bit"]));
        Assert.Empty(prepared.Select(name => string.Join('.', name.Split('.').Where(word => !int.TryParse(word, out _)))).Except(["openai", "hf", "openai.upright", "hf.upright", "openai.horizontal_first"]));
        Assert.NotEmpty(prepared);
        var normalised = entries.SelectMany(entry => entry.GetProperty("preprocessed").EnumerateObject()).Count(value => value.Value.TryGetProperty("f32_sha256", out _));
        output.WriteLine($"{normalised} of the preprocessed normalised too. {entries.Length} files: {decoded.Length} decoded ({string.Join(", ", decoded.CountBy(n => n))}), {prepared.Length} preprocessed ({prepared.Count(n => n.StartsWith("openai", StringComparison.Ordinal))} openai, {prepared.Count(n => n.StartsWith("hf", StringComparison.Ordinal))} hf, {prepared.Count(n => n.Contains("upright", StringComparison.Ordinal))} of them upright, {prepared.Count(n => n.Contains("horizontal", StringComparison.Ordinal))} by the older order of passes)");
    }

    [SkippableFact]
    public void Sixteen_bit_grey_keeps_its_samples()
    {
        var list = Fixtures.Require(Folder + "/images.json");
        foreach (var entry in Entries(list).Where(e => e.GetProperty("decoded").TryGetProperty("sixteen_bit", out _)))
        {
            var file = entry.GetProperty("file").GetString()!;
            var raster = Raster.Decode(File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(list)!, "files", file)), file);
            var wide = new byte[raster.Samples.Length * 2];   // int32
            for (var i = 0; i < raster.Samples.Length; i++) wide[i / 2 * 4 + i % 2] = raster.Samples[i];
            Assert.Equal(entry.GetProperty("decoded").GetProperty("sixteen_bit").GetProperty("sha256").GetString(), Sha(wide));
            Assert.Equal(raster.Samples[1], raster.ToPicture(clipSixteenBit: false).Rgb[0]);
        }
    }

    [SkippableTheory, MemberData(nameof(Resizes))]
    public void Resizes_as_Pillow(string name)
    {
        var list = Fixtures.Require(Folder + "/resize.json");
        var entry = Entries(list).Single(e => e.GetProperty("name").GetString() == name);
        var tensors = new ReferenceTensors(Fixtures.Require(Folder + "/resize.safetensors"));
        var input = entry.GetProperty("input").GetString()!;
        var shape = tensors.Shape(input);
        int width = entry.GetProperty("width").GetInt32(), height = entry.GetProperty("height").GetInt32();
        var filter = Enum.Parse<ResampleFilter>(entry.GetProperty("filter").GetString()!, ignoreCase: true);
        if (input.EndsWith(".F"))
        {
            Assert.Equal(tensors.Floats(name).ToArray(), Resample.Floats(tensors.Floats(input), shape[1], shape[0], width, height, filter));
            return;
        }

        var channels = shape.Length == 3 ? shape[2] : 1;
        var resized = channels is 2 or 4
            ? Resample.Premultiplied(tensors.Bytes(input), shape[1], shape[0], channels, width, height, filter)
            : Resample.Bytes(tensors.Bytes(input), shape[1], shape[0], channels, width, height, filter);
        Assert.Equal(tensors.Bytes(name).ToArray(), resized);
    }

    private static (string Path, JsonElement Entry) Find(string file)
    {
        var list = Fixtures.Require(Folder + "/images.json");
        return (Path.Combine(Path.GetDirectoryName(list)!, "files", file), Entries(list).Single(e => e.GetProperty("file").GetString() == file));
    }

    private static JsonElement[] Entries(string list) => [.. JsonDocument.Parse(File.ReadAllBytes(list)).RootElement.EnumerateArray()];

    private static string Sha(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
