using System.CommandLine;

namespace Obverse.Cli.Commands;

/// <summary>`obverse recipes`: the ways to draw, with their five parts.</summary>
internal static class RecipesCommand
{
    public static Command Create(Screen screen)
    {
        var quality = InvertCommand.QualityOption("[default: normal]");
        var json = Flags.Switch("--json", "Print a JSON object a recipe.");
        var command = new Command("recipes",
            """
            List the recipes for `obverse invert --recipe`: a canvas, seen through views by an encoder, judged by an
            objective, moved by a schedule.

              obverse recipes
              obverse recipes --quality best
            """)
        {
            quality, json,
        };
        command.SetAction(parsed =>
        {
            foreach (var name in Recipes.Names)
            {
                var recipe = Recipes.Named(name, parsed.GetValue(quality) ?? Quality.Normal);
                if (parsed.GetValue(json))
                {
                    screen.Say(recipe.ToJson());
                    continue;
                }

                screen.Say($"{name}: {recipe.About}");
                screen.Say($"  canvas     {recipe.Canvas}");
                screen.Say($"  views      {recipe.Views}");
                screen.Say($"  encoder    {(recipe.Sides.Count == 0 ? "the model, at its own size" : $"the model at {string.Join(", ", recipe.Sides)} pixels, added")}");
                screen.Say($"  objective  {recipe.Objective}");
                screen.Say($"  schedule   {recipe.Schedule}");
                if (recipe.Prior is { } prior) screen.Say($"  bank       {prior}");
                if (recipe.Pace is { } pace) screen.Say($"  pace       {pace}");
            }

            return 0;
        });
        return command;
    }
}
