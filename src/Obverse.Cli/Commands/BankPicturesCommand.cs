using System.CommandLine;
using Obverse.Files;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse bank pictures`: the pictures that the shipped bank is made from.</summary>
internal static class BankPicturesCommand
{
    public static Command Create(Screen screen)
    {
        var data = new Option<string>("--data") { HelpName = "SET", Description = "A picture set that `obverse data pocket` built.", DefaultValueFactory = _ => "pocket-data" };
        var photos = Flags.Text("--dreambooth", "DIR", "Folder of the DreamBooth benchmark; two photographs of each freely licensed subject are taken.");
        var output = new Option<string>("--out", "-o") { HelpName = "FOLDER", Description = "Folder for the pictures and captions.tsv.", Required = true };
        var json = Flags.Json("Print the result as a JSON line.");
        var command = new Command("pictures",
            """
            Save the captioned pictures of the shipped bank: emoji of concrete things (noto, fluent-emoji, fxemoji) on plain
            backgrounds, and photographs. All are freely licensed; sources.tsv lists their origins.

              obverse bank pictures --data pocket-data --dreambooth dreambooth -o bank-pictures
              obverse index build bank-pictures --captions bank-pictures/captions.tsv --model pocket-clipag -o bank.index.safetensors
            """)
        {
            data, photos, output, json,
        };
        command.SetAction(parsed =>
        {
            var folder = parsed.GetRequiredValue(output);
            Directory.CreateDirectory(folder);
            FileNames.MustBeWritable(Path.Combine(folder, "captions.tsv"), 16 << 20);
            using var set = PictureSet.Open(parsed.GetRequiredValue(data));
            var (drawings, photographs) = BankPictures.Write(set, parsed.GetValue(photos), folder, screen.Note);
            if (parsed.GetValue(json)) screen.Json(new { Event = "result", Folder = folder, Drawings = drawings, Photographs = photographs });
            else screen.Say($"{folder}  {drawings} drawings, {photographs} photographs");
            return 0;
        });
        return command;
    }
}
