using System.CommandLine;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse diffuse`: a prompt becomes a picture by Stable Diffusion.</summary>
internal static class DiffuseCommand
{
    private const double UsualStrength = 0.6;

    public static Command Create(Screen screen)
    {
        var prompt = new Argument<string?>("PROMPT") { Arity = ArgumentArity.ZeroOrOne, Description = "The prompt, of any length. (word), [word] and (word:1.3) weight words, \\( and \\[ are letters, BREAK starts a new chunk." };
        var init = Flags.Text("--init", "IMAGE", "Start from this picture, stretched to the size (image to image).");
        var strength = Flags.Number("--strength", "S", "With --init: the fraction of the steps that are taken. [default: 0.6; 1 with --mask]", 0.001, 1);
        var mask = Flags.Text("--mask", "IMAGE", "With --init: change the picture only where the mask is white (or opaque).");
        var words = Flags.Text("--mask-words", "WORDS", "Hide these words of the prompt from the cross-attention (SD-IPC, Fig. 2): separated by commas, or \"*\" for all, which leaves start, end and padding.");
        var before = Flags.Switch("--mask-before-softmax", "With --mask-words: lower the words' scores before the softmax, so that the rest shares their weight.");
        var attention = Flags.Text("--attention", "DIR", "Save where each word was looked for: a picture a word, and a contact sheet.");
        var sampling = new SamplingOptions();
        var command = new Command("diffuse",
            """
            Draw a picture from a prompt by Stable Diffusion 1.x.

              obverse diffuse "a drawing of a banana" --n 4
              obverse diffuse "a (red:1.3) fox in [snow]" --negative "blurry"
              obverse diffuse "a lighthouse" --model stable-diffusion-v1-4 --sampler euler --steps 25 --size 512
              obverse diffuse "an oil painting" --init photo.jpg --strength 0.5
              obverse diffuse "a red hat" --init me.jpg --mask hat.png
              obverse diffuse "a red fox" --mask-words fox --attention maps
              obverse diffuse --batch prompts.jsonl -o out

            The PNG stores its job: `obverse replay` draws it again. A picture that is stopped or killed goes on by the same
            command, or by --resume, from a checkpoint that is saved every 20 seconds beside it.
            """)
        {
            prompt, init, strength, mask, words, before, attention,
        };
        sampling.AddTo(command);
        command.SetAction(parsed =>
        {
            var (text, from, map) = (parsed.GetValue(prompt), parsed.GetValue(init), parsed.GetValue(mask));
            if (parsed.GetValue(sampling.Resume) is { } checkpoint)
            {
                SamplingOptions.MustBeAlone(command, parsed, text is not null);
                return new SamplingSession(screen, sampling, parsed).Resume(checkpoint, sampling.Stored.Of(parsed));
            }

            SampleJob Of(SampleJob job, string written, string? picture, double? changes, string? masked) => job with
            {
                Prompt = Checked(written), Start = Start(picture, changes, masked), MaskedWords = Words(parsed.GetValue(words)), MasksBeforeSoftmax = parsed.GetValue(before),
            };
            if (parsed.GetValue(before) && parsed.GetValue(words) is null) throw new UsageException("--mask-before-softmax needs --mask-words, the words to hide");
            if (parsed.GetValue(sampling.Batch) is { } batch)
            {
                if (text is not null) throw new UsageException("give a prompt or --batch, not both");
                if (parsed.GetValue(attention) is not null) throw new UsageException("--attention looks at one picture; draw it without --batch");
                var folder = parsed.GetValue(sampling.Out) ?? throw new UsageException("--batch needs --out, the folder for the pictures");
                return SampleBatch.Run(screen, sampling, parsed, SampleLines.Read(batch, ofPictures: false, screen.Stop), folder, Path.GetFileName(batch),
                    (line, job, _) => Of(job, line.Prompt!, line.Init ?? from, line.Strength ?? parsed.GetValue(strength), line.Mask ?? map));
            }

            if (text is null) throw new UsageException("no prompt given: give a text, such as \"a drawing of a banana\", or --batch");
            Checked(text);
            if (from is null && parsed.GetValue(strength) is not null) throw new UsageException("--strength needs --init, the picture to start from");
            var start = Start(from, parsed.GetValue(strength), map); // an unreadable one fails before anything is loaded
            return new SamplingSession(screen, sampling, parsed) { Named = FileNames.Slug(text), Wanted = text, Attention = parsed.GetValue(attention) }.Run((job, _) => Of(job, text, null, null, null) with { Start = start });
        });
        return command;
    }

    private static string Checked(string text)
    {
        if (string.IsNullOrWhiteSpace(text)) throw new UsageException("the prompt is empty: give a text, such as \"a drawing of a banana\"");
        if (File.Exists(text)) throw new UsageException($"{text} is a file, a text was wanted; `obverse vary` takes a picture as the prompt, and --init starts from one");
        return text;
    }

    private static SampleStart? Start(string? picture, double? strength, string? mask)
    {
        if (picture is null) return mask is null ? null : throw new UsageException("--mask needs --init, the picture to change");
        foreach (var path in new[] { picture, mask }) if (path is not null) _ = Picture.Load(path);
        return new(StoredFile.Of(picture), strength ?? (mask is null ? UsualStrength : 1), mask is null ? null : StoredFile.Of(mask));
    }

    private static ValueList<string>? Words(string? given)
    {
        if (given is null) return null;
        string[] words = [.. given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(word => word.ToLowerInvariant()).Distinct()];
        return words.Length > 0 ? [.. words] : throw new UsageException($"--mask-words: '{given}' was given, words of the prompt, or \"*\", were wanted");
    }
}
