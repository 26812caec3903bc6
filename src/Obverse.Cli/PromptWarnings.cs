using System.Globalization;
using Obverse.Evaluation;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;

namespace Obverse.Cli;

/// <summary>Warns about texts of a prompt that a model truncates, and texts that are unfamiliar to it.</summary>
internal sealed class PromptWarnings(Screen screen, bool json)
{
    public void Show(LoadedModel model, Prompt prompt)
    {
        TruncatedTexts.Warn(screen, model, prompt.Texts.Select(part => part.Text!));

        // The training concepts are known for the zoo's encoders only.
        if (!Zoo.Names.Contains(model.Name)) return;
        KnownConcepts? concepts = null;
        try
        {
            foreach (var part in prompt.Texts.Where(part => part.Weight > 0 && ImageNet.NamedBy(part.Text!).Count == 0))
            {
                var found = (concepts ??= new KnownConcepts(model.Encoder)).Of(part.Text!);
                if (found.IsFamiliar) continue;
                if (json) screen.Json(new { Event = "unfamiliar", part.Text, Nearest = found.Nearest.Select(near => new { near.Name, near.Cosine }) });
                else screen.Note($"\"{part.Text}\" is unfamiliar to {model.Name}; nearest concepts: {string.Join(", ", found.Nearest.Select(near => string.Create(CultureInfo.InvariantCulture, $"{near.Name} ({near.Cosine:0.00})")))}");
            }
        }
        finally
        {
            concepts?.Dispose();
        }
    }
}
