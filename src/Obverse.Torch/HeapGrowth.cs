namespace Obverse.Torch;

/// <summary>
/// Looks now and then at how much memory the process holds, and hands back what nothing uses once that has grown by an eighth: what glibc before 2.38 cannot use again (its bug 14581) adds up over
/// hundreds of steps, and to take it back every step would cost time.
/// </summary>
public sealed class HeapGrowth
{
    /// <summary>Steps between looks.</summary>
    public const int Every = 16;

    private const double Much = 1.125;

    private readonly Func<long> held;
    private readonly Action giveBack;
    private long usual;
    private int steps;

    public HeapGrowth() : this(() => Environment.WorkingSet, Runtime.ReturnFreeMemory)
    {
    }

    internal HeapGrowth(Func<long> held, Action giveBack) => (this.held, this.giveBack) = (held, giveBack);

    /// <summary>To be called after each step.</summary>
    public void AfterStep()
    {
        if (++steps % Every != 0) return;
        var now = held();
        if (usual == 0) usual = now;
        if (now <= usual * Much) return;
        giveBack();
        usual = Math.Max(usual, held()); // what is left is used: a later stage may need more
    }
}
