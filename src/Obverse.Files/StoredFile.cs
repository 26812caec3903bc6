using System.Security.Cryptography;

namespace Obverse.Files;

/// <summary>An outside file that a job depends on: where it was and what it held (SHA-256), so that a replay can tell whether it is still the same.</summary>
public sealed record StoredFile(string Path, string Sha256)
{
    public static StoredFile Of(string path) => new(path, Hash(OrdinaryFile.Checked(path, "file")));

    /// <summary>SHA-256 of a file's bytes, in lower-case hexadecimal.</summary>
    /// <exception cref="IOException">It cannot be read, or is a pipe or a device.</exception>
    public static string Hash(string path)
    {
        using var stream = File.OpenRead(OrdinaryFile.MustBe(path));
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>The path, where the file is what it was.</summary>
    /// <param name="what">What it is, for the message: "picture", "bank".</param>
    /// <exception cref="FileNotFoundException">It is gone.</exception>
    /// <exception cref="InvalidDataException">It is another one, or no ordinary file.</exception>
    public string Unchanged(string what)
    {
        return Hash(OrdinaryFile.Checked(Path, what)) == Sha256 ? Path : throw new InvalidDataException($"{Path}: is not the {what} that the run began with (its SHA-256 differs)");
    }
}
