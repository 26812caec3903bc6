using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obverse.Cli;

/// <summary>Output of a command: results on <see cref="Out"/>, progress and errors on <see cref="Error"/>. With --json every line of <see cref="Out"/> is a JSON object.</summary>
internal sealed class Screen(TextWriter output, TextWriter error, CancellationToken stop = default)
{
    private static readonly JsonSerializerOptions json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public TextWriter Out => output;
    public TextWriter Error => error;

    /// <summary>True where progress may be drawn over itself.</summary>
    public bool IsLive { get; init; }

    /// <summary>Ctrl-C.</summary>
    public CancellationToken Stop => stop;

    public void Say(string line) => output.WriteLine(line);

    public void Note(string line) => error.WriteLine("obverse: " + line);

    public int Fail(string line, int code)
    {
        error.WriteLine("obverse: " + line);
        return code;
    }

    public void Json(object record)
    {
        output.WriteLine(JsonSerializer.Serialize(record, json));
        output.Flush();
    }
}
