namespace Obverse;

/// <summary>
/// The peak of the learning rate moves from the shallowest parameter group to the deepest over the run, its neighbours falling off as a Gaussian of
/// <paramref name="Width"/> layers, never below <paramref name="Floor"/> (CLIP^-1; spec implicit-inversion.md 2.3).
/// </summary>
/// <param name="Width">Standard deviation, in layers.</param>
/// <param name="Floor">Least share of the rate.</param>
/// <param name="From">Layer at which the peak starts (above 0 in editing, which leaves shallow layers unchanged).</param>
/// <param name="Frozen">The first N layers are frozen: their rate is 0.</param>
public sealed record LayerSweep([property: Limit(1e-6, 1e6)] double Width = 1, [property: Limit(0, 1)] double Floor = 0, double From = 0, [property: Limit(0, 8192)] int Frozen = 0)
{
    /// <summary>The share of the rate that layer <paramref name="layer"/> of <paramref name="layers"/> has.</summary>
    public double At(int step, int steps, int layer, int layers)
    {
        if (layer < Frozen) return 0;
        var peak = steps == 1 ? From : From + (layers - 1 - From) * step / (steps - 1);
        return Math.Max(Math.Exp(-(layer - peak) * (layer - peak) / (2 * Width * Width)), Floor);
    }
}
