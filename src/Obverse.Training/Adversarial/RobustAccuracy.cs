using Obverse.Evaluation;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>How many pictures are named rightly as they are, and after an attack that knows the weights.</summary>
/// <param name="Clean">As they are.</param>
/// <param name="Attacked">After <paramref name="Steps"/> steps within <paramref name="Eps"/> (L2, pixels in 0 … 1, at the side they are seen at).</param>
public sealed record RobustAccuracy(TopAccuracy Clean, TopAccuracy Attacked, double Eps, int Steps)
{
    /// <param name="tower">Whose class scores are asked.</param>
    /// <param name="pictures">RGB bytes [side, side, 3] with the classes that count as right, the attacked one first.</param>
    /// <param name="side">In pixels.</param>
    /// <param name="attack">How they are attacked: cross-entropy of the right class is raised.</param>
    /// <param name="batch">At once.</param>
    public static RobustAccuracy Measure(RobustTower tower, IEnumerable<(byte[] Rgb, int[] Right)> pictures, int side, AttackOptions attack, int batch = 25)
    {
        var (clean, attacked, count) = ((One: 0, Five: 0), (One: 0, Five: 0), 0);
        foreach (var some in pictures.Chunk(batch))
        {
            using var scope = new TensorScope();
            var images = PictureBatches.ToTensor([.. some.Select(p => p.Rgb)], side);
            var right = Tensor.From([.. some.Select(p => (long)p.Right[0])], some.Length).Reshape(-1, 1);
            (int One, int Five) Count(Tensor x)
            {
                using var still = new NoGrad();
                var top = tower.Scores(tower.Features(x)).TopK(5).Indices.ToArray<long>();
                return (some.Where((p, i) => p.Right.Contains((int)top[i * 5])).Count(), some.Where((p, i) => top.Skip(i * 5).Take(5).Any(c => p.Right.Contains((int)c))).Count());
            }

            var was = Count(images);
            var now = Count(Attacks.Pgd(x => -tower.Scores(tower.Features(x)).LogSoftmax(1).Gather(1, right).Squeeze(1), images, attack));
            clean = (clean.One + was.One, clean.Five + was.Five);
            attacked = (attacked.One + now.One, attacked.Five + now.Five);
            count += some.Length;
        }

        TopAccuracy Of((int One, int Five) hits) => new(hits.One / (double)count, hits.Five / (double)count, count);
        return new(Of(clean), Of(attacked), attack.Eps, attack.Steps);
    }

    public override string ToString() => FormattableString.Invariant($"clean {Clean}; PGD-{Steps} within {Eps:F2}: {Attacked.Top1:P1} / {Attacked.Top5:P1}");
}
