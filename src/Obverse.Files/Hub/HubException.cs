namespace Obverse.Files;

/// <summary>Why a repository could not be pulled.</summary>
public enum HubFault
{
    NoRepository, NoRevision, NoFile, Gated, Unauthorized, Offline,

    /// <summary>The line or the server failed in a way that may pass: it was tried again before this was thrown.</summary>
    Connection,

    /// <summary>The server said what cannot be: another size or hash than its own, redirects in a circle, names that lead out of the cache.</summary>
    Untrustworthy,

    /// <summary>Something else that the server refused.</summary>
    Refused,
}

/// <summary>A repository of a hub cannot be had; the message names it, what was tried and what would help.</summary>
public sealed class HubException(HubFault fault, string message, Exception? inner = null) : IOException(message, inner)
{
    public HubFault Fault => fault;

    /// <summary>How long the server asked to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
