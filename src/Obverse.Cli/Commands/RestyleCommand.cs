using System.CommandLine;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse restyle`: a picture moved toward the style of another, or of a text.</summary>
internal static class RestyleCommand
{
    private static readonly string[] extensions = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"];

    public static Command Create(Screen screen)
    {
        var content = new Argument<string>("CONTENT") { Description = "The picture that gives the content and layout." };
        var style = new Option<string>("--style") { HelpName = "IMAGE|TEXT", Description = "The picture or text that gives the style.", Required = true };
        var moves = new MoveOptions("restyle", "Where to write. [default: a name made of picture and style, in this folder]");
        var command = new Command("restyle",
            """
            Move a picture toward the style of another picture or a text. Works as `obverse edit`, but the shallow layers,
            which hold the layout, are frozen and only the deep ones move.

              obverse restyle cat.jpg --style "a watercolour"
              obverse restyle cat.jpg --style mosaic.jpg --mix 0.8
            """)
        {
            content, style,
        };
        moves.AddTo(command);
        command.SetAction(parsed => moves.Run(parsed, screen, parsed.GetRequiredValue(content), Parts(parsed.GetRequiredValue(style)), mask: null));
        return command;
    }

    // A file that is there, or that is named like a picture, is a picture.
    private static IReadOnlyList<PromptPart> Parts(string style) =>
        Directory.Exists(style) ? throw new UsageException($"--style: {style} is a folder; a picture or a text was wanted") : File.Exists(style) || extensions.Contains(Path.GetExtension(style).ToLowerInvariant()) ? [new(null, 1, style)] : Prompt.Parse(style).Parts;
}
