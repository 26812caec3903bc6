using System.Text;

namespace Obverse.Cli;

/// <summary>A writer whose reader may go: what cannot be written is lost and remembered, and the work that it was about goes on.</summary>
internal sealed class SteadyWriter(TextWriter inner) : TextWriter
{
    /// <summary>Why something was lost; null where nothing was.</summary>
    public string? Problem { get; private set; }

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Try(() => inner.Write(value));

    public override void Write(char[] buffer, int index, int count) => Try(() => inner.Write(buffer, index, count));

    public override void Write(string? value) => Try(() => inner.Write(value));

    public override void WriteLine(string? value) => Try(() => inner.WriteLine(value));

    public override void Flush() => Try(inner.Flush);

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException) // full, closed: whatever opened under its number since refuses
        {
            Problem ??= e.Message.ReplaceLineEndings(" ").TrimEnd('.');
        }
    }
}
