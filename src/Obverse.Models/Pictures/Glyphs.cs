namespace Obverse.Models;

/// <summary>A small typeface: ASCII on a grid of 5 x 8 dots (row 6 is the baseline, row 7 hangs below), whose neighbouring dots are joined into strokes that can be drawn smoothly at any size.</summary>
internal static class Glyphs
{
    // Five columns a character from space to ~, the lowest bit on top.
    private static readonly byte[] Columns = Convert.FromHexString(
        "0000000000" + "00005F0000" + "0007000700" + "147F147F14" + "242A7F2A12" + "2313086462" + "3649562050" + "0000070000" +   //   ! " # $ % & '
        "001C224100" + "0041221C00" + "2A1C7F1C2A" + "08083E0808" + "0080600000" + "0008080808" + "0000400000" + "2010080402" +   // ( ) * + , - . /
        "3E4141413E" + "00427F4000" + "4261514946" + "2241494936" + "1814127F10" + "2745454539" + "3C4A494930" + "0171090503" +   // 0 1 2 3 4 5 6 7
        "3649494936" + "064949291E" + "0000240000" + "0080640000" + "0814224100" + "1414141414" + "0041221408" + "0201510906" +   // 8 9 : ; < = > ?
        "3E415D551E" + "7C1211127C" + "7F49494936" + "3E41414122" + "7F4141413E" + "7F49494941" + "7F09090901" + "3E4149493A" +   // @ A B C D E F G
        "7F0808087F" + "00417F4100" + "204040403F" + "7F08142241" + "7F40404040" + "7F0204027F" + "7F0408107F" + "3E4141413E" +   // H I J K L M N O
        "7F09090906" + "3E4151215E" + "7F09192946" + "2649494932" + "01017F0101" + "3F4040403F" + "1F2040201F" + "3F4030403F" +   // P Q R S T U V W
        "6314081463" + "0708700807" + "6151494543" + "007F414100" + "0204081020" + "0041417F00" + "0402010204" + "8080808080" +   // X Y Z [ \ ] ^ _
        "0001020000" + "2054545478" + "7F48444438" + "3844444428" + "384444487F" + "3854545418" + "00087E0901" + "18A4A4A47C" +   // ` a b c d e f g
        "7F08040478" + "00007D0000" + "000080847D" + "7F10284400" + "00013F4000" + "7C04780478" + "7C08040478" + "3844444438" +   // h i j k l m n o
        "FC24242418" + "18242424FC" + "7C08040408" + "4854545424" + "00043F4424" + "3C4040207C" + "1C2040201C" + "3C4030403C" +   // p q r s t u v w
        "4428102844" + "1CA0A0A07C" + "4464544C44" + "0008364100" + "00007F0000" + "0041360800" + "0804081008");                  // x y z { | } ~

    private static readonly byte[] Unknown = [0x7F, 0x41, 0x41, 0x41, 0x7F];

    private static readonly Dictionary<char, Glyph> Made = [];

    /// <param name="Strokes">From dot to dot; a stroke of no length is a single dot.</param>
    /// <param name="Advance">Dots to the next character.</param>
    public sealed record Glyph((int X0, int Y0, int X1, int Y1)[] Strokes, int Advance);

    public static Glyph Of(char character)
    {
        lock (Made)
        {
            if (!Made.TryGetValue(character, out var glyph)) Made[character] = glyph = Make(character);
            return glyph;
        }
    }

    // Written out, because Unicode decomposition is not there under InvariantGlobalization.
    private const string Accented = "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöøùúûüýÿ‘’“”–—−×·\t";
    private const string Bare = "AAAAAACEEEEIIIINOOOOOOUUUUYaaaaaaceeeeiiiinoooooouuuuyy''\"\"---x. ";

    /// <summary>Accents dropped and typographic characters in their ASCII spelling; what is still unknown shows as a box.</summary>
    public static string Plain(string text)
    {
        if (System.Text.Ascii.IsValid(text) && !text.Contains('\t')) return text;
        return string.Concat(text.Replace("…", "...").Replace("ß", "ss").Select(c => Accented.IndexOf(c) is var at and >= 0 ? Bare[at] : c));
    }

    private static Glyph Make(char character)
    {
        if (character == ' ') return new Glyph([], 4);
        var columns = character is > ' ' and <= '~' ? Columns.AsSpan((character - ' ') * 5, 5).ToArray() : Unknown;
        int left = Array.FindIndex(columns, c => c != 0), right = Array.FindLastIndex(columns, c => c != 0);
        bool Lit(int x, int y) => x is >= 0 and < 5 && y is >= 0 and < 8 && (columns[x] >> y & 1) != 0;
        var strokes = new List<(int, int, int, int)>();
        for (var x = 0; x < 5; x++)
        {
            for (var y = 0; y < 8; y++)
            {
                if (!Lit(x, y)) continue;
                var joined = false;
                foreach (var (dx, dy) in ((int, int)[])[(1, 0), (0, 1), (1, 1), (1, -1), (-1, 0), (0, -1), (-1, -1), (-1, 1)])
                {
                    // A diagonal only where no corner of dots already joins the two.
                    if (!Lit(x + dx, y + dy) || (dx != 0 && dy != 0 && (Lit(x + dx, y) || Lit(x, y + dy)))) continue;
                    joined = true;
                    if (dx > 0 || (dx == 0 && dy > 0)) strokes.Add((x - left, y, x + dx - left, y + dy));
                }

                if (!joined) strokes.Add((x - left, y, x - left, y));
            }
        }

        return new Glyph([.. strokes], right - left + 2);
    }
}
