namespace Obverse.Files;

/// <summary>A file that is not what its format says; the message names the file, what was found and what was wanted.</summary>
public sealed class WeightsException(string message, Exception? inner = null) : IOException(message.ReplaceLineEndings(" "), inner)
{
    /// <summary>The file is whole, so far as it was read, and holds what is not read here: another element type, something that is no weights.</summary>
    public bool IsUnsupported { get; init; }
}
