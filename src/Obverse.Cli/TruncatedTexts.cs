using Obverse.Files;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>Warns on stderr, with --json too, about texts longer than the context length of the text encoder, and where they are truncated.</summary>
internal static class TruncatedTexts
{
    private const int Shown = 3;

    public static void Warn(Screen screen, LoadedModel model, IEnumerable<string> texts)
    {
        var context = model.Encoder.Model.Config.Text.ContextLength;
        var cut = 0;
        foreach (var text in texts)
        {
            if (model.Encoder.Model.Tokenizer!.FirstCut(text, context) is not { } first || ++cut > Shown) continue;
            screen.Note($"\"{Visible.Start(text)}\" is longer than the {context} tokens of {model.Name}: truncated at word {first.Place}, \"{Visible.Start(first.Word)}\"");
        }

        if (cut > Shown) screen.Note($"{cut - Shown} more texts are truncated");
    }
}
