using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Obverse.Tests;

/// <summary>A package's public types and members as one Markdown page, each with the summary of its XML documentation, its parameters and its errors.</summary>
internal static class ApiPage
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static (string Page, int Types) Of(Assembly assembly)
    {
        var summaries = XmlSummaries.Of(assembly);
        var types = assembly.GetExportedTypes().Where(type => !IsSynthesized(type)).OrderBy(type => type.Namespace, StringComparer.Ordinal).ThenBy(CSharpNames.Type, StringComparer.Ordinal).ToArray();
        var page = new StringBuilder($"# {assembly.GetName().Name}\n");
        foreach (var type in types)
        {
            page.Append($"\n## {CSharpNames.Type(type)}\n\n`{CSharpNames.Declaration(type)}`\n");
            if (summaries.Of(type) is { } summary) page.Append($"\n{summary}\n");
            var members = Members(type).Select(member => (Text: CSharpNames.Member(member), Summary: summaries.Of(member), Details: summaries.Details(member).ToArray(), IsOverride: IsOverride(member)))
                .Where(member => member.Summary is not null || !member.IsOverride).DistinctBy(member => member.Text).ToArray();
            if (members.Length > 0) page.Append('\n');
            foreach (var (text, said, details, _) in members)
            {
                page.Append($"- `{text}`{(said is null ? "" : $": {said}")}\n");
                foreach (var detail in details) page.Append($"  - {detail}\n");
            }
        }

        return (page.ToString(), types.Length);
    }

    /// <summary>What somebody wrote: no accessors, no overrides of object's methods, nothing that a record gets by itself.</summary>
    private static IEnumerable<MemberInfo> Members(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type)) return [];
        if (type.IsEnum) return type.GetFields(BindingFlags.Public | BindingFlags.Static);
        return type.GetMembers(Own)
            .Where(member => member is not Type && !IsSynthesized(member))
            .Where(member => member is not MethodInfo { IsSpecialName: true } method || method.Name.StartsWith("op_", StringComparison.Ordinal) && method.Name is not ("op_Equality" or "op_Inequality"))
            .Where(member => member is not MethodInfo { Name: "ToString" or "Equals" or "GetHashCode" or "Deconstruct" or "Dispose" or "DisposeAsync" or "GetEnumerator" })
            .OrderBy(Kind).ThenBy(member => CSharpNames.Member(member), StringComparer.Ordinal);
    }

    private static bool IsOverride(MemberInfo member) => (member as MethodInfo ?? (member as PropertyInfo)?.GetMethod) is { } method && method.GetBaseDefinition() != method;

    private static int Kind(MemberInfo member) => member switch
    {
        ConstructorInfo => 0,
        FieldInfo => 1,
        PropertyInfo => 2,
        EventInfo => 3,
        MethodInfo { IsSpecialName: true } => 5,
        _ => 4,
    };

    private static bool IsSynthesized(MemberInfo member) =>
        member.IsDefined(typeof(CompilerGeneratedAttribute), false) || member.Name.Contains('<') || member is ConstructorInfo { DeclaringType.IsAbstract: true };
}
