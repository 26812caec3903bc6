using System.Net;
using System.Net.Http.Headers;

namespace Obverse.Files;

/// <summary>Requests to a hub: redirects followed by hand, so that the token stays with the hub; failures reported in one line; tried again where that may help.</summary>
internal sealed class HubWire : IDisposable
{
    private const int Hops = 10;

    private readonly HubSettings settings;
    private readonly HubProgress progress;
    private readonly HttpClient http;

    public HubWire(HubSettings settings, HubProgress progress)
    {
        (this.settings, this.progress) = (settings, progress);
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, AutomaticDecompression = DecompressionMethods.None, ConnectTimeout = settings.Patience, MaxResponseHeadersLength = 64 }) { Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.UserAgent.ParseAdd($"obverse/{typeof(HubWire).Assembly.GetName().Version?.ToString(3)}");
        http.DefaultRequestHeaders.AcceptEncoding.ParseAdd("identity"); // lengths and Range count the file's own bytes
    }

    /// <summary>True where an address belongs to the hub: scheme, host and port.</summary>
    public bool IsHub(Uri uri) => Uri.Compare(uri, settings.Endpoint, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0;

    /// <summary>
    /// Sends one request and follows its redirects. HEAD follows only those that stay relative: one to another host carries the answer itself
    /// (X-Linked-Etag, X-Linked-Size). Once an address is not the hub's, no later one gets the token.
    /// </summary>
    /// <param name="seen">Gets every answer on the way.</param>
    public async Task<HttpResponseMessage> Send(HttpMethod method, Uri uri, bool trusted, long offset, string what, CancellationToken stop, Action<HttpResponseMessage>? seen = null)
    {
        var visited = new HashSet<string>();
        while (true)
        {
            trusted &= IsHub(uri);
            if (!visited.Add(uri.AbsoluteUri)) throw new HubException(HubFault.Untrustworthy, $"{what}: redirects in a circle, back to {Shown(uri)}");
            if (visited.Count > Hops) throw new HubException(HubFault.Untrustworthy, $"{what}: more than {Hops} redirects, the last to {Shown(uri)}");
            var answer = await One(method, uri, trusted, offset, what, stop).ConfigureAwait(false);
            seen?.Invoke(answer);
            if (answer.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect) || Header(answer, "Location") is not { } location) return answer;
            var next = Target(uri, location) is { Scheme: "http" or "https" } target ? target : throw new HubException(HubFault.Untrustworthy, $"{what}: a redirect from {uri.Authority} to '{HubNames.Shown(location)}', which is no address to fetch from");
            if (method == HttpMethod.Head && !IsRelative(location) && (Header(answer, "X-Linked-Etag") is not null || !IsHub(next))) return answer;
            answer.Dispose();
            uri = next;
        }
    }

    /// <summary>Does it until it succeeds, fails for good, or has failed too often with nothing gained.</summary>
    /// <param name="gained">How many bytes there are by now.</param>
    public async Task<T> Try<T>(Func<Task<T>> attempt, CancellationToken stop, Func<long>? gained = null)
    {
        var (failed, had, pause) = (0, gained?.Invoke() ?? 0, settings.Pause);
        while (true)
        {
            try
            {
                return await attempt().ConfigureAwait(false);
            }
            catch (HubException e) when (e.Fault == HubFault.Connection)
            {
                if (gained?.Invoke() is { } has && has - had >= settings.Worthwhile) (failed, had, pause) = (0, has, settings.Pause);
                if (++failed >= settings.Attempts) throw new HubException(e.Fault, $"{e.Message} ({(failed == 1 ? "not tried again" : $"tried {failed} times")})", e);
                if (e.RetryAfter > settings.LongestPause) throw new HubException(e.Fault, $"{e.Message}, and asks to wait {e.RetryAfter.Value.TotalSeconds:0} s before another try", e);
                var wait = e.RetryAfter ?? pause;
                progress.Say($"{e.Message}; again in {wait.TotalSeconds:0.#} s");
                await Task.Delay(wait, stop).ConfigureAwait(false);
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, settings.LongestPause.Ticks));
            }
        }
    }

    public static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) || answer.Content.Headers.TryGetValues(name, out values) ? values.FirstOrDefault() : null;

    /// <summary>The absolute address of a Location header. (.NET on Unix takes "/x" for a file of its own.)</summary>
    public static Uri? Target(Uri from, string location)
    {
        if (!IsRelative(location) && !location.StartsWith("//", StringComparison.Ordinal)) return Uri.TryCreate(location, UriKind.Absolute, out var whole) ? whole : null;
        return Uri.TryCreate(from, location, out var joined) ? joined : null;
    }

    /// <summary>Without the query: signatures are nobody's business.</summary>
    public static string Shown(Uri uri) => HubNames.Shown(uri.GetLeftPart(UriPartial.Path));

    public void Dispose() => http.Dispose();

    private static bool IsRelative(string location) => !location.StartsWith("//", StringComparison.Ordinal) && (location.IndexOf(':', StringComparison.Ordinal) is var colon && (colon < 0 || location.AsSpan(0, colon).IndexOfAny("/?#") >= 0));

    private async Task<HttpResponseMessage> One(HttpMethod method, Uri uri, bool trusted, long offset, string what, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(method, uri);
        if (trusted && settings.Token is { } token) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (offset > 0) request.Headers.Range = new RangeHeaderValue(offset, null);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(settings.Patience);
        HttpResponseMessage answer;
        try
        {
            answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new HubException(HubFault.Connection, $"{what}: no answer from {uri.Authority} within {settings.Patience.TotalSeconds:0.##} s");
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
        {
            throw new HubException(HubFault.Refused, $"{what}: {uri.Authority}: {Reason(e)}", e);
        }
        catch (HttpRequestException e)
        {
            throw new HubException(HubFault.Connection, $"{what}: {uri.Authority}: {Reason(e)}", e);
        }

        var status = (int)answer.StatusCode;
        if (status is 408 or 425 or 429 or 500 or 502 or 503 or 504)
        {
            using (answer)
            {
                throw new HubException(HubFault.Connection, $"{what}: {uri.Authority} answered {status}{Named(answer.StatusCode)}") { RetryAfter = Wait(answer) };
            }
        }

        return answer;
    }

    public static string Named(HttpStatusCode status) => Enum.IsDefined(status) ? " " + status : "";

    private static TimeSpan? Wait(HttpResponseMessage answer) => answer.Headers.RetryAfter is not { } after ? null : after.Delta ?? (after.Date is { } date && date > DateTimeOffset.UtcNow ? date - DateTimeOffset.UtcNow : TimeSpan.Zero);

    // The innermost message says it: "Connection refused", "Name or service not known".
    internal static string Reason(Exception e)
    {
        while (e.InnerException is { } inner) e = inner;
        return e is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } ? "the line was cut" : HubNames.Shown(e.Message.Split('\n')[0].TrimEnd('.')).ToLowerInvariant();
    }
}
