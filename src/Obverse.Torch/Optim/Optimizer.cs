namespace Obverse.Torch;

/// <summary>Parameters that move at one rate.</summary>
public sealed class ParameterGroup(string name, IReadOnlyList<Tensor> parameters, double rate)
{
    public string Name => name;
    public IReadOnlyList<Tensor> Parameters => parameters;
    public double Rate { get; set; } = rate;
    public double WeightDecay { get; set; }
}

/// <summary>Moves parameters against the gradients that <see cref="Tensor.Backward"/> left in them.</summary>
public abstract class Optimizer(IReadOnlyList<ParameterGroup> groups) : IDisposable
{
    private readonly Dictionary<(Tensor, string), Tensor> state = [];

    public IReadOnlyList<ParameterGroup> Groups => groups;

    public IEnumerable<Tensor> Parameters => groups.SelectMany(group => group.Parameters);

    /// <summary>Steps taken since the start or the last <see cref="Reset"/>.</summary>
    public long Steps { get; private set; }

    /// <summary>One step; parameters without a gradient stay.</summary>
    public void Step()
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        Steps++;
        foreach (var group in groups)
        {
            foreach (var parameter in group.Parameters)
            {
                if (parameter.Grad is { } gradient) Move(group, parameter, gradient);
            }
        }
    }

    public void ZeroGrad()
    {
        foreach (var parameter in Parameters) parameter.Grad = null;
    }

    /// <summary>Scales all gradients together so that their common length is at most <paramref name="limit"/>; returns what it was (torch.nn.utils.clip_grad_norm_).</summary>
    public double ClipNorm(double limit)
    {
        using var still = new NoGrad();
        using var scope = new TensorScope();
        Tensor[] gradients = [.. Parameters.Select(p => p.Grad).OfType<Tensor>()];
        if (gradients.Length == 0) return 0;
        var norm = Tensor.Stack([.. gradients.Select(g => g.Norm())]).Norm().Item();
        var factor = limit / (norm + 1e-6);
        if (factor < 1)
        {
            foreach (var gradient in gradients) gradient.MulInPlace(factor);
        }

        return norm;
    }

    /// <summary>Forgets all moments, as a newly made optimiser.</summary>
    public void Reset()
    {
        Dispose();
        state.Clear();
        Steps = 0;
    }

    /// <summary>What a checkpoint needs: the moments, named by the parameters' order, and the step count.</summary>
    public Dictionary<string, Tensor> Save()
    {
        var order = Parameters.Select((p, i) => (p, i)).ToDictionary(pair => pair.p, pair => pair.i);
        var saved = state.ToDictionary(pair => $"{order[pair.Key.Item1]}.{pair.Key.Item2}", pair => pair.Value);
        saved["steps"] = Tensor.From([Steps], 1);
        return saved;
    }

    public void Load(Func<string, Tensor?> saved)
    {
        Reset();
        var i = 0;
        foreach (var parameter in Parameters)
        {
            foreach (var slot in Slots)
            {
                if (saved($"{i}.{slot}") is { } moment) state[(parameter, slot)] = Tensor.Owned(() => moment.To(parameter.Device).Clone());
            }

            i++;
        }

        using var steps = saved("steps");
        Steps = steps is null ? 0 : (long)steps.Item();
    }

    public void Dispose()
    {
        foreach (var tensor in state.Values) tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    protected abstract IReadOnlyList<string> Slots { get; }

    protected abstract void Move(ParameterGroup group, Tensor parameter, Tensor gradient);

    /// <summary>A moment of this parameter, zero at first; lives as long as the optimiser.</summary>
    protected Tensor Moment(Tensor parameter, string slot)
    {
        if (!state.TryGetValue((parameter, slot), out var moment)) state[(parameter, slot)] = moment = Tensor.Owned(() => parameter.Detach().ZerosLike());
        return moment;
    }
}
