using System.CommandLine;
using Obverse.Jobs;

namespace Obverse.Cli.Commands;

/// <summary>`obverse recipes`: the recipes with their five parts.</summary>
internal static class RecipesCommand
{
    public static Command Create(Screen screen)
    {
        var named = new Argument<string[]>("NAME") { Arity = ArgumentArity.ZeroOrMore, Description = "Show only these recipes, by name or file." };
        var quality = DrawingOptions.QualityOption();
        var size = Flags.Parsed<PictureSize?>("--size", "N|WxH", "The picture's size, which some numbers follow. [default: 128]", text => PictureSize.Parse(text));
        var json = Flags.Json("Print JSON: one recipe as a file for `--recipe FILE.json`, several as one line each.");
        var command = new Command("recipes",
            """
            List the recipes of `obverse invert --recipe` with their five parts. A canvas is seen through views by an encoder,
            judged by an objective and moved by a schedule.

              obverse recipes
              obverse recipes --quality best
              obverse recipes das --json > mine.json
              obverse recipes clipag --quality draft --size 64 --json > quick.json

            A file keeps the numbers of the quality and size that it was written for.
            """)
        {
            named, quality, size, json,
        };
        command.SetAction(parsed =>
        {
            string[] names = parsed.GetValue(named) is { Length: > 0 } given ? given : [.. Recipes.Names];
            foreach (var name in names)
            {
                var (width, height) = parsed.GetValue(size) is { } side ? (side.Width, side.Height) : (128, 128);
                var recipe = Recipes.Named(name, parsed.GetValue(quality) ?? Quality.Normal, width, height);
                if (parsed.GetValue(json))
                {
                    screen.SayLines(recipe.ToJson(isIndented: names.Length == 1));
                    continue;
                }

                screen.Say($"{recipe.Name}: {recipe.About}");
                screen.Say($"  canvas     {PartJson.Line(recipe.Canvas)}");
                screen.Say($"  views      {PartJson.Line(recipe.Views)}");
                screen.Say($"  encoder    {(recipe.Sides.Count == 0 ? "the model at its own input size" : $"the model at {string.Join(", ", recipe.Sides)} pixels, losses summed")}");
                screen.Say($"  objective  {PartJson.Line(recipe.Objective)}");
                screen.Say($"  schedule   {PartJson.Line(recipe.Schedule with { Progressive = null })}");
                if (recipe.Schedule.Progressive is { } progressive) screen.Say($"             progressive resolution {progressive}");
                if (recipe.Bank is { } bank) screen.Say($"  bank       {bank}");
            }

            return 0;
        });
        return command;
    }
}
