namespace Obverse.Jobs;

/// <summary>Something asked for that cannot be; the message names the setting as the command line calls it.</summary>
public sealed class UsageException(string message) : ArgumentException(message);
