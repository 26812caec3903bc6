using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Obverse.Files;

namespace Obverse.Jobs;

/// <summary>One part of a prompt, moved toward (or, with a negative weight, away from): a text, or a picture file, with its SHA-256 in a stored job.</summary>
public sealed record PromptPart(string? Text, double Weight = 1, string? Image = null, string? Sha256 = null)
{
    /// <summary>With the hash of its picture; a text unchanged.</summary>
    public PromptPart Hashed() => Image is null ? this : this with { Sha256 = StoredFile.Of(Image).Sha256 };

    public override string ToString() => (Text ?? Image) + (Weight == 1 ? "" : ":" + Weight.ToString(CultureInfo.InvariantCulture));
}

/// <summary>A prompt as it is written: <c>"a fox | watercolour:0.4 | blurry:-0.3"</c>, with pictures beside it (<c>--toward photo.jpg:0.5</c>).</summary>
public sealed record Prompt([property: Items(1, 256)] ValueList<PromptPart> Parts)
{
    /// <summary>Splits at <c>|</c>; a number after the last colon of a part is its weight. <c>\|</c> and <c>\:</c> stand for themselves.</summary>
    /// <exception cref="FormatException">Nothing to draw: empty, or only negative weights.</exception>
    public static Prompt Parse(string text, params IEnumerable<string> images)
    {
        List<PromptPart> parts = [.. Split(text).Select(part => Part(part)).Where(part => part.Text!.Length > 0)];
        parts.AddRange(images.Select(image => Part(image) is var part ? new PromptPart(null, part.Weight, part.Text) : part));
        if (parts.Count == 0) throw new FormatException("the prompt is empty: give a text, such as \"a tabby cat\"");
        if (parts.All(part => part.Weight <= 0)) throw new FormatException($"the prompt '{text}' has only parts with weights of 0 or less: at least one must be above 0");
        return new([.. parts]);
    }

    [JsonIgnore]
    public IEnumerable<PromptPart> Texts => Parts.Where(part => part.Text is not null);

    [JsonIgnore]
    public IEnumerable<PromptPart> Images => Parts.Where(part => part.Image is not null);

    /// <summary>The name for the judge: the texts of positive weight.</summary>
    [JsonIgnore]
    public string Wanted => string.Join(", ", Texts.Where(part => part.Weight > 0).Select(part => part.Text));

    public override string ToString() => string.Join(" | ", Parts);

    private static PromptPart Part(string part)
    {
        var colon = part.LastIndexOf(':');
        var escaped = colon > 0 && part[colon - 1] == '\\';
        if (colon >= 0 && !escaped && double.TryParse(part[(colon + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && double.IsFinite(weight))
        {
            return new(Unescape(part[..colon]), weight);
        }

        return new(Unescape(part));
    }

    private static string Unescape(string part) => part.Replace("\\:", ":", StringComparison.Ordinal).Trim();

    private static IEnumerable<string> Split(string text)
    {
        var part = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] == '|') part.Append(text[++i]);
            else if (text[i] == '|')
            {
                yield return part.ToString();
                part.Clear();
            }
            else part.Append(text[i]);
        }

        yield return part.ToString();
    }
}
