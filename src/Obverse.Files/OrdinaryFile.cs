namespace Obverse.Files;

/// <summary>A file that can be read to its end. A device or a pipe exists too, and may never end, or wait for ever.</summary>
public static class OrdinaryFile
{
    /// <summary>The path, where it is one. What is empty is none: so is the length that systems give for devices and pipes.</summary>
    /// <param name="path">Links are followed.</param>
    /// <param name="what">What it is, for the message: "picture", "bank".</param>
    /// <exception cref="FileNotFoundException">Nothing is there.</exception>
    /// <exception cref="InvalidDataException">Empty, a device or a pipe.</exception>
    public static string Checked(string path, string what)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"{path}: no such {what}");
        var file = new FileInfo(path);
        if (file.LinkTarget is not null) file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
        return file is { Exists: true, Length: > 0 } ? path : throw new InvalidDataException($"{path}: is empty, a device or a pipe; a {what} was wanted");
    }
}
