using System.Globalization;
using System.Text;

namespace Obverse.Evaluation;

/// <summary>Rows of results, for readers as Markdown and for programs as CSV (RFC 4180).</summary>
public static class ResultTable
{
    public static string Markdown(IEnumerable<string> columns, IEnumerable<IEnumerable<string>> rows)
    {
        string[] names = [.. columns];
        var text = new StringBuilder();
        foreach (var row in rows.Prepend(names.Select(_ => "---")).Prepend(names)) text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", row)} |\n");
        return text.ToString();
    }

    /// <param name="columns">The first line.</param>
    /// <param name="rows">A line each, as it stands; texts among its values are quoted where they must be.</param>
    public static string Csv(string columns, IEnumerable<FormattableString> rows) => string.Concat(rows
        .Select(row => string.Format(CultureInfo.InvariantCulture, row.Format, [.. row.GetArguments().Select(value => value is string text ? Quoted(text) : value)]) + "\n").Prepend(columns + "\n"));

    private static string Quoted(string text) => text.AsSpan().IndexOfAny(",\"\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
