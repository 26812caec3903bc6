using System.Globalization;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Imaging;
using Obverse.Torch;

namespace Obverse.Jobs;

/// <summary>Saves attention maps: a grey picture a word, from black where it was looked at least to white where most, and a sheet with them over the picture.</summary>
internal static class AttentionPictures
{
    public const string Start = "(start)", End = "(end)", Sheet = "attention.png";

    public static IReadOnlyList<AttentionPicture> Save(string folder, AttentionMaps maps, PromptTokens prompt, Picture picture)
    {
        Directory.CreateDirectory(folder);
        using var scope = new TensorScope();
        PromptToken[] tokens = [.. prompt.Chunks.SelectMany(chunk => chunk)];
        var (length, drawn) = (prompt.Chunks[0].Count, picture.ToTensor());
        string NameOf(PromptToken token, int row) => token.Word ?? (row % length == 0 ? Start : End);
        List<AttentionPicture> saved = [];
        List<(Picture, string)> cells = [(picture, "picture")];
        foreach (var group in tokens.Select((token, row) => (Name: NameOf(token, row), Row: row)).GroupBy(one => one.Name))
        {
            var map = maps.Of([.. group.Select(one => one.Row)]);
            var share = map.Mean().Item();
            var (low, high) = (map.Min().Item(), map.Max().Item());
            var plane = ((map - low) / Math.Max(high - low, 1e-12)).Unsqueeze(0).Unsqueeze(0).Resize(picture.Height, picture.Width, Interpolation.Bilinear).Clamp(0, 1);
            var file = Path.Combine(folder, $"{saved.Count.ToString("D2", CultureInfo.InvariantCulture)}-{FileNames.Slug(group.Key)}.png");
            plane.Expand(1, 3, picture.Height, picture.Width).Contiguous().ToPicture().Save(file);
            cells.Add(((drawn * (plane * 0.85 + 0.15)).ToPicture(), string.Create(CultureInfo.InvariantCulture, $"{group.Key} {share * 100:0.0} %")));
            saved.Add(new(group.Key, share, file));
        }

        ContactSheet.Draw(cells, (int)Math.Ceiling(Math.Sqrt(cells.Count)), Math.Clamp(Math.Max(picture.Width, picture.Height), 128, 256), "cross-attention, mean over layers, heads and steps").Save(Path.Combine(folder, Sheet));
        return saved;
    }
}
