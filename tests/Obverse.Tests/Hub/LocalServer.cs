using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Obverse.Jobs;

namespace Obverse.Tests.Hub;

internal sealed record Asked(string Method, string Path, IReadOnlyDictionary<string, string> Headers)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);

    /// <summary>The N of "Range: bytes=N-".</summary>
    public int Offset => this["Range"] is { } range ? int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0;
}

/// <summary>An answer, and how the server misbehaves while it sends it.</summary>
internal sealed record Reply(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>What Content-Length says; -1: nothing, the end of the connection ends the body.</summary>
    public long? Says { get; init; }

    /// <summary>The connection is reset after so many bytes of the body.</summary>
    public int? ResetAfter { get; init; }

    /// <summary>Nothing more comes after so many bytes of the body; -1: not even the headers.</summary>
    public int? StallAfter { get; init; }

    /// <summary>The connection ends, politely, after so many bytes.</summary>
    public int? EndAfter { get; init; }

    public int BytesAPiece { get; init; } = 1 << 16;
    public int MillisecondsAPiece { get; init; }

    public static Reply Error(int status, string? code = null, params (string, string)[] more) => new(status, [], [.. code is null ? [] : new[] { ("X-Error-Code", code) }, .. more]);
}

/// <summary>HTTP/1.1 on 127.0.0.1, one request a connection, that can do what a real server only does on a bad day.</summary>
internal sealed class LocalServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Func<Asked, Reply> answer;

    public LocalServer(Func<Asked, Reply> answer)
    {
        this.answer = answer;
        listener.Start(200);
        Authority = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        _ = Task.Run(Serve);
    }

    public string Authority { get; }
    public ConcurrentQueue<Asked> Requests { get; } = new();

    public void Dispose()
    {
        stop.Cancel();
        listener.Stop();
    }

    private async Task Serve()
    {
        while (!stop.IsCancellationRequested)
        {
            var client = await listener.AcceptTcpClientAsync(stop.Token).ConfigureAwait(false);
            _ = Task.Run(async () =>
            {
                using (client)
                {
                    try
                    {
                        await Answer(client).ConfigureAwait(false);
                    }
                    catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
                    {
                    }
                }
            });
        }
    }

    private async Task Answer(TcpClient client)
    {
        var stream = client.GetStream();
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, stop.Token).ConfigureAwait(false) == 0) return;
            head.Append((char)one[0]);
        }

        var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var first = lines[0].Split(' ');
        var asked = new Asked(first[0], first[1], lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase));
        Requests.Enqueue(asked);
        var reply = answer(asked);
        if (reply.StallAfter == -1) await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(false);

        var says = reply.Says ?? (reply.Headers.Any(h => h.Name == "Content-Length") ? -1 : reply.Body.Length);
        var text = $"HTTP/1.1 {reply.Status} X\r\nConnection: close\r\n{(says >= 0 ? $"Content-Length: {says}\r\n" : "")}{string.Concat(reply.Headers.Select(h => $"{h.Name}: {h.Value}\r\n"))}\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text), stop.Token).ConfigureAwait(false);
        if (asked.Method == "HEAD") return;
        var end = Math.Min(reply.Body.Length, reply.ResetAfter ?? reply.StallAfter ?? reply.EndAfter ?? int.MaxValue);
        for (var at = 0; at < end; at += reply.BytesAPiece)
        {
            await stream.WriteAsync(reply.Body.AsMemory(at, Math.Min(reply.BytesAPiece, end - at)), stop.Token).ConfigureAwait(false);
            if (reply.MillisecondsAPiece > 0) await Task.Delay(reply.MillisecondsAPiece, stop.Token).ConfigureAwait(false);
        }

        if (reply.StallAfter is not null) await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(false);
        if (reply.ResetAfter is not null)
        {
            await Task.Delay(50, stop.Token).ConfigureAwait(false); // what was sent is read before the reset throws it away
            client.LingerState = new LingerOption(true, 0);
        }
    }
}
