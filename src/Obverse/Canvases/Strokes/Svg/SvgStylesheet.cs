using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Obverse;

/// <summary>What an element's attributes and an SVG's style elements declare for it: presentation attributes, then rules by type, class and id, then its own style (CSS Cascade 4, section 6).</summary>
internal sealed partial class SvgStylesheet
{
    private readonly List<string> unread = [];
    private readonly ILookup<string, Rule> rules; // by the id, else a class, else the type

    public SvgStylesheet(XElement root)
    {
        List<Rule> all = [];
        foreach (var style in root.Descendants().Where(element => element.Name.LocalName == "style")) all.AddRange(RulesOf(Comment().Replace(style.Value, " ")));
        rules = all.ToLookup(rule => rule.Ids.Concat(rule.Classes).Append(rule.Type ?? "*").First());
    }

    /// <summary>Selectors that are not read: combinators, attributes, pseudo-classes, and rules that begin with @.</summary>
    public IEnumerable<string> Unread => unread.Distinct();

    /// <summary>The element's declarations, of each the last one that counts; "inherit" is no declaration.</summary>
    public Dictionary<string, string> Declared(XElement element)
    {
        var declared = element.Attributes().Where(attribute => attribute.Name.Namespace == XNamespace.None).ToDictionary(attribute => attribute.Name.LocalName, attribute => attribute.Value.Trim());
        var own = Declarations(declared.GetValueOrDefault("style", ""));
        foreach (var one in Matching(element.Name.LocalName, declared).SelectMany(rule => rule.Declarations).Concat(own).OrderBy(one => one.IsImportant)) declared[one.Name] = one.Value;
        foreach (var name in declared.Where(pair => pair.Value is "inherit" or "unset").Select(pair => pair.Key).ToArray()) declared.Remove(name);
        return declared;
    }

    private IEnumerable<Rule> Matching(string type, Dictionary<string, string> attributes)
    {
        string[] classes = [.. attributes.GetValueOrDefault("class", "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Distinct().Select(name => "." + name)];
        string[] ids = attributes.TryGetValue("id", out var id) ? ["#" + id] : [];
        return ids.Concat(classes).Append(type).Append("*").SelectMany(key => rules[key])
            .Where(rule => (rule.Type is null || rule.Type == type) && rule.Classes.All(classes.Contains) && rule.Ids.All(ids.Contains))
            .OrderBy(rule => (rule.Ids.Length, rule.Classes.Length, rule.Type is null ? 0 : 1, rule.Order));
    }

    private IEnumerable<Rule> RulesOf(string css)
    {
        var order = 0;
        for (int at = 0, open; (open = css.IndexOfAny(['{', ';'], at)) >= 0;)
        {
            var head = css[at..open].Trim();
            var close = css[open] == ';' ? open : Close(css, open);
            if (head is ['@', ..]) unread.Add(head.Split((char[]?)null)[0]);
            else if (css[open] == '{')
            {
                var declarations = Declarations(css[(open + 1)..close]);
                foreach (var selector in head.Split(',', StringSplitOptions.TrimEntries))
                {
                    var parts = Selector().Match(selector);
                    string[] Of(int group) => [.. parts.Groups[group].Captures.Select(capture => capture.Value)];
                    if (parts.Success) yield return new(Of(1).FirstOrDefault(type => type != "*"), Of(2), Of(3), declarations, order++);
                    else unread.Add(selector);
                }
            }

            at = Math.Min(close + 1, css.Length);
        }
    }

    // The brace that ends a block, or the end of the text.
    private static int Close(string css, int open)
    {
        for (int at = open, depth = 0; at < css.Length; at++)
        {
            if (css[at] == '{') depth++;
            if (css[at] == '}' && --depth == 0) return at;
        }

        return css.Length;
    }

    private static Declaration[] Declarations(string text) => [.. text.Split(';').Select(part => part.Split(':', 2, StringSplitOptions.TrimEntries)).Where(part => part.Length == 2)
        .Select(part => Important().Match(part[1]) is { Success: true } mark ? new Declaration(part[0].ToLowerInvariant(), part[1][..mark.Index], true) : new(part[0].ToLowerInvariant(), part[1], false))];

    private sealed record Declaration(string Name, string Value, bool IsImportant);

    private sealed record Rule(string? Type, string[] Classes, string[] Ids, Declaration[] Declarations, int Order);

    [GeneratedRegex(@"/\*.*?(?:\*/|\z)", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^(?=.)(\*|[\w-]+)?(?:(\.[\w-]+)|(#[\w-]+))*$", RegexOptions.CultureInvariant)]
    private static partial Regex Selector();

    [GeneratedRegex(@"\s*!\s*important$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Important();
}
