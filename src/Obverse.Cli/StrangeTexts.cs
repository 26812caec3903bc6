using System.Globalization;
using Obverse.Evaluation;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Retrieval;

namespace Obverse.Cli;

/// <summary>Says which texts a model does not read to their end, and which it was never taught.</summary>
internal sealed class StrangeTexts(Screen screen, bool json)
{
    public void Tell(LoadedModel model, Prompt prompt)
    {
        CutTexts.Tell(screen, model, prompt.Texts.Select(part => part.Text!));

        // Only of the zoo's towers is it known what they were taught.
        if (!Zoo.Names.Contains(model.Name)) return;
        Knowledge? knowledge = null;
        try
        {
            foreach (var part in prompt.Texts.Where(part => part.Weight > 0 && ImageNet.NamedBy(part.Text!).Count == 0))
            {
                var found = (knowledge ??= new Knowledge(model.Encoder)).Of(part.Text!);
                if (found.IsFamiliar) continue;
                if (json) screen.Json(new { Event = "unfamiliar", part.Text, Nearest = found.Nearest.Select(near => new { near.Name, near.Cosine }) });
                else screen.Note($"{model.Name} knows nothing near \"{part.Text}\"; the nearest it knows: {string.Join(", ", found.Nearest.Select(near => string.Create(CultureInfo.InvariantCulture, $"{near.Name} ({near.Cosine:0.00})")))}");
            }
        }
        finally
        {
            knowledge?.Dispose();
        }
    }
}
