using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Training;

namespace Obverse.Cli;

/// <summary>Some of a picture set's pictures, by seed: half photographs and half drawings (where there are so many), each half dealt out over its classes one by one, so that no class has two more than another that has any left.</summary>
internal static class SetSample
{
    /// <returns>Photographs and drawings in turn, so that the first thousand are a sample, too; all that may be taken, in their order, where no count is given.</returns>
    public static IReadOnlyList<int> Of(PictureSet set, IEnumerable<int> seen, int? count, int seed)
    {
        int[] all = [.. seen];
        if (count is not { } wanted) return all;
        if (wanted > all.Length) throw new UsageException($"--count {wanted} was given; the set has {all.Length} pictures that may be taken");
        var random = new Random(seed);
        var (photos, drawings) = (Dealt(all.Where(i => set.Entries[i].IsPhoto)), Dealt(all.Where(i => !set.Entries[i].IsPhoto)));
        var half = Math.Clamp(wanted - wanted / 2, wanted - drawings.Length, photos.Length);
        return [.. InTurn(photos[..half]).Concat(InTurn(drawings[..(wanted - half)])).OrderBy(one => one.Turn).Select(one => one.Picture)];

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
