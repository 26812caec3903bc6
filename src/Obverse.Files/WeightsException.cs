namespace Obverse.Files;

/// <summary>A file that is not what its format says; the message names the file, what was found and what was wanted.</summary>
public sealed class WeightsException(string message, Exception? inner = null) : IOException(message.ReplaceLineEndings(" "), inner);
