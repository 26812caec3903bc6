using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Models;

namespace Obverse.Training;

/// <summary>How many views of each picture a feature cache holds.</summary>
public sealed record ViewCounts
{
    /// <summary>Random crops of each photograph; sets of more than 100 pictures a class are thinned to <see cref="PhotosPerClass"/>.</summary>
    public int Photos { get; init; } = 3;
    public int PhotosPerClass { get; init; } = 500;

    /// <summary>Backgrounds that each drawing is laid on.</summary>
    public int Drawings { get; init; } = 8;

    /// <summary>Compositions in all: colours, blur, night, sunset, snow, two things side by side.</summary>
    public int Compositions { get; init; } = 24_000;
}

/// <summary>What a view is made of.</summary>
public enum ViewKind { Photo, Drawing, Composition }

/// <summary>What a view shows. Photographs are captioned from their class; drawings from their concept and backdrop; compositions carry their captions.</summary>
/// <param name="Kind">Which part of the loss it serves.</param>
/// <param name="Picture">Index of its (first) picture in the set.</param>
/// <param name="Backdrop">The name of the colour behind a drawing.</param>
/// <param name="Captions">True sentences about a composition.</param>
public sealed record ViewRow(ViewKind Kind, int Picture, string? Backdrop = null, IReadOnlyList<string>? Captions = null);

/// <summary>
/// The training views of a <see cref="PictureSet"/> in one shuffled row, so that any beginning of it is a fair sample. View i is a
/// function of the seed and i alone; any number of threads may render.
/// </summary>
public sealed class PictureViews
{
    private readonly PictureSet set;
    private readonly ulong seed;
    private readonly (ViewKind Kind, int Picture)[] plan;
    private readonly int[] pictures;

    /// <param name="set">Pictures with names.</param>
    /// <param name="model">Whose half of the drawn styles to use, see <see cref="EmojiStyle.SeenBy"/>.</param>
    /// <param name="seed">Decides order, crops, backdrops, effects.</param>
    /// <param name="counts">How many of each kind.</param>
    /// <param name="only">Which of the pictures that the model may see; null: all.</param>
    public PictureViews(PictureSet set, string model, ulong seed, ViewCounts counts, Func<PictureEntry, bool>? only = null)
    {
        (this.set, this.seed) = (set, seed);
        Dictionary<(string, string), int> taken = [];
        pictures = [.. set.SeenBy(model).Where(i =>
        {
            if (only?.Invoke(set.Entries[i]) == false) return false;
            if (!set.Entries[i].IsPhoto) return true;
            var key = (set.Entries[i].Style, set.Entries[i].Label);
            return (taken[key] = taken.GetValueOrDefault(key) + 1) <= counts.PhotosPerClass;
        })];
        List<(ViewKind, int)> all = [];
        foreach (var i in pictures)
        {
            var photo = set.Entries[i].IsPhoto;
            // Where a class has hundreds of photographs one view of each is enough.
            var views = !photo ? counts.Drawings : taken[(set.Entries[i].Style, set.Entries[i].Label)] > 100 ? 1 : counts.Photos;
            for (var v = 0; v < views; v++) all.Add((photo ? ViewKind.Photo : ViewKind.Drawing, i));
        }

        var random = RandomFor(ulong.MaxValue);
        for (var c = 0; c < counts.Compositions && pictures.Length > 0; c++) all.Add((ViewKind.Composition, pictures[random.Next(pictures.Length)]));
        plan = [.. all];
        random.Shuffle(plan);
    }

    public int Count => plan.Length;

    public ViewKind KindOf(int index) => plan[index].Kind;

    /// <summary>View <paramref name="index"/> as RGB bytes [side, side, 3].</summary>
    public (byte[] Rgb, ViewRow Row) Render(int index, int side)
    {
        var (kind, picture) = plan[index];
        var random = RandomFor((ulong)index);
        if (kind == ViewKind.Composition) return Compose(picture, side, random);
        var (rgb, backdrop) = Thing(picture, side, side, random);
        return (rgb, new(kind, picture, backdrop));
    }

    private Random RandomFor(ulong index)
    {
        var mixed = (seed + 1) * 0x9E3779B97F4A7C15UL ^ (index + 1) * 0xBF58476D1CE4E5B9UL; // splitmix64's constants
        mixed = (mixed ^ mixed >> 31) * 0x94D049BB133111EBUL;
        return new((int)(mixed >> 33));
    }

    /// <summary>A photograph cropped (60-100 % of its area, sides 4:5 to 5:4) and perhaps mirrored, or a drawing (60-95 % of the side) somewhere on a coloured ground.</summary>
    private (byte[] Rgb, string? Backdrop) Thing(int picture, int width, int height, Random random)
    {
        var (rgba, w, h) = set.Read(picture);
        if (set.Entries[picture].IsPhoto)
        {
            var area = (0.6 + 0.4 * random.NextDouble()) * w * h;
            var aspect = Math.Exp((random.NextDouble() * 2 - 1) * Math.Log(1.25)) * width / height;
            var (cw, ch) = (Math.Clamp((int)Math.Round(Math.Sqrt(area * aspect)), 8, w), Math.Clamp((int)Math.Round(Math.Sqrt(area / aspect)), 8, h));
            var (left, top) = (random.Next(w - cw + 1), random.Next(h - ch + 1));
            var crop = new byte[cw * ch * 3];
            var mirrored = random.Next(2) == 0;
            for (int y = 0, to = 0; y < ch; y++)
                for (var x = 0; x < cw; x++, to += 3)
                    rgba.AsSpan(((top + y) * w + left + (mirrored ? cw - 1 - x : x)) * 4, 3).CopyTo(crop.AsSpan(to));
            return (Resample.Bytes(crop, cw, ch, 3, width, height), null);
        }

        var backdrop = Backdrop.All[random.Next(Backdrop.All.Count)].Shade(random);
        var size = Math.Max(1, (int)(Math.Min(width, height) * (0.6 + 0.35 * random.NextDouble())));
        var drawing = Resample.Premultiplied(rgba, w, h, 4, size, size);
        var (atX, atY) = (random.Next(width - size + 1), random.Next(height - size + 1));
        var laid = new byte[width * height * 4];
        for (var y = 0; y < size; y++) drawing.AsSpan(y * size * 4, size * 4).CopyTo(laid.AsSpan(((atY + y) * width + atX) * 4));
        return (backdrop.Under(laid), backdrop.Name);
    }

    private (byte[] Rgb, ViewRow Row) Compose(int picture, int side, Random random)
    {
        var (rgb, backdrop) = Thing(picture, side, side, random);
        var name = NameOf(picture, random);
        var thing = English.WithArticle(name);
        string[] captions;
        switch (random.Next(7))
        {
            case 0 or 1:
                var other = pictures[random.Next(pictures.Length)];
                var second = English.WithArticle(NameOf(other, random));
                // Half of each half: two squares side by side, or one above the other.
                var beside = random.Next(4) != 0;
                var (w, h) = beside ? (side / 2, side) : (side, side / 2);
                var a = Thing(picture, w, h, random).Rgb;
                var b = Thing(other, w, h, random).Rgb;
                rgb = beside ? Beside(a, b, w, h) : [.. a, .. b];
                captions = beside
                    ? [$"{thing} next to {second}", $"{thing} and {second}", $"{thing} beside {second}", $"a picture of {thing} and {second}", $"{second} to the right of {thing}"]
                    : [$"{thing} above {second}", $"{second} below {thing}", $"{thing} and {second}", $"{second} under {thing}"];
                break;
            case 2 or 3:
                var (colour, r, g, b2) = PictureEffects.Colours[random.Next(PictureEffects.Colours.Count)];
                PictureEffects.Tint(rgb, r, g, b2, 0.75 + 0.25 * random.NextDouble());
                captions = colour == "black and white"
                    ? [$"a black and white photo of {thing}", $"{thing} in black and white", $"a black and white picture of {thing}"]
                    : [English.WithArticle($"{colour} {name}"), $"a picture of {English.WithArticle($"{colour} {name}")}", $"{colour} {name}", $"{thing} in {colour} light", $"{thing}, {colour} tones"];
                break;
            case 4:
                rgb = PictureEffects.Blur(rgb, side, 4 + random.Next(5));
                captions = [$"a blurry photo of {thing}", $"a blurry picture of {thing}", $"{thing}, out of focus", $"a blurred {name}"];
                break;
            case 5:
                var night = random.Next(2) == 0;
                if (night) PictureEffects.Night(rgb, 0.25 + 0.2 * random.NextDouble());
                else PictureEffects.Sunset(rgb, side);
                captions = night
                    ? [$"{thing} at night", $"a photo of {thing} at night", $"{thing} in the dark", $"{name} at night"]
                    : [$"{thing} at sunset", $"a photo of {thing} at sunset", $"{thing} in the evening light", $"{name} at sunset"];
                break;
            default:
                PictureEffects.Snow(rgb, side, random);
                captions = [$"{thing} in the snow", $"a photo of {thing} in the snow", $"{thing} in a snowstorm", $"snow falling on {thing}"];
                break;
        }

        return (rgb, new(ViewKind.Composition, picture, backdrop, captions));
    }

    // The first name is the one people say.
    private string NameOf(int picture, Random random)
    {
        var entry = set.Entries[picture];
        return random.NextDouble() < 0.7 ? entry.Name : entry.Names[random.Next(entry.Names.Count)];
    }

    private static byte[] Beside(byte[] left, byte[] right, int width, int height)
    {
        var both = new byte[left.Length + right.Length];
        var row = width * 3;
        for (var y = 0; y < height; y++)
        {
            left.AsSpan(y * row, row).CopyTo(both.AsSpan(2 * y * row));
            right.AsSpan(y * row, row).CopyTo(both.AsSpan(2 * y * row + row));
        }

        return both;
    }
}
