using System.Security.Cryptography;
using Obverse.Imaging;

namespace Obverse.Retrieval;

/// <summary>A picture on its way into an index.</summary>
/// <param name="Path">Where its file is; empty where it has none of its own.</param>
/// <param name="Name">What errors call it.</param>
/// <param name="Captions">A row each.</param>
/// <param name="Hash">SHA-256 of its bytes.</param>
/// <param name="Read">A file's bytes.</param>
public sealed record PictureToIndex(string Path, string Name, IReadOnlyList<string> Captions, Func<string> Hash, Func<byte[]> Read)
{
    /// <summary>The caption is the file's name: a copy of a picture that is there already gets no row of its own by it.</summary>
    public bool IsGuessed { get; init; }

    public static PictureToIndex OfFile(string path, params IReadOnlyList<string> captions) => new(path, path, captions, () => Convert.ToHexStringLower(SHA256.HashData(Picture.ReadFile(path))), () => Picture.ReadFile(path));

    /// <summary>A picture without a file; <paramref name="stored"/> gives what is hashed, <paramref name="read"/> what is decoded.</summary>
    public static PictureToIndex OfBytes(string name, Func<byte[]> stored, Func<byte[]> read, params IReadOnlyList<string> captions) => new("", name, captions, () => Convert.ToHexStringLower(SHA256.HashData(stored())), read);
}
