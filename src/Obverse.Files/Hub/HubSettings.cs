using System.Text.RegularExpressions;

namespace Obverse.Files;

/// <summary>Where the hub and its cache are and how patient to be; by default from the variables that the Python client reads (huggingface_hub, constants.py).</summary>
public sealed partial record HubSettings
{
    /// <summary>HF_ENDPOINT.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or ~/.cache/huggingface/hub.</summary>
    public required string Cache { get; init; }

    /// <summary>HF_TOKEN, HUGGING_FACE_HUB_TOKEN or the file HF_TOKEN_PATH, by default $HF_HOME/token. It is sent to the endpoint and to nobody else.</summary>
    public string? Token { get; init; }

    /// <summary>The variable that forbids the net: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE; null where none does.</summary>
    public string? Offline { get; init; }

    /// <summary>Of an answer's headers, and between two pieces of a body. HF_HUB_DOWNLOAD_TIMEOUT in seconds; 10, as the Python client has.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A list of files must be there in this time, and a file come at <see cref="LeastSpeed"/> over it: six times <see cref="Patience"/>.</summary>
    public TimeSpan LongPatience => Patience * 6;

    /// <summary>Bytes a second below which a line counts as broken: a seventh of a telephone modem's.</summary>
    public double LeastSpeed { get; init; } = 1024;

    /// <summary>How often the same thing is tried in all, while nothing comes of it.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The first wait before trying again; it doubles each time, to <see cref="LongestPause"/> at most.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A server that asks for a longer wait (Retry-After) is not waited for.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A failed try that gained this many bytes does not count: a long file over a bad line gets through.</summary>
    public long Worthwhile { get; init; } = 1 << 20;

    /// <summary>Files at once.</summary>
    public int Parallel { get; init; } = 4;

    /// <param name="read">A variable's value; by default the environment's.</param>
    /// <exception cref="FormatException">HF_ENDPOINT is not an address, or the token holds what no header can.</exception>
    public static HubSettings FromEnvironment(Func<string, string?>? read = null)
    {
        read ??= Environment.GetEnvironmentVariable;
        string? Get(string name) => read(name) is { Length: > 0 } value ? value : null;
        bool IsOn(string name) => Get(name)?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

        var user = Get("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string Expanded(string path)
        {
            if (path == "~" || path.StartsWith("~/", StringComparison.Ordinal)) path = user + path[1..];
            return Path.GetFullPath(Variable().Replace(path, name => read(name.Groups[1].Value) ?? name.Value));
        }

        var home = Expanded(Get("HF_HOME") ?? Path.Combine(Get("XDG_CACHE_HOME") ?? Path.Combine(user, ".cache"), "huggingface"));
        var settings = new HubSettings
        {
            Cache = Expanded(Get("HF_HUB_CACHE") ?? Get("HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub")),
            Token = IsOn("HF_HUB_DISABLE_IMPLICIT_TOKEN") ? null : Checked(Get("HF_TOKEN") ?? Get("HUGGING_FACE_HUB_TOKEN") ?? Stored(Expanded(Get("HF_TOKEN_PATH") ?? Path.Combine(home, "token")))),
            Offline = new[] { "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE" }.FirstOrDefault(name => Get(name) is not null) is { } first && IsOn(first) ? first : null,
        };
        if (Get("HF_ENDPOINT") is { } endpoint)
        {
            settings = settings with { Endpoint = Uri.TryCreate(endpoint.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? new Uri(endpoint.TrimEnd('/')) : throw new FormatException($"HF_ENDPOINT: '{HubNames.Shown(endpoint)}' was given, an address like http://127.0.0.1:8080 was wanted") };
        }

        return int.TryParse(Get("HF_HUB_DOWNLOAD_TIMEOUT"), out var seconds) && seconds > 0 ? settings with { Patience = TimeSpan.FromSeconds(seconds) } : settings;
    }

    private static string? Stored(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // as the Python client: a token that cannot be read is none
        }
    }

    private static string? Checked(string? token)
    {
        token = token?.Trim();
        if (token is null or "") return null;
        return token.All(c => c is > ' ' and < '\x7f') ? token : throw new FormatException("the hub's token (HF_TOKEN or the token file) has spaces, line breaks or other letters than ASCII in it");
    }

    [GeneratedRegex(@"\$\{?(\w+)\}?")]
    private static partial Regex Variable();
}
