namespace Obverse.Models;

/// <summary>
/// How a model is asked for: a folder, a file or a name of the zoo; and before it, with a colon, the architecture, for weights that come without a
/// configuration or to overrule it (<c>ViT-B-32:CLIPAG_ViTB32.pt</c>), or the published checkpoint whose settings count (<c>ViT-B-32/laion400m_e32:weights.safetensors</c>).
/// </summary>
public sealed record ModelName(string Path, string? Architecture = null, PublishedClip? Published = null)
{
    /// <exception cref="NotSupportedException">The part before the colon names an architecture, and after a slash no published checkpoint of it.</exception>
    public static ModelName Parse(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || File.Exists(text) || Directory.Exists(text)) return new(text);
        var (before, path) = (text[..colon], text[(colon + 1)..]);
        var slash = before.IndexOf('/', StringComparison.Ordinal);
        var architecture = slash < 0 ? before : before[..slash];
        if (!ClipConfig.Knows(architecture)) return new(text);
        if (slash < 0) return new(path, architecture);
        var tag = before[(slash + 1)..];
        return new(path, architecture, PublishedClip.Find(architecture, tag) ?? throw new NotSupportedException($"no published checkpoint '{tag}' of {architecture} is known; there are {string.Join(", ", PublishedClip.All.Where(p => p.Architecture == architecture).Select(p => p.Tag))}"));
    }
}
