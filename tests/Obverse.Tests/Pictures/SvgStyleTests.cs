using Xunit;

namespace Obverse.Tests.Pictures;

/// <summary>What an SVG's strokes are drawn with: colours, opacities, widths and visibility by attribute, rule and style, inherited or not.</summary>
public class SvgStyleTests
{
    private const string Line = "d='M1 1L9 9'";

    [Theory]
    [InlineData("<path " + Line + " stroke='currentColor' color='#f00'/>", "1 0 0 1")]
    [InlineData("<path " + Line + " stroke='currentColor'/>", "0 0 0 1")]
    [InlineData("<g color='lime'><path " + Line + " stroke='currentColor'/></g>", "0 1 0 1")]
    [InlineData("<g stroke='currentColor' color='lime'><path " + Line + " color='#00f'/></g>", "0 0 1 1")]
    [InlineData("<path " + Line + " stroke='url(#g) #0f0'/>", "0 1 0 1")]
    [InlineData("<path " + Line + " stroke='transparent' fill='#0f0'/>", "0 1 0 1")]
    [InlineData("<path " + Line + " stroke='rgba(255,0,0,0.5)' stroke-opacity='.5'/>", "1 0 0 0.25")]
    [InlineData("<g stroke='#f00'><path " + Line + " stroke='inherit'/></g>", "1 0 0 1")]
    // stroke-opacity replaces what is inherited, opacity multiplies.
    [InlineData("<g stroke='#f00' stroke-opacity='.5'><path " + Line + " stroke-opacity='.25'/></g>", "1 0 0 0.25")]
    [InlineData("<g stroke='#f00' stroke-opacity='.5'><path " + Line + "/></g>", "1 0 0 0.5")]
    [InlineData("<g stroke='#f00' opacity='.5'><path " + Line + " opacity='50%' stroke-opacity='50%'/></g>", "1 0 0 0.125")]
    [InlineData("<path " + Line + " stroke='#f00' style='stroke-opacity:200%'/>", "1 0 0 1")]
    [InlineData("<path " + Line + " fill='#f00' fill-opacity='.5' stroke-opacity='.25'/>", "1 0 0 0.5")]
    // Attribute < type < class < id < style; the later of two equal rules; !important above all.
    [InlineData("<style>.a{stroke:#f00}</style><path class='a' " + Line + "/>", "1 0 0 1")]
    [InlineData("<style>path{stroke:#f00}</style><path stroke='#00f' " + Line + "/>", "1 0 0 1")]
    [InlineData("<style>.a{stroke:#f00} path{stroke:#00f}</style><path class='b a' " + Line + "/>", "1 0 0 1")]
    [InlineData("<style>#x{stroke:#f00} .a.b{stroke:#00f}</style><path id='x' class='a b' " + Line + "/>", "1 0 0 1")]
    [InlineData("<style>#x{stroke:#00f}</style><path id='x' style='stroke : #f00 ;' " + Line + "/>", "1 0 0 1")]
    [InlineData("<style>.a{stroke:#00f} .b{stroke:#f00}</style><path class='b a' " + Line + "/>", "1 0 0 1")]
    [InlineData("<style>.a{stroke:#f00 !important}</style><path class='a' style='stroke:#00f' " + Line + "/>", "1 0 0 1")]
    [InlineData("<style>line, .a, #y{STROKE:#f00}/* .a{stroke:#00f} */</style><g class='a'><path " + Line + "/></g>", "1 0 0 1")]
    [InlineData("<defs><style><![CDATA[ @import 'x.css'; @media print { path{stroke:#00f} } path.a{stroke:#f00;stroke-opacity:.5} g path{stroke:#0f0} ]]></style></defs><path class='a' " + Line + "/>", "1 0 0 0.5")]
    [InlineData("<style>*{stroke:#f00}</style><path " + Line + "/>", "1 0 0 1")]
    public void A_stroke_has_the_colour_that_other_programs_give_it(string content, string rgba)
    {
        var stroke = Assert.Single(Read(content));
        Assert.Equal(rgba, FormattableString.Invariant($"{stroke.Color[0]} {stroke.Color[1]} {stroke.Color[2]} {stroke.Color[3]}"));
    }

    [Theory]
    [InlineData("<g display='none'><path " + Line + " stroke='red'/></g>", 0)]
    [InlineData("<path style='display:none' " + Line + " stroke='red'/>", 0)]
    [InlineData("<style>.a{display:none}</style><g class='a'><g display='inline'><path " + Line + " stroke='red'/></g></g>", 0)]
    [InlineData("<g visibility='hidden' stroke='red'><path " + Line + "/><path " + Line + " visibility='visible'/></g>", 1)]
    [InlineData("<path visibility='collapse' " + Line + " stroke='red'/>", 0)]
    [InlineData("<path " + Line + " stroke='red' stroke-width='0'/>", 0)]
    [InlineData("<path " + Line + " fill='red' stroke-width='0'/>", 1)] // the outline of a fill
    [InlineData("<line x1='1' y2='5' fill='red'/>", 0)]
    [InlineData("<path " + Line + " stroke='none' fill='NONE'/>", 0)]
    [InlineData("<path " + Line + " stroke='transparent' fill='none'/>", 0)]
    public void What_is_not_seen_is_not_drawn(string content, int strokes)
    {
        var read = Read(content + "<path d='M0 0L1 1' stroke='blue'/>");
        Assert.Equal(strokes + 1, read.Length);
    }

    [Theory]
    [InlineData("stroke-width='4'", 2)]
    [InlineData("stroke-width='4px'", 2)]
    [InlineData("stroke-width='1in'", 48)]
    [InlineData("stroke-width='25.4mm'", 48)]
    [InlineData("stroke-width='9pt'", 6)]
    [InlineData("stroke-width='1pc'", 8)]
    [InlineData("stroke-width='10%'", 5)] // of 100 x 100
    [InlineData("stroke-width='-4'", 0.5)] // no width: 1 as inherited
    [InlineData("style='stroke-width:4' transform='scale(2 8)'", 8)]
    [InlineData("class='w'", 3)]
    public void A_width_is_read_in_its_unit(string attributes, double half) =>
        Assert.Equal(Math.Max(1, half), Assert.Single(Read($"<style>.w{{stroke-width:6}}</style><path d='M0 0L1 1' stroke='red' {attributes}/>", 100)).Width, 1e-5);

    [Theory]
    [InlineData("<path id='leaf' d='M0 0L1 1' stroke='hotpnk'/>", "x.svg: line 1, <path id=\"leaf\">: the stroke 'hotpnk' is no colour")]
    [InlineData("\n<polygon points='0 0 1 1 2 0' fill='lab(1 2 3)'/>", "x.svg: line 2, <polygon>: the fill 'lab(1 2 3)' is no colour")]
    [InlineData("<path d='M0 0L1 1' stroke='red' stroke-opacity='half'/>", "<path>: the stroke-opacity 'half' is no number")]
    [InlineData("<path d='M0 0L1 1' stroke='red' stroke-width='2 cats'/>", "<path>: the stroke-width '2 cats' is no length")]
    [InlineData("<path d='M0 0L1 1' stroke='url(#g)'/><text/>", "not read: path with a gradient or pattern, text")]
    public void What_cannot_be_read_is_named(string content, string says)
    {
        var wrong = Assert.Throws<InvalidDataException>(() => Read(content)).Message;
        Assert.Contains(says, wrong, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', wrong);
    }

    private static StrokePath[] Read(string content, int side = 10) => SvgStrokes.Read($"<svg viewBox='0 0 {side} {side}'>{content}</svg>", "x.svg", side, side);
}
