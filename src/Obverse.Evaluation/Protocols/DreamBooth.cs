using System.Text.RegularExpressions;
using Obverse.Files;

namespace Obverse.Evaluation;

/// <summary>
/// DreamBooth's benchmark (Ruiz et al. 2023; google/dreambooth, dataset/): 30 subjects, 25 prompts each, 4 pictures a prompt. Drawn pictures lie in SUBJECT/NN-K.png, NN being the prompt's number from 00.
/// </summary>
public sealed partial record DreamBooth(IReadOnlyList<string> Subjects, IReadOnlyDictionary<string, string> ClassOf, IReadOnlyList<string> ObjectPrompts, IReadOnlyList<string> LivePrompts)
{
    /// <summary>What the benchmark draws a prompt.</summary>
    public const int PicturesPerPrompt = 4;

    private static readonly string[] liveClasses = ["cat", "dog"];

    /// <summary>From the data set's folder, whose prompts_and_classes.txt names subjects, classes and prompts.</summary>
    /// <exception cref="InvalidDataException">The file says something else.</exception>
    public static DreamBooth Load(string folder)
    {
        var file = Path.Combine(folder, "prompts_and_classes.txt");
        var lines = TextLines.Read(file);
        Dictionary<string, string> classes = [];
        List<string> objects = [], live = [];
        List<string>? prompts = null;
        foreach (var line in lines.Select(line => line.Trim()))
        {
            if (line.StartsWith("Object Prompts", StringComparison.OrdinalIgnoreCase)) prompts = objects;
            else if (line.StartsWith("Live Subject Prompts", StringComparison.OrdinalIgnoreCase)) prompts = live;
            else if (Prompt().Match(line) is { Success: true } prompt) (prompts ?? throw new InvalidDataException($"{file}: a prompt stands before \"Object Prompts\"")).Add(prompt.Groups[1].Value);
            else if (prompts is null && line.Split(',') is [var subject, var name] && subject != "subject_name") classes[subject] = name;
        }

        if (classes.Count == 0 || objects.Count == 0 || live.Count == 0) throw new InvalidDataException($"{file}: {classes.Count} subjects, {objects.Count} and {live.Count} prompts; subjects with classes, object prompts and live subject prompts were wanted");
        return new([.. classes.Keys.Order(StringComparer.Ordinal)], classes, objects, live);
    }

    /// <summary>How many pictures the whole benchmark has: 3,000.</summary>
    public int Wanted => Subjects.Sum(subject => PromptsOf(subject).Count * PicturesPerPrompt);

    public IReadOnlyList<string> PromptsOf(string subject) => liveClasses.Contains(ClassOf[subject]) ? LivePrompts : ObjectPrompts;

    /// <summary>A prompt as pictures are drawn by it, with the subject's rare token; without one it is the caption of CLIP-T, "a dog in the jungle".</summary>
    public string Text(string subject, int prompt, string token = "") => string.Join(' ', PromptsOf(subject)[prompt].Replace("{0}", token, StringComparison.Ordinal).Replace("{1}", ClassOf[subject], StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>The drawn pictures with their captions and subjects; what lies there under another name is refused.</summary>
    public PictureSource Drawn(string folder)
    {
        var all = PictureSource.Open(folder);
        return all.With(i =>
        {
            var picture = all.Pictures[i];
            if (picture.Subject is not { } subject || !ClassOf.ContainsKey(subject)) throw new InvalidDataException($"{folder}: {picture.Name} lies in no subject's folder ({string.Join(", ", Subjects.Take(3))}, …)");
            if (Number().Match(Path.GetFileName(picture.Name)) is not { Success: true } number || int.Parse(number.Groups[1].ValueSpan) is var prompt && prompt >= PromptsOf(subject).Count)
                throw new InvalidDataException($"{folder}: {picture.Name} is not named by its prompt's number, 00 to {PromptsOf(subject).Count - 1}, and its own (07-2.png)");
            return picture with { Captions = [Text(subject, int.Parse(number.Groups[1].ValueSpan))] };
        });
    }

    /// <summary>The photographs of the subjects.</summary>
    public PictureSource Real(string folder)
    {
        string[] files = [.. Subjects.Select(subject => Path.Combine(folder, subject)).Where(Directory.Exists).SelectMany(Directory.EnumerateFiles).Where(file => Path.GetExtension(file).ToLowerInvariant() is ".jpg" or ".jpeg" or ".png").Order(StringComparer.Ordinal)];
        return PictureSource.Of(folder, [.. files.Select(file => new SourcePicture(Path.GetRelativePath(folder, file), [], Path.GetFileName(Path.GetDirectoryName(file))))], files);
    }

    [GeneratedRegex(@"^'(.*\{1\}.*)'\.format\(")]
    private static partial Regex Prompt();

    [GeneratedRegex(@"^(\d\d)-\d+\.\w+$")]
    private static partial Regex Number();
}
