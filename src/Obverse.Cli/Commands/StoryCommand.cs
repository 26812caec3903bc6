using System.CommandLine;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse story`: a sentence a picture, all of one reference (SD-IPC, App. E).</summary>
internal static class StoryCommand
{
    public static Command Create(Screen screen)
    {
        var file = new Argument<string>("FILE") { Description = "Sentences, one per line; or .jsonl with {\"prompt\": …, \"seed\": …, \"file\": …}. \"-\" reads standard input." };
        var pictures = new Option<string[]>("--reference") { HelpName = "IMAGE[:W]", Description = "The picture that the story is about. May be given several times, with weights.", Required = true };
        var output = new Option<string>("--out", "-o") { HelpName = "FOLDER", Description = "Folder for the pictures; pictures already there are not drawn again.", Required = true };
        var chain = Flags.Number("--chain", "W", "Take the picture before, too, as a reference of this weight: what a sentence brought in stays. [default: 0, each picture from the reference alone]", 0, 1000);
        var references = new ReferenceOptions();
        var sampling = new SamplingOptions();
        var command = new Command("story",
            """
            Draw a picture for each sentence of a file, all about one reference picture (SD-IPC, appendix E): each is the
            picture changed by the sentence, as `obverse vary IMAGE --edit SENTENCE` does it, with one seed for all.

              obverse story rusty.txt --reference robot.jpg -o story
              obverse story rusty.txt --reference robot.jpg --chain 0.3 --alpha 0.7 -o story
            """)
        {
            file, pictures, output, chain,
        };
        references.AddTo(command);
        sampling.AddModelTo(command);
        command.SetAction(parsed =>
        {
            var (path, folder, weight) = (parsed.GetRequiredValue(file), parsed.GetRequiredValue(output), parsed.GetValue(chain) ?? 0);
            SampleReference[] given = [.. parsed.GetRequiredValue(pictures).Select(SampleReference.Parse)];
            string? before = null;
            return SampleBatch.Run(screen, sampling, parsed, SampleLines.Read(path, ofPictures: false, screen.Stop), folder, Path.GetFileName(path), (line, job, workshop) =>
            {
                // The picture before is there by now: one is drawn after the other.
                SampleReference[] all = before is not null && weight > 0 && File.Exists(before) ? [.. given, SampleReference.Parse(before) with { Weight = weight }] : given;
                before = Path.Combine(folder, line.File);
                return job with { References = references.Of(parsed, workshop, all, line.Prompt) };
            });
        });
        return command;
    }
}
