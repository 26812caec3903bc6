namespace Obverse.Cli;

/// <summary>"1 picture", "3 pictures".</summary>
internal static class Counted
{
    public static string Of(long count, string one) => $"{count} {one}{(count == 1 ? "" : "s")}";
}
