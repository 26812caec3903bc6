using System.CommandLine;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse edit`: a picture moved toward a text.</summary>
internal static class EditCommand
{
    public static Command Create(Screen screen)
    {
        var image = new Argument<string>("IMAGE") { Description = "The picture to edit." };
        var text = new Argument<string>("TEXT") { Description = "The prompt to move it toward; parts and weights as in `obverse invert`." };
        var mask = Flags.Text("--mask", "IMAGE", "Change the picture only where the mask is white (or opaque).");
        var moves = new MoveOptions("edit", "Where to write. [default: a name made of picture and text, in this folder]");
        var command = new Command("edit",
            """
            Move a picture toward a text. An implicit representation is fitted to it and optimised with its two shallowest
            layers frozen. Reports the gain (cosines under the model and the judge) and the cost (PSNR, SSIM).

              obverse edit street.jpg "heavy snow"
              obverse edit street.jpg "heavy snow" --mixes 0.2,0.4,0.6,0.8 -o snow.png
            """)
        {
            image, text, mask,
        };
        moves.AddTo(command);
        command.SetAction(parsed => moves.Run(parsed, screen, parsed.GetRequiredValue(image), Prompt.Parse(parsed.GetRequiredValue(text)).Parts, parsed.GetValue(mask)));
        return command;
    }
}
