using System.CommandLine;

namespace Obverse.Cli.Commands;

/// <summary>`obverse recipes`: the recipes with their five parts.</summary>
internal static class RecipesCommand
{
    public static Command Create(Screen screen)
    {
        var named = new Argument<string[]>("NAME") { Arity = ArgumentArity.ZeroOrMore, Description = "Show only these recipes, by name or file." };
        var quality = DrawingOptions.QualityOption();
        var json = Flags.Json("Print JSON: one recipe as a file for `--recipe FILE.json`, several as one line each.");
        var command = new Command("recipes",
            """
            List the recipes of `obverse invert --recipe` with their five parts. A canvas is seen through views by an encoder,
            judged by an objective and moved by a schedule.

              obverse recipes
              obverse recipes --quality best
              obverse recipes das --json > mine.json
            """)
        {
            named, quality, json,
        };
        command.SetAction(parsed =>
        {
            string[] names = parsed.GetValue(named) is { Length: > 0 } given ? given : [.. Recipes.Names];
            foreach (var name in names)
            {
                var recipe = Recipes.Named(name, parsed.GetValue(quality) ?? Quality.Normal);
                if (parsed.GetValue(json))
                {
                    screen.SayLines(recipe.ToJson(isIndented: names.Length == 1));
                    continue;
                }

                screen.Say($"{recipe.Name}: {recipe.About}");
                screen.Say($"  canvas     {recipe.Canvas}");
                screen.Say($"  views      {recipe.Views}");
                screen.Say($"  encoder    {(recipe.Sides.Count == 0 ? "the model at its own input size" : $"the model at {string.Join(", ", recipe.Sides)} pixels, losses summed")}");
                screen.Say($"  objective  {recipe.Objective}");
                screen.Say($"  schedule   {recipe.Schedule}");
                if (recipe.Schedule.Progressive is { } progressive) screen.Say($"             progressive resolution {progressive}");
                if (recipe.Bank is { } bank) screen.Say($"  bank       {bank}");
            }

            return 0;
        });
        return command;
    }
}
