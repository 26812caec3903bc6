namespace Obverse;

public static partial class Recipes
{
    /// <summary>
    /// VQGAN+CLIP as nerdyrodent and EleutherAI have it (spec canvases.md 5.6, right column): Adam 0.1 on the latent, 32 cutouts of the "latest" family, spherical distance, the latent held in the
    /// codebook's range. Theirs: 512 px, 500 steps (`best`), f16 with 16,384 codes, a start of random codes, which on pocket-vqgan's 4 pixels a code is confetti, and stays much of it for a hundred steps: here the start is
    /// the encoding of noise, which the specification names too.
    /// </summary>
    [Recipe]
    public static Recipe Vqgan(Quality quality = Quality.Normal, int width = 128, int height = 128) => new()
    {
        Name = "vqgan",
        About = "VQGAN+CLIP: the latent of a VQGAN, drawn by its decoder, seen through VQGAN+CLIP's latest cutouts",
        Canvas = new VqganLatent(StartsFromNoise: true),
        Views = Views.Of(Choose(quality, 8, 32, 32)).LatestCutouts(CutoutSide(width, height)),
        Objective = Objective.Toward(Distance.Spherical),
        Schedule = Schedule.Adam(0.1).Steps(Choose(quality, 60, 150, 500)),
    };

    /// <summary>The same with Crowson's numbers (left column): the classic cutouts, 64 of them, Adam 0.05.</summary>
    [Recipe]
    public static Recipe VqganClassic(Quality quality = Quality.Normal, int width = 128, int height = 128) => Vqgan(quality, width, height) with
    {
        Name = "vqgan-classic",
        About = "VQGAN+CLIP with the first notebook's numbers: classic cutouts, a lower rate",
        Views = Views.Of(Choose(quality, 16, 64, 64)).ClassicCutouts(CutoutSide(width, height)),
        Schedule = Schedule.Adam(0.05).Steps(Choose(quality, 60, 150, 400)),
    };

    // A CLIP's usual input side, or the whole picture where that is smaller: cutouts are resized to it, and the encoder resizes them to its own.
    private static int CutoutSide(int width, int height) => Math.Min(224, Math.Min(width, height));
}
