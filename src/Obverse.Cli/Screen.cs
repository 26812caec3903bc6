using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Obverse.Files;

namespace Obverse.Cli;

/// <summary>Output of a command: results on <see cref="Out"/>, progress and errors on <see cref="Error"/>. With --json every line of <see cref="Out"/> is a JSON object. Texts may be a stranger's (captions, file names, stored prompts): control characters are escaped.</summary>
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

    public void Say(string line) => output.WriteLine(Visible.Of(line));

    /// <summary>A text of several lines: a table, a JSON file.</summary>
    public void SayLines(string text)
    {
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n')) Say(line);
    }

    public void Note(string line) => Progress("obverse: " + line);

    /// <summary>A line of progress.</summary>
    public void Progress(string line) => error.WriteLine(Visible.Of(line));

    /// <summary>The same, drawn over the one before.</summary>
    public void Redraw(string line) => error.Write("\r\e[K" + Visible.Of(line));

    public int Fail(string line, int code)
    {
        Note(line);
        return code;
    }

    public void Json(object record)
    {
        output.WriteLine(Visible.Of(JsonSerializer.Serialize(record, json))); // only inside strings, where the escapes mean the same
        output.Flush();
    }
}
