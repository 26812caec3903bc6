using Obverse.Torch;

namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// A picture drawn anew from what the tower keeps of it (spec implicit-inversion.md 2.9): the target is the picture's embedding, the start a random FINER or, with a bank, the entry whose picture
    /// is nearest; never the picture itself. Numbers as in <see cref="ImplicitPlain"/>.
    /// </summary>
    public static Recipe Reconstruct(Quality quality = Quality.Normal, int width = 128, int height = 128) => ImplicitPlain(quality, width, height) with
    {
        Name = "reconstruct",
        About = "a picture drawn anew from its embedding alone, as implicit-plain draws a text (`obverse reconstruct`)",
    };
}
