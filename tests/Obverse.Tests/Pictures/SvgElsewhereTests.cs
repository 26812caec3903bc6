using System.Globalization;
using System.Xml.Linq;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Torch;
using SkiaSharp;
using Xunit;

namespace Obverse.Tests.Pictures;

/// <summary>The SVG of a drawing shows the same picture in other programs: here Skia draws it; bench/svg.sh asks resvg.</summary>
public class SvgElsewhereTests
{
    [Theory]
    [InlineData(64, 224, 1)]
    [InlineData(256, 224, 1)]
    [InlineData(64, 224, 6)]
    public void Random_strokes_look_the_same(int count, int side, double width)
    {
        using var scope = new TensorScope();
        using var random = new Generator(3);
        using var canvas = (StrokeCanvas)new Strokes(count, width).Create(1, side, side, random);
        var ours = canvas.ToPicture(side, side, (side, side));
        var theirs = Draw(XDocument.Parse(canvas.ToSvg()).Root!, side);
        var psnr = ImageQuality.Psnr(ours, theirs);
        Assert.True(psnr >= 30, $"{count} strokes: {psnr:F1} dB");
    }

    private static Picture Draw(XElement svg, int side)
    {
        using var bitmap = new SKBitmap(side, side, SKColorType.Rgba8888, SKAlphaType.Premul);
        using var paper = new SKCanvas(bitmap);
        paper.Clear(SKColors.White);
        foreach (var path in svg.Descendants().Where(element => element.Name.LocalName == "path"))
        {
            string Of(string name) => path.Attribute(name)!.Value;
            float Number(string name) => float.Parse(Of(name), CultureInfo.InvariantCulture);
            using var curve = SKPath.ParseSvgPathData(Of("d"));
            using var pen = new SKPaint { IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeCap = SKStrokeCap.Round, StrokeJoin = SKStrokeJoin.Round, StrokeWidth = Number("stroke-width"), Color = SKColor.Parse(Of("stroke")).WithAlpha((byte)Math.Round(255 * Number("stroke-opacity"))) };
            paper.DrawPath(curve, pen);
        }

        var rgba = bitmap.Bytes;
        return new Picture(side, side, [.. Enumerable.Range(0, side * side).SelectMany(i => (byte[])[rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]])]);
    }
}
