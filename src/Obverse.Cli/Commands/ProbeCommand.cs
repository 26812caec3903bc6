using System.CommandLine;
using Obverse.Jobs;
using Obverse.Retrieval;

namespace Obverse.Cli.Commands;

/// <summary>`obverse probe`: what a model makes of words.</summary>
internal static class ProbeCommand
{
    public static Command Create(Screen screen)
    {
        var prompts = new Argument<string[]>("PROMPT") { Description = "Several texts to compare, such as one and its negation.", Arity = ArgumentArity.OneOrMore };
        var options = new PictureOptions("The sheet; pictures and a CSV go beside it. [default: a name made of the first prompt, in this folder]");
        var command = new Command("probe",
            """
            Draw several prompts side by side and measure what the model takes each for: the cosine of every drawing to every
            prompt, by the model and by the judge. With a bank (pocket-clipag has one), each is also drawn turned toward pictures by Procrustes, and
            as CLIP^-1 whole; the captions of the pictures nearest to each target are shown, before and after the turn.

              obverse probe "a dog" "not a dog"
              obverse probe "a dog" "not a dog" "no dogs at all" --bank bank.safetensors -o negation.png
            """)
        {
            prompts,
        };
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var session = options.Session(parsed, screen);
            return new Probe(screen, session with { Bank = session.Bank ?? ZooBank.Of(session.Model) }, [.. parsed.GetRequiredValue(prompts).Select(text => Jobs.Prompt.Parse(text))]).Begin();
        });
        return command;
    }
}
