using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>Says on stderr, with --json too, which texts a model does not read to their end, and from which word on: a row of ids has room for so many, and the rest is dropped.</summary>
internal static class CutTexts
{
    private const int Told = 3;

    public static void Tell(Screen screen, LoadedModel model, IEnumerable<string> texts)
    {
        var context = model.Encoder.Model.Config.Text.ContextLength;
        var cut = 0;
        foreach (var text in texts)
        {
            if (model.Encoder.Model.Tokenizer!.FirstCut(text, context) is not { } first || ++cut > Told) continue;
            screen.Note($"\"{Start(text)}\" is longer than the {context} tokens that {model.Name} reads: cut at word {first.Place}, \"{Start(first.Word)}\"; the rest is not seen");
        }

        if (cut > Told) screen.Note($"{cut - Told} more texts are cut");
    }

    private static string Start(string text) => text.Length > 40 ? text[..40] + "…" : text;
}
