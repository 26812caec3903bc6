using System.CommandLine;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse edit`: a text added to a picture.</summary>
internal static class EditCommand
{
    public static Command Create(Screen screen)
    {
        var image = new Argument<string>("IMAGE") { Description = "The picture." };
        var text = new Argument<string>("TEXT") { Description = "What it is moved toward; parts and weights as in `obverse invert`." };
        var mask = Flags.Text("--mask", "IMAGE", "Change the picture only where this one is white (or opaque).");
        var moves = new MoveOptions("edit", "Where to write. [default: a name made of picture and text, in this folder]");
        var command = new Command("edit",
            """
            Move a picture toward a text: an implicit representation is fitted to it and changed, its two coarsest
            layers frozen. Reports what was gained (cosines of the model and of the judge) and what it cost (PSNR, SSIM).

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
