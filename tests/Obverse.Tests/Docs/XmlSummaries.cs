using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Obverse.Jobs;

namespace Obverse.Tests;

/// <summary>The summaries of an assembly's XML documentation as lines of Markdown, by the compiler's names of its members.</summary>
internal sealed partial class XmlSummaries
{
    private readonly Dictionary<string, XElement> members;

    private XmlSummaries(Dictionary<string, XElement> members) => this.members = members;

    public static XmlSummaries Of(Assembly assembly)
    {
        var file = Path.ChangeExtension(assembly.Location, ".xml");
        return new(XDocument.Load(file).Descendants("member").ToDictionary(member => member.Attribute("name")!.Value, StringComparer.Ordinal));
    }

    public string? Of(MemberInfo member) => Text(Element(member)?.Element("summary")) ?? OfParameter(member);

    /// <summary>A line for every parameter of a method that is described, and for every error of a member.</summary>
    public IEnumerable<string> Details(MemberInfo member)
    {
        foreach (var param in member is MethodInfo ? Element(member)?.Elements("param") ?? [] : []) if (Text(param) is { } text) yield return $"`{param.Attribute("name")?.Value}`: {text}";
        foreach (var error in Element(member)?.Elements("exception") ?? []) yield return $"throws `{Short(error.Attribute("cref")?.Value ?? "")}`{(Text(error) is { } when ? $": {when}" : "")}";
    }

    // Its own, or what it takes over from another member of the assembly.
    private XElement? Element(MemberInfo member) => members.GetValueOrDefault(Id(member)) is not { } own ? null
        : own.Element("inheritdoc")?.Attribute("cref")?.Value is { } other && members.GetValueOrDefault(other) is { } inherited ? inherited : own;

    /// <summary>A positional record's properties are described as parameters of the type, or of its constructor.</summary>
    private string? OfParameter(MemberInfo member) => member is PropertyInfo { DeclaringType: { } type }
        ? Text(members.GetValueOrDefault(Id(type))?.Elements("param").FirstOrDefault(param => param.Attribute("name")?.Value == member.Name))
        : null;

    private static string? Text(XElement? element)
    {
        if (element is null) return null;
        var text = Space().Replace(string.Concat(element.Nodes().Select(Inline)), " ").Trim();
        return text.Length == 0 ? null : text;
    }

    private static string Inline(XNode node) => node switch
    {
        XText text => text.Value.Replace("<", "&lt;", StringComparison.Ordinal),
        XElement { Name.LocalName: "see" or "seealso" } see => see.Attribute("href") is { } href
            ? $"[{(see.Value.Length > 0 ? see.Value : href.Value)}]({href.Value})"
            : $"`{Short((see.Attribute("cref") ?? see.Attribute("langword"))?.Value ?? see.Value)}`",
        XElement { Name.LocalName: "paramref" or "typeparamref" } reference => $"`{reference.Attribute("name")?.Value}`",
        XElement { Name.LocalName: "c" or "code" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "para" or "br" } paragraph => " " + string.Concat(paragraph.Nodes().Select(Inline)) + " ",
        XElement other => string.Concat(other.Nodes().Select(Inline)),
        _ => "",
    };

    /// <summary><c>M:Obverse.Views.Scale(System.Double)</c> is <c>Views.Scale</c>, <c>T:Obverse.Views</c> is <c>Views</c>.</summary>
    private static string Short(string cref)
    {
        if (cref.Length < 2 || cref[1] != ':') return cref;
        var parts = Arity().Replace(cref[2..].Split('(')[0], "").Split('.');
        return cref[0] is 'T' or '!' || parts.Length < 2 ? parts[^1] : parts[^1] == "#ctor" ? parts[^2] : $"{parts[^2]}.{parts[^1]}";
    }

    /// <summary>The compiler's name (C# specification, annex D.4.2).</summary>
    private static string Id(MemberInfo member) => member switch
    {
        Type type => "T:" + Name(type),
        FieldInfo => $"F:{Name(member.DeclaringType!)}.{member.Name}",
        EventInfo => $"E:{Name(member.DeclaringType!)}.{member.Name}",
        PropertyInfo property => $"P:{Name(member.DeclaringType!)}.{member.Name}{Parameters(property.GetIndexParameters())}",
        ConstructorInfo constructor => $"M:{Name(member.DeclaringType!)}.#ctor{Parameters(constructor.GetParameters())}",
        MethodInfo method => $"M:{Name(member.DeclaringType!)}.{member.Name}{(method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "")}{Parameters(method.GetParameters())}"
            + (method.Name is "op_Implicit" or "op_Explicit" ? "~" + Argument(method.ReturnType) : ""),
        _ => member.Name,
    };

    private static string Name(Type type) => (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Replace('+', '.');

    private static string Parameters(ParameterInfo[] parameters) => parameters.Length == 0 ? "" : $"({string.Join(',', parameters.Select(parameter => Argument(parameter.ParameterType)))})";

    private static string Argument(Type type)
    {
        if (type.IsGenericParameter) return (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition;
        if (type.IsByRef) return Argument(type.GetElementType()!) + "@";
        if (type.IsPointer) return Argument(type.GetElementType()!) + "*";
        if (type.IsArray) return Argument(type.GetElementType()!) + (type.GetArrayRank() == 1 ? "[]" : $"[{string.Join(',', Enumerable.Repeat("0:", type.GetArrayRank()))}]");
        return type.IsGenericType ? $"{Arity().Replace(Name(type), "")}{{{string.Join(',', type.GetGenericArguments().Select(Argument))}}}" : Name(type);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();

    [GeneratedRegex(@"`+\d+")]
    private static partial Regex Arity();
}
