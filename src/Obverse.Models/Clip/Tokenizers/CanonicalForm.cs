using System.Globalization;
using System.Text;

namespace Obverse.Models;

/// <summary>
/// Unicode's composed form, NFC (UAX 15), of one version of Unicode on every machine. .NET's own <c>Normalize</c> leaves text as it is under invariant globalization (.NET 10 too), asks
/// ICU otherwise, without which a program does not start (36 MB on Debian, no app-local package), and throws at half a surrogate pair. The table is 13 KB, packed.
/// </summary>
internal static class CanonicalForm
{
    private const int Leads = 0x1100, Vowels = 0x1161, Tails = 0x11a7, Syllables = 0xac00;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28, SyllableCount = LeadCount * VowelCount * TailCount;

    private static readonly Dictionary<int, int[]> Parts = [];
    private static readonly Dictionary<(int, int), int> Wholes = [];
    private static readonly Dictionary<int, int> Classes = [];

    static CanonicalForm()
    {
        foreach (var line in EmbeddedTable.Lines("canonical-forms.txt"))
        {
            var (kind, rest) = (line[..line.IndexOf(' ', StringComparison.Ordinal)], line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
            var (left, right) = (rest[..rest.IndexOf('=', StringComparison.Ordinal)], rest[(rest.IndexOf('=', StringComparison.Ordinal) + 1)..]);
            if (kind == "class")
            {
                var ends = left.Split("..");
                for (var point = Hex(ends[0]); point <= Hex(ends[1]); point++) Classes[point] = int.Parse(right, CultureInfo.InvariantCulture);
                continue;
            }

            var parts = right.TrimEnd('!').Split(' ').Select(Hex).ToArray();
            Parts[Hex(left)] = parts;
            if (!right.EndsWith('!')) Wholes[(parts[0], parts[1])] = Hex(left);
        }
    }

    public static string Compose(string text)
    {
        // Below U+0300 every text is composed already.
        if (text.AsSpan().IndexOfAnyInRange('\u0300', '\uffff') < 0) return text;
        var points = new List<int>(text.Length);
        for (var at = 0; at < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
            Decompose(rune.Value, points);
            at += length;
        }

        Order(points);
        Join(points);
        var composed = new StringBuilder(text.Length);
        foreach (var point in points) composed.Append(new Rune(point).ToString());
        return composed.ToString();
    }

    private static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static int Class(int point) => point < 0x300 ? 0 : Classes.GetValueOrDefault(point);

    private static void Decompose(int point, List<int> into)
    {
        if (point is >= Syllables and < Syllables + SyllableCount)
        {
            var index = point - Syllables;
            into.Add(Leads + (index / (VowelCount * TailCount)));
            into.Add(Vowels + (index % (VowelCount * TailCount) / TailCount));
            if (index % TailCount > 0) into.Add(Tails + (index % TailCount));
        }
        else if (Parts.TryGetValue(point, out var parts))
        {
            foreach (var part in parts) Decompose(part, into);
        }
        else
        {
            into.Add(point);
        }
    }

    /// <summary>Sorts each run of marks by class, keeping the order of equals. Runs are short, but for mischief: thousands of marks on one letter must not cost their square.</summary>
    private static void Order(List<int> points)
    {
        for (var from = 0; from < points.Count; from++)
        {
            if (Class(points[from]) == 0) continue;
            var (end, sorted) = (from + 1, true);
            for (; end < points.Count && Class(points[end]) is var rank and > 0; end++) sorted &= Class(points[end - 1]) <= rank;
            if (!sorted)
            {
                var run = points.GetRange(from, end - from).OrderBy(Class).ToList(); // a stable sort
                for (var i = 0; i < run.Count; i++) points[from + i] = run[i];
            }

            from = end;
        }
    }

    private static void Join(List<int> points)
    {
        var (starter, last, kept) = (-1, 0, 0);
        for (var i = 0; i < points.Count; i++)
        {
            var (point, rank) = (points[i], Class(points[i]));

            // A mark reaches its starter only past marks of a lower class; a starter, only where nothing lies between.
            var adjacent = starter >= 0 && starter == kept - 1;
            if (starter >= 0 && (adjacent || (last != 0 && last < rank)) && Whole(points[starter], point) is { } whole)
            {
                points[starter] = whole;
                continue;
            }

            if (rank == 0) starter = kept;
            last = rank;
            points[kept++] = point;
        }

        points.RemoveRange(kept, points.Count - kept);
    }

    private static int? Whole(int first, int second)
    {
        if (first is >= Leads and < Leads + LeadCount && second is >= Vowels and < Vowels + VowelCount)
        {
            return Syllables + ((((first - Leads) * VowelCount) + second - Vowels) * TailCount);
        }

        if (first is >= Syllables and < Syllables + SyllableCount && (first - Syllables) % TailCount == 0 && second is > Tails and < Tails + TailCount)
        {
            return first + second - Tails;
        }

        return Wholes.TryGetValue((first, second), out var whole) ? whole : null;
    }
}
