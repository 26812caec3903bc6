using Obverse.Imaging;

namespace Obverse.Training;

/// <summary>A sample of a picture set, by seed: half photographs and half drawings (where there are enough), each half evenly over its classes: none has two more than another that has any left.</summary>
internal static class PictureSetSample
{
    /// <returns>Photographs and drawings in turn, so that the first thousand are a sample, too.</returns>
    /// <exception cref="ArgumentException">More than there are.</exception>
    public static IReadOnlyList<int> Of(PictureSet set, int[] all, int count, int seed)
    {
        if (count > all.Length) throw new ArgumentException($"{count} pictures were asked for; the set has {all.Length} that may be taken");
        var random = new Random(seed);
        var (photos, drawings) = (Dealt(all.Where(i => set.Entries[i].IsPhoto)), Dealt(all.Where(i => !set.Entries[i].IsPhoto)));
        var half = Math.Clamp(count - count / 2, count - drawings.Length, photos.Length);
        return [.. InTurn(photos[..half]).Concat(InTurn(drawings[..(count - half)])).OrderBy(one => one.Turn).Select(one => one.Picture)];

        // Round after round, one of each class.
        int[] Dealt(IEnumerable<int> some)
        {
            int[][] classes = [.. some.GroupBy(i => set.Entries[i].IsPhoto ? $"{set.Entries[i].Style}/{set.Entries[i].Label}" : set.Entries[i].Label).Select(one => one.ToArray())];
            random.Shuffle(classes);
            foreach (var one in classes) random.Shuffle(one);
            return [.. Enumerable.Range(0, classes.Max(one => (int?)one.Length) ?? 0).SelectMany(round => classes.Where(one => round < one.Length).Select(one => one[round]))];
        }

        static IEnumerable<(int Picture, double Turn)> InTurn(int[] some) => some.Select((picture, n) => (picture, (n + 0.5) / some.Length));
    }
}
