using Obverse.Torch;

namespace Obverse.Cli;

/// <summary>From an exception to a one-line message and an exit code.</summary>
internal static class Failures
{
    public static (string Message, int Code) Describe(Exception e) => e switch
    {
        OperationCanceledException => ("stopped", 1),
        ArgumentException or FormatException => (Line(e.Message), 2),
        IOException or InvalidDataException or UnauthorizedAccessException or TorchException or NotSupportedException => (Line(e.Message), 1),
        DllNotFoundException => (Line(e.Message), 1),
        OutOfMemoryException => ("out of memory; use a smaller --size or batch", 1),
        TypeInitializationException { InnerException: { } inner } => Describe(inner),
        AggregateException { InnerException: { } inner } => Describe(inner),
        _ => ($"{e.GetType().Name}: {Line(e.Message)}; this is a bug: --debug shows the trace", 1),
    };

    // .NET puts the parameter's name and the value behind an argument's message; ours name them before.
    private static string Line(string message)
    {
        var end = message.IndexOf(" (Parameter '", StringComparison.Ordinal);
        return (end < 0 ? message : message[..end]).Trim().Split('\n')[0].TrimEnd('\r', '.');
    }
}
