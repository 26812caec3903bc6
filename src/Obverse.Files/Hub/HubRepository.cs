using System.Text.RegularExpressions;

namespace Obverse.Files;

/// <summary>A model repository by the hub's name, "owner/name" (very old ones: "name"), at a revision.</summary>
/// <param name="Revision">A branch, a tag or a whole commit.</param>
public sealed partial record HubRepository(string Id, string Revision)
{
    public const string DefaultRevision = "main";

    /// <summary>The name of its folder in a cache.</summary>
    public string Folder => "models--" + Id.Replace("/", "--", StringComparison.Ordinal);

    /// <summary>For messages, where it is another than its own: the branch that was asked for, not the commit it is at.</summary>
    internal string? Spoken { get; init; }

    public override string ToString() => Spoken ?? (Revision == DefaultRevision ? Id : $"{Id}@{Revision}");

    /// <summary>"owner/name" or "owner/name@revision".</summary>
    /// <exception cref="FormatException">Neither; the message says what was wanted.</exception>
    public static HubRepository Parse(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        var (id, revision) = at < 0 ? (text, DefaultRevision) : (text[..at], text[(at + 1)..]);
        if (!IsId(id)) throw new FormatException($"'{HubNames.Shown(text)}' was given, OWNER/NAME or OWNER/NAME@REVISION of a hub was wanted");
        return new(id, HubNames.Revision(revision));
    }

    /// <summary>The repository that a model's name may mean: only with an owner, so that no mistyped word is looked for on the net.</summary>
    public static HubRepository? TryParse(string text)
    {
        try
        {
            return text.Contains('/', StringComparison.Ordinal) ? Parse(text) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>The repository of a folder in a cache; null for other folders.</summary>
    public static string? IdOf(string folder) =>
        folder.StartsWith("models--", StringComparison.Ordinal) && folder["models--".Length..].Replace("--", "/", StringComparison.Ordinal) is var id && IsId(id) ? id : null;

    // huggingface_hub, utils/_validators.py: letters, digits, - _ . , at most 96; neither "--" nor ".."; no - or . at the ends.
    private static bool IsId(string id) => id.Length <= 96 && Shape().IsMatch(id) && !id.Contains("--", StringComparison.Ordinal) && !id.Contains("..", StringComparison.Ordinal) && !id.EndsWith(".git", StringComparison.Ordinal);

    [GeneratedRegex(@"^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?/)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\z")]
    private static partial Regex Shape();
}
