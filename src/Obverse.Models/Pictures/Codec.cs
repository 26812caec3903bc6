using System.Runtime.InteropServices;

namespace Obverse.Models;

/// <summary>A system library found at first use, so that the rest works where it is not installed.</summary>
internal sealed class Codec(string purpose, string package, params string[] names)
{
    private readonly Lazy<nint> handle = new(() =>
    {
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, typeof(Codec).Assembly, null, out var found)) return found;
        }

        return 0;
    });

    /// <summary>The address of a function.</summary>
    /// <exception cref="PictureException">The library is not there; the message says what to install.</exception>
    public nint this[string function] =>
        handle.Value == 0 ? throw new PictureException(names[0], $"not found; {purpose} needs it (Debian package {package})")
        : NativeLibrary.TryGetExport(handle.Value, function, out var address) ? address
        : throw new PictureException(names[0], $"has no function {function}; {purpose} needs it");
}
