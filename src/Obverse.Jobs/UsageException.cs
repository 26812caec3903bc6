namespace Obverse.Jobs;

/// <summary>A request that cannot be met; the message names the setting as the command line calls it.</summary>
public sealed class UsageException(string message) : ArgumentException(message);
