using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Obverse.Tests;

/// <summary>Types and members as C# writes them, short: no namespaces, no attributes.</summary>
internal static class CSharpNames
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short", [typeof(ushort)] = "ushort",
        [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double",
        [typeof(decimal)] = "decimal", [typeof(char)] = "char", [typeof(string)] = "string", [typeof(object)] = "object",
    };

    private static readonly NullabilityInfoContext Nullability = new();

    public static string Type(Type type) => Named(type, null);

    public static string Declaration(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type)) return $"delegate {Method(type.GetMethod("Invoke")!, Type(type))}";
        var kind = type.IsEnum ? "enum"
            : type.IsInterface ? "interface"
            : type.IsValueType ? (type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "") + (type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is null ? "struct" : "record struct")
            : (type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") + (type.GetMethod("<Clone>$") is null ? "class" : "record");
        var inherited = type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && !type.IsEnum ? $" : {Type(parent)}" : "";
        return $"{kind} {Type(type)}{inherited}";
    }

    public static string Member(MemberInfo member) => member switch
    {
        FieldInfo { DeclaringType.IsEnum: true } field => field.Name,
        FieldInfo { IsLiteral: true } field => $"const {Named(field.FieldType, null)} {field.Name} = {Value(field.GetRawConstantValue())}",
        FieldInfo field => $"{(field.IsStatic ? "static " : "")}{Named(field.FieldType, Nullability.Create(field))} {field.Name}",
        PropertyInfo property => Property(property),
        EventInfo @event => $"event {Named(@event.EventHandlerType!, null)} {@event.Name}",
        ConstructorInfo constructor => $"new {Type(constructor.DeclaringType!)}({Parameters(constructor)})",
        MethodInfo method => (method.IsStatic ? "static " : method.IsAbstract ? "abstract " : method.IsVirtual && !method.IsFinal && method.GetBaseDefinition() == method ? "virtual " : "") + Method(method, method.Name),
        _ => member.Name,
    };

    private static string Property(PropertyInfo property)
    {
        var accessor = property.GetMethod ?? property.SetMethod!;
        var set = property.SetMethod is not { IsPublic: true } setter ? ""
            : setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? " init;" : " set;";
        var index = property.GetIndexParameters();
        var name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
        var required = property.CustomAttributes.Any(mark => mark.AttributeType.Name == "RequiredMemberAttribute") ? "required " : "";
        return $"{(accessor.IsStatic ? "static " : "")}{required}{Named(property.PropertyType, Nullability.Create(property))} {name} {{{(property.GetMethod is { IsPublic: true } ? " get;" : "")}{set} }}";
    }

    private static string Method(MethodInfo method, string name)
    {
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(argument => argument.Name))}>" : "";
        return method.Name is "op_Implicit" or "op_Explicit"
            ? $"{method.Name[3..].ToLowerInvariant()} operator {Named(method.ReturnType, null)}({Parameters(method)})"
            : $"{Named(method.ReturnType, Nullability.Create(method.ReturnParameter))} {Operator(name)}{generic}({Parameters(method)})";
    }

    private static string Operator(string name) => name switch
    {
        "op_Addition" => "operator +", "op_Subtraction" or "op_UnaryNegation" => "operator -", "op_Multiply" => "operator *", "op_Division" => "operator /",
        "op_LessThan" => "operator <", "op_GreaterThan" => "operator >", "op_BitwiseOr" => "operator |", "op_BitwiseAnd" => "operator &", "op_ExclusiveOr" => "operator ^",
        "op_LogicalNot" => "operator !", "op_LessThanOrEqual" => "operator <=", "op_GreaterThanOrEqual" => "operator >=", "op_Modulus" => "operator %",
        "op_Equality" => "operator ==", "op_Inequality" => "operator !=", _ => name,
    };

    private static string Parameters(MethodBase method)
    {
        var extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        return extension + string.Join(", ", method.GetParameters().Select(Parameter));
    }

    private static string Parameter(ParameterInfo parameter)
    {
        var by = !parameter.ParameterType.IsByRef ? "" : parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        var type = parameter.ParameterType.IsByRef ? Named(parameter.ParameterType.GetElementType()!, null) : Named(parameter.ParameterType, Nullability.Create(parameter));
        var many = parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "";
        var value = !parameter.HasDefaultValue ? "" : $" = {(parameter.ParameterType.IsEnum && parameter.RawDefaultValue is { } raw ? $"{Type(parameter.ParameterType)}.{Enum.ToObject(parameter.ParameterType, raw)}" : Value(parameter.RawDefaultValue, parameter.ParameterType))}";
        return $"{by}{many}{type} {parameter.Name}{value}";
    }

    private static string Value(object? value, Type? type = null) => value switch
    {
        null => type is { IsValueType: true } && Nullable.GetUnderlyingType(type) is null ? "default" : "null",
        string text => $"\"{text.Replace("\n", "\\n", StringComparison.Ordinal)}\"",
        bool flag => flag ? "true" : "false",
        char letter => $"'{letter}'",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static string Named(Type type, NullabilityInfo? nullability)
    {
        if (Nullable.GetUnderlyingType(type) is { } value) return Named(value, null) + "?";
        var question = nullability is { ReadState: NullabilityState.Nullable } or { ReadState: NullabilityState.Unknown, WriteState: NullabilityState.Nullable } && !type.IsValueType ? "?" : "";
        if (type.IsArray) return $"{Named(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{question}";
        if (type.IsPointer) return Named(type.GetElementType()!, null) + "*";
        if (type.IsByRef) return "ref " + Named(type.GetElementType()!, null);
        if (Keywords.TryGetValue(type, out var keyword)) return keyword + question;
        var arguments = type.GetGenericArguments();
        if (type.IsGenericType && type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true) return $"({string.Join(", ", arguments.Select(argument => Named(argument, null)))})";
        var outer = type is { IsNested: true, IsGenericParameter: false } ? Named(type.DeclaringType!, null) + "." : "";
        var name = type.Name.Split('`')[0];
        if (!type.IsGenericType || !type.Name.Contains('`')) return outer + name + question;
        var own = arguments[(type.DeclaringType?.GetGenericArguments().Length ?? 0)..];
        return $"{outer}{name}<{string.Join(", ", own.Select((argument, i) => Named(argument, nullability is { } known && known.GenericTypeArguments.Length == own.Length ? known.GenericTypeArguments[i] : null)))}>{question}";
    }
}
