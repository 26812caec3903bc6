using System.Buffers.Binary;
using Obverse.Fuzz;
using Obverse.Imaging;
using Obverse.Models;
using Xunit;

namespace Obverse.Tests.Pictures;

/// <summary>What is seldom met: a picture, as Pillow sees it, or an error that says what it is.</summary>
public class OddPictureTests
{
    [Fact]
    public void Run_lengths_of_both_depths_are_unpacked()
    {
        // Runs, values as they are, a step over pixels (0 2), ends of rows; what is jumped over keeps entry 0.
        var eight = Raster.Decode(PictureSeeds.Bmp(5, 3, 8, 1, 40, [5, 9, 0, 0, 0, 3, 1, 2, 3, 0, 2, 4, 0, 0, 1, 6, 0, 2, 2, 0, 1, 7, 0, 1]), "a.bmp");
        Assert.Equal((byte[])[6, 0, 0, 7, 0, 1, 2, 3, 4, 4, 9, 9, 9, 9, 9], eight.Samples);
        var four = Raster.Decode(PictureSeeds.Bmp(5, -2, 4, 2, 40, [5, 0x5A, 0, 0, 0, 4, 0x12, 0x34, 1, 0x70, 0, 1]), "a.bmp");
        Assert.Equal((byte[])[5, 10, 5, 10, 5, 1, 2, 3, 4, 7], four.Samples);
        Assert.Contains("truncated", Assert.Throws<PictureException>(() => Picture.Decode(PictureSeeds.Bmp(5, 3, 8, 1, 40, [5, 9, 0, 0]), "a.bmp")).Message);
        Assert.Contains("not believed", Assert.Throws<PictureException>(() => Picture.Decode(PictureSeeds.Bmp(20_000, 10_000, 8, 1, 40, [0, 1]), "a.bmp")).Message);
    }

    [Fact]
    public void Sixteen_bits_and_masks_are_widened_to_bytes()
    {
        byte[] row = [0xFF, 0x7F, 0x1F, 0x00, 0xE0, 0x03, 0x00, 0x7C, 0x10, 0x42, 0, 0]; // x 5: white, blue, green, red, grey of 5-5-5
        Assert.Equal((byte[])[255, 255, 255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 131, 131, 131], Picture.Decode(PictureSeeds.Bmp(5, 1, 16, 0, 40, row), "a.bmp").Rgb.ToArray());
        byte[] wide = [0xFF, 0xFF, 0x1F, 0x00, 0xE0, 0x07, 0x00, 0xF8, 0x10, 0x84, 0, 0]; // of 5-6-5
        Assert.Equal((byte[])[255, 255, 255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 131, 129, 131], Picture.Decode(PictureSeeds.Bmp(5, 1, 16, 3, 56, wide), "a.bmp").Rgb.ToArray());
        var masks = PictureSeeds.Bmp(5, 1, 16, 3, 56, wide);
        BinaryPrimitives.WriteInt32LittleEndian(masks.AsSpan(54), 0x5000);
        Assert.Contains("colour masks", Assert.Throws<PictureException>(() => Picture.Decode(masks, "a.bmp")).Message);
    }

    [Fact]
    public void A_palette_that_is_a_ramp_of_grey_is_grey()
    {
        // Pillow's rule; CLIP's preprocessing resizes grey smoothly and palettes by the nearest pixel.
        var bmp = PictureSeeds.Bmp(4, 1, 8, 0, 40, [9, 200, 30, 0]);
        Assert.Equal(PixelMode.Palette, Raster.Decode(bmp, "a").Mode);
        for (var i = 0; i < 1024; i++) bmp[54 + i] = (byte)(i / 4);
        Assert.Equal(PixelMode.Grey, Raster.Decode(bmp, "a").Mode);
        Assert.Equal((byte[])[9, 9, 9, 200, 200, 200, 30, 30, 30, 0, 0, 0], Picture.Decode(bmp, "a").Rgb.ToArray());

        byte[] gif = [.. "GIF89a"u8, 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 1, 1, 1, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4C, 1, 0, 0x3B];
        Assert.Equal((PixelMode.Grey, 1), (Raster.Decode(gif, "a").Mode, Picture.Decode(gif, "a").Rgb[0]));
        gif[16] = 2;
        Assert.Equal(PixelMode.Palette, Raster.Decode(gif, "a").Mode);
    }

    [Fact]
    public void Skia_alone_loses_what_preprocessing_needs()
    {
        // The reasons why headers of BMP and GIF are read by our own code; a Skia that fails this test makes that code needless.
        byte[] Skia(byte[] file)
        {
            using var bitmap = SkiaSharp.SKBitmap.Decode(file, new SkiaSharp.SKImageInfo(1, 1, SkiaSharp.SKColorType.Rgba8888, SkiaSharp.SKAlphaType.Unpremul));
            return bitmap.Bytes;
        }

        var bmp = PictureSeeds.Bmp(1, 1, 16, 0, 40, [0x10, 0x42, 0, 0]);   // 16 of 31: 131.6, which Pillow cuts off
        Assert.Equal((byte[])[131, 131, 131], Picture.Decode(bmp, "a").Rgb.ToArray());
        Assert.Equal((byte[])[132, 132, 132, 255], Skia(bmp));

        byte[] gif = [.. "GIF89a"u8, 1, 0, 1, 0, 0x80, 0, 0, 9, 8, 7, 30, 20, 10, 0x21, 0xF9, 4, 1, 0, 0, 1, 0, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x4C, 1, 0, 0x3B];
        Assert.Equal((byte[])[30, 20, 10], Picture.Decode(gif, "a").Rgb.ToArray());   // the colour under alpha 0, which convert("RGB") shows
        Assert.Equal(0, Picture.Decode(gif, "a").Alpha[0]);
        Assert.Equal((byte[])[0, 0, 0, 0], Skia(gif));
    }

    [Fact]
    public void A_GIF_frame_lies_where_it_says_and_interlaced_rows_in_order()
    {
        byte[] Gif(byte flags, byte[] codes) => [.. "GIF89a"u8, 3, 0, 6, 0, 0x81, 0, 0, .. Enumerable.Range(0, 12).Select(i => (byte)(i * 20)), 0x2C, 1, 0, 1, 0, 1, 0, 4, 0, flags, 2, (byte)codes.Length, .. codes, 0, 0x3B];
        byte[] codes = [0x44, 0x34, 0x05];   // clear, 0, 1, 2, 3, end: three bits each, four from the sixth code on
        var plain = Raster.Decode(Gif(0, codes), "a").Samples;
        Assert.Equal((byte[])[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0], plain);
        Assert.Equal((byte[])[0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 0, 3, 0, 0, 0, 0], Raster.Decode(Gif(0x40, codes), "a").Samples);   // row 0, then 2, then 1 and 3
        Assert.Contains("GIF truncated", Assert.Throws<PictureException>(() => Raster.Decode(Gif(0, [0x44, 0x0A]), "a")).Message);
    }

    [Fact]
    public void An_arithmetic_JPEG_is_the_picture_that_its_Huffman_twin_is()
    {
        var arithmetic = Convert.FromHexString("ffd8ffe000104a46494600010100000100010000ffdb0043000d090a0b0a080d0b0a0b0e0e0d0f13201513121213271c1e17202e2931302e292d2c333a4a3e333646372c2d405741464c4e525352323e5a615a50604a51524fffc9000b080008000801011100ffcc000600101005ffda0008010100003f00fcd3aabada43ee80ffd9");
        var huffman = Convert.FromHexString("ffd8ffe000104a46494600010100000100010000ffdb0043000d090a0b0a080d0b0a0b0e0e0d0f13201513121213271c1e17202e2931302e292d2c333a4a3e333646372c2d405741464c4e525352323e5a615a50604a51524fffc0000b080008000801011100ffc40014000100000000000000000000000000000004ffc400191000010500000000000000000000000000000306213351ffda0008010100003f003b092ae30fffd9");
        Assert.Equal(Picture.Decode(huffman, "h.jpg").Rgb.ToArray(), Picture.Decode(arithmetic, "a.jpg").Rgb.ToArray());
        Assert.InRange(Picture.Decode(arithmetic, "a.jpg").Rgb.ToArray().Distinct().Count(), 8, 256);
    }

    [Theory]
    [InlineData(12, 0xC1, "precision 12")]
    [InlineData(8, 0xC3, "SOF type 0xc3")]
    public void A_JPEG_of_a_kind_that_is_not_read_is_named(int precision, int frame, string says)
    {
        var jpeg = new Picture(8, 8, new byte[192]).EncodeJpeg();
        var at = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        (jpeg[at + 1], jpeg[at + 4]) = ((byte)frame, (byte)precision);
        Assert.Contains(says, Assert.Throws<PictureException>(() => Picture.Decode(jpeg, "a.jpg")).Message);
    }

    [Fact]
    public void An_animated_PNG_is_its_still_picture_and_a_wrong_check_sum_is_named()
    {
        var still = new Picture(3, 2, [.. Enumerable.Range(0, 18).Select(i => (byte)(i * 9))]);
        var png = still.EncodePng();
        var animated = new MemoryStream();
        animated.Write(png.AsSpan(0, 33));
        Imaging.Png.WriteChunk(animated, "acTL"u8, [0, 0, 0, 1, 0, 0, 0, 0]);
        animated.Write(png.AsSpan(33));
        Assert.Equal(still.Rgb.ToArray(), Picture.Decode(animated.ToArray(), "a.png").Rgb.ToArray());
        png[^13] ^= 1;
        Assert.Contains("CRC of chunk IDAT", Assert.Throws<PictureException>(() => Picture.Decode(png, "a.png")).Message);
    }

    [Theory]
    [InlineData("\0\0\0\u0018ftypheic\0\0\0\0mif1", "HEIC")]
    [InlineData("\0\0\0\u0018ftypavif\0\0\0\0mif1", "AVIF")]
    [InlineData("II*\0\b\0\0\0", "TIFF")]
    [InlineData("\0\0\u0001\0\u0001\0", "ICO")]
    [InlineData("%PDF-1.4", "PDF")]
    [InlineData("<svg xmlns=\"x\"/>", "SVG")]
    [InlineData("<!DOCTYPE html><html>404</html>", "web page")]
    [InlineData("version https://git-lfs.github.com/spec/v1", "Git LFS")]
    [InlineData("8BPS\0\u0001", "Photoshop")]
    public void Other_formats_are_named(string start, string says) =>
        Assert.Contains(says, Assert.Throws<PictureException>(() => Picture.Decode([.. start.Select(c => (byte)c)], "a")).Message);
}
