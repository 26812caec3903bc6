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

    public override string ToString() => Name + (Weight == 1 ? "" : (Name is [.., var last] && char.IsDigit(last) ? " :" : ":") + Weight.ToString(CultureInfo.InvariantCulture));

    [JsonIgnore]
    internal string Name => Text ?? Image ?? "";
}

/// <summary>A prompt as it is written: <c>"a fox | watercolour:0.4 | blurry:-0.3"</c>, with pictures beside it (<c>--toward photo.jpg:0.5</c>).</summary>
public sealed record Prompt([property: Items(1, 256)] ValueList<PromptPart> Parts)
{
    /// <summary>Splits at <c>|</c>; a number after the last colon of a part is its weight, unless a digit stands before that colon, or <c>//</c> (12:30, 16:9, http://localhost:8080). <c>\|</c> and <c>\:</c> stand for themselves.</summary>
    /// <exception cref="FormatException">Nothing to draw: empty, or only negative weights; or a weight that is none.</exception>
    public static Prompt Parse(string text, params IEnumerable<string> images)
    {
        List<PromptPart> parts = [.. Split(text).Select(part => Part(part)).Where(part => part.Text!.Length > 0)];
        parts.AddRange(images.Select(Picture));
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

    /// <summary>How the weights were read, to be shown; null where there are none.</summary>
    [JsonIgnore]
    public string? Reading
    {
        get
        {
            string? Group(string how, Func<double, bool> counts) =>
                Parts.Where(part => counts(part.Weight)).Select(part => string.Create(CultureInfo.InvariantCulture, $"\"{part.Name}\" ({Math.Abs(part.Weight)})")).ToArray() is { Length: > 0 } all ? $"{how} {string.Join(", ", all)}" : null;
            List<string?> said = [];
            if (Parts is [{ Weight: not 1 } one]) said.Add(string.Create(CultureInfo.InvariantCulture, $"\"{one.Name}\" alone, so its weight {one.Weight} is of no effect"));
            else if (Parts.Any(part => part.Weight != 1)) said.AddRange([Group("toward", weight => weight > 0), Group("away from", weight => weight < 0), Group("without effect", weight => weight == 0)]);
            said.AddRange(Texts.Where(part => WeightSuffix.IsDoubtful(part.Name)).Select(part => $"\"{part.Name}\" is text to its end (a weight after a digit wants a space before its colon)"));
            return string.Join("; ", said.OfType<string>()) is { Length: > 0 } reading ? "weights: " + reading : null;
        }
    }

    public override string ToString() => string.Join(" | ", Parts);

    private static PromptPart Part(string part) => WeightSuffix.Of(part) is var (text, weight) ? new(Unescape(text), weight) : new(Unescape(part));

    // A file that is there is what was meant, whatever its name ends in.
    internal static PromptPart Picture(string image)
    {
        if (File.Exists(image)) return new(null, 1, image);
        var isThere = image.LastIndexOf(':') is > 0 and var colon && File.Exists(image[..colon]);
        return WeightSuffix.Of(image, anyway: isThere) is var (path, weight) ? new(null, weight, isThere ? path : Unescape(path)) : new(null, 1, Unescape(image));
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
