using System.Buffers.Binary;
using System.Text;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Pictures;

/// <summary>What holds without any reference: round trips, text, damage of every kind, and files that appear whole or not at all.</summary>
public sealed class PictureTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("obverse-pictures-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A smooth picture with a hard edge and some noise.</summary>
    internal static Picture Draw(int width, int height, bool alpha = false, int seed = 1)
    {
        var random = new Random(seed);
        var rgb = new byte[width * height * 3];
        var opacity = alpha ? new byte[width * height] : null;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var i = y * width + x;
                var noise = random.Next(24);
                rgb[i * 3] = (byte)(x * 230 / width + noise);
                rgb[i * 3 + 1] = (byte)(y * 230 / height + noise);
                rgb[i * 3 + 2] = (byte)((x + y) / 7 % 2 == 0 ? 230 : noise);
                if (opacity is not null) opacity[i] = (byte)(1 + (x * 9 + y * 5) % 255);
            }
        }

        return new Picture(width, height, rgb, opacity);
    }

    [Theory]
    [InlineData(1, 1, false)]
    [InlineData(33, 17, false)]
    [InlineData(33, 17, true)]
    [InlineData(3, 200, true)]
    public void Lossless_formats_keep_every_pixel(int width, int height, bool alpha)
    {
        var picture = Draw(width, height, alpha);
        foreach (var file in (byte[][])[picture.EncodePng(), picture.EncodeWebp(lossless: true)])
        {
            var back = Picture.Decode(file, "round trip");
            Assert.Equal((width, height), (back.Width, back.Height));
            Assert.Equal(picture.Rgb.ToArray(), back.Rgb.ToArray());
            if (alpha) Assert.Equal(picture.Alpha.ToArray(), back.Alpha.ToArray());
            else Assert.False(back.HasAlpha);
        }
    }

    [Fact]
    public void Lossy_formats_stay_close()
    {
        var picture = Draw(64, 48).Resize(16, 12, ResampleFilter.Box).Resize(64, 48);
        foreach (var extension in (string[])[".jpg", ".jpeg", ".webp"])
        {
            var path = Path.Combine(folder, "a" + extension);
            picture.Save(path, quality: 95);
            var back = Picture.Load(path);
            var error = 0.0;
            for (var i = 0; i < picture.Rgb.Length; i++) error += Math.Abs(picture.Rgb[i] - back.Rgb[i]);
            Assert.InRange(error / picture.Rgb.Length, 0, 6);
        }
    }

    [Fact]
    public void Texts_come_back_and_pixels_stay()
    {
        var picture = Draw(20, 10);
        var path = Path.Combine(folder, "run.png");
        picture.Save(path, text: [new("Title", "plain"), new("obverse", "Füchse im Schnee 狐 \U0001F98A\nline two"), new("Empty", "")]);
        Assert.Equal([new("Title", "plain"), new("obverse", "Füchse im Schnee 狐 \U0001F98A\nline two"), new("Empty", "")], PngText.Read(path));
        Assert.Equal(picture.Rgb.ToArray(), Picture.Load(path).Rgb.ToArray());
        Assert.Throws<ArgumentException>(() => PngText.Add(picture.EncodePng(), " spaces ", "x"));
        Assert.Throws<ArgumentException>(() => PngText.Add(picture.EncodePng(), "nul", "a\0b"));
        Assert.Throws<PictureException>(() => PngText.Add("GIF89a"u8, "Title", "x"));
        Assert.Throws<PictureException>(() => picture.Save(Path.Combine(folder, "run.jpg"), text: [new("Title", "x")]));
    }

    [Fact]
    public void Packed_texts_are_read_and_bombs_left_out()
    {
        static byte[] Pack(byte[] data)
        {
            var to = new MemoryStream();
            using (var zlib = new System.IO.Compression.ZLibStream(to, System.IO.Compression.CompressionLevel.Optimal, true)) zlib.Write(data);
            return to.ToArray();
        }

        var png = Draw(4, 4).EncodePng();
        var chunks = new MemoryStream();
        Png.WriteChunk(chunks, "zTXt"u8, [.. "a\0\0"u8, .. Pack(Encoding.Latin1.GetBytes("Größe"))]);
        Png.WriteChunk(chunks, "iTXt"u8, [.. "b\0\u0001\0de\0\0"u8, .. Pack(Encoding.UTF8.GetBytes("狐"))]);
        Png.WriteChunk(chunks, "zTXt"u8, [.. "bomb\0\0"u8, .. Pack(new byte[PngText.MaxLength + 1])]);
        Png.WriteChunk(chunks, "iTXt"u8, "cut"u8);
        byte[] whole = [.. png[..33], .. chunks.ToArray(), .. png[33..]];
        Assert.Equal([new("a", "Größe"), new("b", "狐")], PngText.Read(whole, "packed"));
    }

    [Fact]
    public void All_eight_orientations_come_upright()
    {
        var picture = Draw(5, 3);
        var png = picture.EncodePng();
        for (byte orientation = 1; orientation <= 8; orientation++)
        {
            var chunk = new MemoryStream();
            Png.WriteChunk(chunk, "eXIf"u8, [.. "MM\0*\0\0\0\u0008\0\u0001"u8, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
            byte[] stored = [.. png[..33], .. chunk.ToArray(), .. png[33..]];
            var upright = Picture.Decode(stored, "stored");
            Assert.Equal(orientation >= 5 ? (3, 5) : (5, 3), (upright.Width, upright.Height));
            var first = orientation switch { 1 or 5 => 0, 2 or 8 => 4, 3 or 7 => 14, _ => 10 };   // the stored pixel that lands top left
            Assert.Equal(picture.Rgb.Slice(first * 3, 3).ToArray(), upright.Rgb[..3].ToArray());
            Assert.Equal(picture.Rgb.Slice((14 - first) * 3, 3).ToArray(), upright.Rgb[^3..].ToArray());   // and its opposite corner
            Assert.Equal(picture.Rgb.ToArray(), Picture.Decode(stored, "stored", upright: false).Rgb.ToArray());
        }
    }

    [Fact]
    public void Sixteen_bit_colour_keeps_the_high_byte_and_gamma_is_ignored()
    {
        var file = new MemoryStream();
        file.Write(Png.Signature);
        Png.WriteChunk(file, "IHDR"u8, [0, 0, 0, 1, 0, 0, 0, 1, 16, 2, 0, 0, 0]);
        Png.WriteChunk(file, "gAMA"u8, [0, 1, 0x86, 0xA0]);
        var packed = new MemoryStream();
        using (var zlib = new System.IO.Compression.ZLibStream(packed, System.IO.Compression.CompressionLevel.Optimal, true)) zlib.Write([0, 0x80, 0xFF, 0x01, 0x02, 0xFF, 0x00]);
        Png.WriteChunk(file, "IDAT"u8, packed.ToArray());
        Png.WriteChunk(file, "IEND"u8, []);
        Assert.Equal([0x80, 0x01, 0xFF], Picture.Decode(file.ToArray(), "16").Rgb.ToArray());
    }

    [Fact]
    public void Stray_bytes_before_the_end_of_a_JPEG_are_forgiven_but_not_a_missing_end()
    {
        var whole = Draw(40, 30).EncodeJpeg();
        byte[] stray = [.. whole[..^2], 0xFF, 0x00, 0x12, 0x34, 0xFF, 0xD9];
        Assert.Equal(Picture.Decode(whole, "whole").Rgb.ToArray(), Picture.Decode(stray, "stray").Rgb.ToArray());
        Assert.Throws<PictureException>(() => Picture.Decode(stray.AsSpan(0, stray.Length - 2), "stray"));
    }

    [SkippableFact]
    public void A_progressive_JPEG_cut_off_anywhere_is_an_error()
    {
        var file = File.ReadAllBytes(Fixtures.Require("clip/images/files/jpeg_progressive.jpg"));
        Picture.Decode(file, "whole");
        for (var length = 0; length < file.Length; length++) Assert.Throws<PictureException>(() => Picture.Decode(file.AsSpan(0, length), "cut.jpg"));
    }

    public static TheoryData<string> Formats => ["png", "png-alpha", "jpg", "webp", "webp-alpha", "webp-lossless", "gif", "bmp"];

    private static byte[] Encoded(string format)
    {
        var picture = Draw(24, 18, alpha: format.EndsWith("-alpha"));
        switch (format)
        {
            case "png" or "png-alpha": return picture.EncodePng();
            case "jpg": return picture.EncodeJpeg();
            case "webp" or "webp-alpha": return picture.EncodeWebp();
            case "webp-lossless": return picture.EncodeWebp(lossless: true);
            case "gif":
                var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.gif");
                using (var film = Film.Open(path, 10))
                {
                    film.Add(picture);
                    film.Finish();
                }

                var gif = File.ReadAllBytes(path);
                File.Delete(path);
                return gif;
            default:
                var bmp = new byte[54 + 72 * 18];
                "BM"u8.CopyTo(bmp);
                bmp[10] = 54;
                bmp[14] = 40;
                bmp[18] = 24;
                bmp[22] = 18;
                bmp[26] = 1;
                bmp[28] = 24;
                picture.Rgb.CopyTo(bmp.AsSpan(54));
                return bmp;
        }
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_file_cut_off_anywhere_is_an_error(string format)
    {
        var file = Encoded(format);
        Picture.Decode(file, "whole");
        var end = format == "gif" ? file.Length - 1 : file.Length;   // a GIF's trailer holds nothing
        for (var length = 0; length < end; length++)
        {
            var error = Assert.Throws<PictureException>(() => Picture.Decode(file.AsSpan(0, length), "cut.file"));
            Assert.StartsWith("cut.file: ", error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_damaged_file_is_a_picture_or_an_error(string format)
    {
        var file = Encoded(format);
        var random = new Random(5);
        for (var i = 0; i < 1500; i++)
        {
            var damaged = (byte[])file.Clone();
            for (var n = random.Next(1, 5); n > 0; n--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            if (format.StartsWith("png") && i % 2 == 0) Mend(damaged);
            Try(() => Picture.Decode(damaged, "damaged"));
            if (format == "png") Try(() => PngText.Read(damaged, "damaged"));
        }

        static void Try(Func<object> read)
        {
            try { read(); }
            catch (PictureException) { }
        }

        // Right check sums, so that the damage gets past them.
        static void Mend(byte[] png)
        {
            try
            {
                foreach (var chunk in Png.Chunks(png, "")) BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(chunk.Start + chunk.Length), Png.Crc(png.AsSpan(chunk.Start - 4, chunk.Length + 4)));
            }
            catch (PictureException)
            {
            }
        }
    }

    [Fact]
    public void Absurd_sizes_are_refused_before_anything_is_allocated()
    {
        var png = Draw(4, 4).EncodePng();
        foreach (var (width, height) in ((int, int)[])[(0, 4), (4, 0), (30001, 4), (29000, 29000), (-1, 4), (20000, 10000)])
        {
            BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
            BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
            BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Png.Crc(png.AsSpan(12, 17)));
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Throws<PictureException>(() => Picture.Decode(png, "huge"));
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        }
    }

    [Theory]
    [InlineData("", "empty file")]
    [InlineData("hello, this is text", "unknown format")]
    [InlineData("BM", "unknown format")]
    [InlineData("RIFF\0\0\0\0WEBP", "truncated")]
    public void Other_bytes_are_named(string content, string says)
    {
        var path = Path.Combine(folder, "odd.png");
        File.WriteAllText(path, content);
        var error = Assert.Throws<PictureException>(() => Picture.Load(path));
        Assert.Contains(path, error.Message);
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public void A_missing_file_or_a_folder_is_named()
    {
        Assert.Contains("nothing.png: not found", Assert.Throws<PictureException>(() => Picture.Load(Path.Combine(folder, "nothing.png"))).Message);
        Assert.Contains(folder, Assert.Throws<PictureException>(() => Picture.Load(folder)).Message);
    }

    [Fact]
    public void What_cannot_be_written_leaves_nothing_behind()
    {
        var picture = Draw(8, 8);
        var nowhere = Path.Combine(folder, "missing", "a.png");
        Assert.Contains(nowhere, Assert.ThrowsAny<IOException>(() => picture.Save(nowhere)).Message);
        Assert.Throws<PictureException>(() => picture.Save(Path.Combine(folder, "a.tiff")));
        Directory.CreateDirectory(Path.Combine(folder, "taken.png"));
        Assert.Contains("taken.png", Assert.ThrowsAny<IOException>(() => picture.Save(Path.Combine(folder, "taken.png"))).Message);
        Assert.Equal(["taken.png"], Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName));
    }

    [Fact]
    public void A_failed_write_keeps_what_was_there()
    {
        var path = Path.Combine(folder, "kept.txt");
        AtomicFile.Write(path, stream => stream.Write("first"u8));
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("second"u8);
            throw new InvalidOperationException("half way");
        }));
        Assert.Contains(path, Assert.Throws<IOException>(() => AtomicFile.Write(path, _ => throw new IOException("No space left on device"))).Message);
        Assert.Equal("first", File.ReadAllText(path));
        AtomicFile.Write(path, stream => stream.Write("third"u8));
        Assert.Equal("third", File.ReadAllText(path));
        Assert.Single(Directory.EnumerateFileSystemEntries(folder));
    }

    [SkippableFact]
    public void A_full_disk_is_named_and_left_clean()
    {
        Skip.IfNot(File.Exists("/dev/full"), "no /dev/full here");
        // The device itself cannot be renamed over, but shows the error that a full disk gives.
        using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
        var path = Path.Combine(folder, "full.bin");
        var error = Assert.Throws<IOException>(() => AtomicFile.Write(path, _ =>
        {
            full.Write(new byte[1 << 16]);
            full.Flush();
        }));
        Assert.Contains(path, error.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    [Fact]
    public void Resizing_to_the_same_size_and_constant_pictures_change_nothing()
    {
        var picture = Draw(9, 7);
        Assert.Equal(picture.Rgb.ToArray(), picture.Resize(9, 7).Rgb.ToArray());
        var grey = new Picture(9, 7, [.. Enumerable.Repeat((byte)77, 9 * 7 * 3)]);
        foreach (var filter in Enum.GetValues<ResampleFilter>())
        {
            Assert.All(grey.Resize(21, 3, filter).Rgb.ToArray(), v => Assert.Equal(77, v));
            Assert.All(Resample.Floats([.. Enumerable.Repeat(2.5f, 63)], 9, 7, 4, 15, filter), v => Assert.Equal(2.5f, v, 1e-6f));
        }
    }

    [Fact]
    public void Crops_of_the_two_families_lie_a_pixel_apart()
    {
        var picture = Draw(51, 48);
        var openAi = ClipPreprocess.Exact(ClipFamily.OpenAi, 48).Pixels(picture);
        var hf = ClipPreprocess.Exact(ClipFamily.HuggingFace, 48).Pixels(picture);
        Assert.Equal(picture.Crop(2, 0, 48, 48).Rgb.ToArray(), openAi);
        Assert.Equal(picture.Crop(1, 0, 48, 48).Rgb.ToArray(), hf);
    }
}
