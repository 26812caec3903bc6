namespace Obverse.Imaging;

/// <summary>A picture that cannot be read or written; the message is one line that names the file, what was found and what was wanted.</summary>
public sealed class PictureException : IOException
{
    public PictureException(string name, string problem, Exception? inner = null)
        : base($"{name}: {problem}".ReplaceLineEndings(" "), inner)
    {
        File = name;
    }

    /// <summary>The file, or the name that was given to the bytes.</summary>
    public string File { get; }
}
