using System.CommandLine;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse diffuse`: a prompt becomes a picture by Stable Diffusion.</summary>
internal static class DiffuseCommand
{
    public static Command Create(Screen screen)
    {
        var prompt = new Argument<string>("PROMPT") { Description = "The prompt; what does not fit the text encoder's context is cut." };
        var init = Flags.Text("--init", "IMAGE", "Start from this picture, stretched to the size (image to image).");
        var strength = Flags.Number("--strength", "S", "With --init: the fraction of the steps that are taken. [default: 0.6]", 0.001, 1);
        var sampling = new SamplingOptions();
        var command = new Command("diffuse",
            """
            Draw a picture from a prompt by Stable Diffusion 1.x.

              obverse diffuse "a drawing of a banana" --n 4
              obverse diffuse "a lighthouse" --model stable-diffusion-v1-4 --sampler euler --steps 25 --size 512
              obverse diffuse "an oil painting" --init photo.jpg --strength 0.5
            """)
        {
            prompt, init, strength,
        };
        sampling.AddTo(command);
        command.SetAction(parsed =>
        {
            var text = parsed.GetRequiredValue(prompt);
            if (string.IsNullOrWhiteSpace(text)) throw new UsageException("the prompt is empty: give a text, such as \"a drawing of a banana\"");
            if (File.Exists(text)) throw new UsageException($"{text} is a file, a text was wanted; `obverse vary` takes a picture as the prompt, and --init starts from one");
            var picture = parsed.GetValue(init);
            if (picture is null && parsed.GetValue(strength) is not null) throw new UsageException("--strength needs --init, the picture to start from");
            if (picture is not null) _ = Picture.Load(picture); // an unreadable one fails before anything is loaded
            return sampling.Run(screen, parsed, FileNames.Slug(text), text, job => job with { Prompt = text, Start = picture is null ? null : new(StoredFile.Of(picture), parsed.GetValue(strength) ?? 0.6) });
        });
        return command;
    }
}
