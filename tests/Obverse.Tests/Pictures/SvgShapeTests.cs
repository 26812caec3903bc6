using Xunit;

namespace Obverse.Tests.Pictures;

/// <summary>Where an SVG's strokes lie: shapes, arcs, units and transforms, against places worked out by hand.</summary>
public class SvgShapeTests
{
    [Theory]
    [InlineData("<rect x='1' y='2' width='3' height='4'/>", "1 2, 4 2, 4 6, 1 6, 1 2")]
    [InlineData("<rect x='10%' width='2in' height='1cm'/>", "10 0, 202 0, 202 37.795, 10 37.795, 10 0")]
    [InlineData("<rect width='8' height='6' rx='2'/>", "2 0, 6 0, 8 2, 8 4, 6 6, 2 6, 0 4, 0 2, 2 0")]
    [InlineData("<rect width='8' height='6' rx='9' ry='1'/>", "4 0, 4 0, 8 1, 8 5, 4 6, 4 6, 0 5, 0 1, 4 0")]
    [InlineData("<circle cx='5' cy='6' r='2'/>", "7 6, 5 8, 3 6, 5 4, 7 6")]
    [InlineData("<ellipse cx='5' cy='6' rx='2' ry='1'/>", "7 6, 5 7, 3 6, 5 5, 7 6")]
    [InlineData("<ellipse cx='5' cy='6' ry='1'/>", "6 6, 5 7, 4 6, 5 5, 6 6")]
    [InlineData("<polygon points='0,0 4,0 4,3'/>", "0 0, 4 0, 4 3, 0 0")]
    [InlineData("<line x1='1mm' y1='1pt' x2='50%' y2='2'/>", "3.78 1.333, 50 2")]
    [InlineData("<path d='M0 0A5 5 0 0 1 10 0'/>", "0 0, 5 -5, 10 0")] // over the top
    [InlineData("<path d='M0 0A5 5 0 0 0 10 0'/>", "0 0, 5 5, 10 0")]
    [InlineData("<path d='M1 1a5 5 0 1 1 5 5'/>", "1 1, 6 -4, 11 1, 6 6")] // three quarters about (6, 1)
    [InlineData("<path d='M1 1a5 5 0 015 5'/>", "1 1, 6 6")] // flags that nothing follows; one quarter
    [InlineData("<path d='M0 0A1 1 0 0 1 10 0'/>", "0 0, 5 -5, 10 0")] // radii too small grow
    [InlineData("<path d='M0 0A20 10 90 0 1 20 0'/>", "0 0, 10 -20, 20 0")] // half of an upright ellipse of radii 10 and 20
    [InlineData("<path d='M0 0A0 5 0 0 1 4 0L4 4'/>", "0 0, 4 0, 4 4")]
    [InlineData("<path d='M0 0A5 5 0 0 1 0 0L4 4'/>", "0 0, 4 4")]
    [InlineData("<path transform='skewX(45)' d='M1 2L3 4'/>", "3 2, 7 4")]
    [InlineData("<path transform='skewY(45)' d='M1 2L3 4'/>", "1 3, 3 7")]
    [InlineData("<path transform='translate(10), rotate(90 1 1)' d='M1 1L2 1'/>", "11 1, 11 2")]
    [InlineData("<path style='transform:translate(3px,4px) rotate(90deg)' d='M0 0L2 1'/>", "3 4, 2 6")]
    [InlineData("<defs><path id='p' d='M1 2L3 4'/></defs><use href='#p' x='10' y='20'/>", "11 22, 13 24")]
    [InlineData("<defs><g id='g' transform='scale(2)'><path d='M1 2L3 4'/></g></defs><use xlink:href='#g' x='10' transform='translate(0 5)'/>", "12 9, 16 13")]
    [InlineData("<symbol id='s' viewBox='0 0 2 2'><path d='M0 0L2 2'/></symbol><use href='#s' x='10' width='40' height='20'/>", "20 0, 40 20")] // xMidYMid meet
    [InlineData("<symbol id='s' viewBox='0 0 2 2' preserveAspectRatio='xMinYMax slice'><path d='M0 0L2 2'/></symbol><use href='#s' width='40' height='20'/>", "0 -20, 40 20")]
    [InlineData("<symbol id='s' width='10' height='10' viewBox='0 0 5 5'><path d='M0 0L2 2'/></symbol><use href='#s'/>", "0 0, 4 4")]
    [InlineData("<svg x='10' y='20' width='50' height='20' viewBox='1 1 2 2' preserveAspectRatio='none'><path d='M1 1L3 3'/></svg>", "10 20, 60 40")]
    [InlineData("<svg x='10' width='50%' height='50%'><line x2='10%' y2='50%'/></svg>", "10 0, 15 25")]
    [InlineData("<svg viewBox='0 0 200 100'><path d='M0 0L2 2'/></svg>", "0 25, 1 26")]
    public void A_shape_lies_where_it_should(string element, string ends)
    {
        var stroke = Assert.Single(Read($"<g stroke='red'>{element}</g>"));
        var read = stroke.Points.Chunk(2).Where((_, k) => k % 3 == 0).Select(point => FormattableString.Invariant($"{Near(point[0])} {Near(point[1])}"));
        Assert.Equal(ends, string.Join(", ", read));
        static double Near(float place) => Math.Round(place, 3) + 0.0;
    }

    [Theory]
    [InlineData("0 1", 1)]
    [InlineData("1 0", 3)]
    public void An_arc_stays_on_its_ellipse(string flags, int quarters)
    {
        // About (50, 50), from the end of its long half axis, 40 at 30 degrees, to that of its short one, 20.
        var p = Assert.Single(Read($"<path stroke='red' d='M84.641016 70A40 20 30 {flags} 40 67.320508'/>")).Points;
        Assert.Equal(2 + 6 * quarters, p.Length);
        var (sin, cos) = Math.SinCos(Math.PI / 6);
        for (var i = 0; i <= 8 * quarters; i++)
        {
            var from = Math.Min(i / 8, quarters - 1);
            var (x, y) = (At(p, 6 * from, i / 8.0 - from) - 50, At(p, 6 * from + 1, i / 8.0 - from) - 50);
            Assert.Equal(1, Math.Sqrt(Math.Pow((cos * x + sin * y) / 40, 2) + Math.Pow((cos * y - sin * x) / 20, 2)), 3e-4);
        }
    }

    [Theory]
    [InlineData("width='20' height='10'", 20, 10)]
    [InlineData("width='25.4mm' height='5.08cm'", 96, 192)]
    [InlineData("width='1in' height='72pt'", 96, 96)]
    [InlineData("width='6pc' height='48px'", 96, 48)]
    [InlineData("width='100%' height='30'", 224, 30)]
    [InlineData("", 224, 224)]
    [InlineData("width='auto' height='0'", 224, 224)]
    [InlineData("width='30mm' height='20mm' viewBox='0 0 30 20'", 30, 20)]
    public void An_SVG_has_the_size_that_its_units_give(string attributes, int width, int height) => Assert.Equal((width, height), SvgStrokes.SizeOf($"<svg {attributes}/>", "x.svg"));

    [Theory]
    [InlineData("<polyline points=''/>")]
    [InlineData("<polygon points=' '/>")]
    [InlineData("<path d=''/>")]
    [InlineData("<path/>")]
    [InlineData("<path d='none'/>")]
    [InlineData("<path d='M5 5'/>")]
    [InlineData("<rect width='5'/>")]
    [InlineData("<circle r='0'/>")]
    [InlineData("<ellipse rx='3' ry='0'/>")]
    [InlineData("<svg width='0'><path d='M0 0L1 1'/></svg>")]
    [InlineData("<symbol><path d='M0 0L1 1'/></symbol>")]
    [InlineData("<use href='#nowhere'/>")]
    [InlineData("<use href='other.svg#p'/>")]
    [InlineData("<use/>")]
    public void An_empty_shape_draws_nothing(string element) => Assert.Single(Read($"<g stroke='red'>{element}<path d='M0 0L1 1'/></g>"));

    [Theory]
    [InlineData("<path id='a' d='M0 0L1e999 1'/>", "x.svg: line 1, <path id=\"a\">: the number 1e999 is too large")]
    [InlineData("<polyline points='0 0 1 1e39'/>", "<polyline>: the number 1e39 is too large")]
    [InlineData("<line x2='1e38in'/>", "<line>: the number 1e38 is too large")]
    [InlineData("<g transform='scale(1e30)'><path d='M0 0L1e30 1'/></g>", "<path>: a point is at (")]
    [InlineData("<g transform='scale(1e38)'><g transform='scale(1e38)'><g transform='scale(1e38) scale(1e38) scale(1e38) scale(1e38) scale(1e38) scale(1e38) scale(1e38)'><path d='M0 0L1 1'/></g></g></g>", "<path>: a point is at")]
    [InlineData("<path transform='rotate3d(1,1,1,45deg)' d='M0 0L1 1'/>", "the transform 'rotate3d(1,1,1,45deg)' is not read")]
    [InlineData("<path transform='rotate(1rad)' d='M0 0L1 1'/>", "the transform 'rotate(1rad)' is not read")]
    [InlineData("<path transform='translate(1 2) cat' d='M0 0L1 1'/>", "the transform 'cat' is not read")]
    [InlineData("<path transform='scale()' d='M0 0L1 1'/>", "the transform 'scale()' is not read")]
    [InlineData("<path d='M0 0A1 1 0 2 0 3 3'/>", "<path>: 3 numbers after the path command 'A'; a multiple of 7 was wanted")]
    [InlineData("<rect width='3 cats' height='2'/>", "<rect>: the width '3 cats' is no length")]
    [InlineData("<g id='a'><use href='#a'/></g>", "x.svg: groups are nested too deeply, or an element uses itself")]
    [InlineData("<svg viewBox='0 0 1 1' preserveAspectRatio='left'><path d='M0 0L1 1'/></svg>", "line 1, <svg>: the preserveAspectRatio 'left' is not read")]
    public void What_cannot_be_placed_is_named(string element, string says)
    {
        var wrong = Assert.Throws<InvalidDataException>(() => Read($"<g stroke='red'>{element}</g>")).Message;
        Assert.Contains(says, wrong, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong);
    }

    [Fact]
    public void Uses_of_uses_end()
    {
        var levels = string.Concat(Enumerable.Range(1, 40).Select(k => $"<g id='l{k}'><use href='#l{k - 1}'/><use href='#l{k - 1}'/></g>"));
        Assert.Contains("elements, each as often as it is used", Assert.Throws<InvalidDataException>(() => Read($"<defs><g id='l0'/>{levels}</defs><use href='#l30'/>")).Message, StringComparison.Ordinal);
    }

    private static StrokePath[] Read(string content) => SvgStrokes.Read($"<svg viewBox='0 0 100 100' xmlns:xlink='http://www.w3.org/1999/xlink'>{content}</svg>", "x.svg", 100, 100);

    private static double At(float[] p, int k, double t) => (1 - t) * (1 - t) * (1 - t) * p[k] + 3 * t * (1 - t) * (1 - t) * p[k + 2] + 3 * t * t * (1 - t) * p[k + 4] + t * t * t * p[k + 6];
}
