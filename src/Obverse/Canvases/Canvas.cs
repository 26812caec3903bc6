using Obverse.Torch;

namespace Obverse;

/// <summary>What a picture is made of: parameters that render to pixels. One canvas may hold several pictures (a batch), all of one size.</summary>
public abstract class Canvas : IDisposable
{
    /// <summary>How many pictures this canvas holds.</summary>
    public abstract long Count { get; }

    /// <summary>Rows of what <see cref="Render()"/> gives.</summary>
    public abstract long Height { get; }
    public abstract long Width { get; }

    /// <summary>The parameters in named groups, shallow (coarse) to deep (fine); a schedule gives each its own rate.</summary>
    public abstract IReadOnlyList<(string Name, IReadOnlyList<Tensor> Parameters)> Groups { get; }

    /// <summary>The rendered parameters: [count, 3, height, width], differentiable, not yet forced into [0, 1].</summary>
    public abstract Tensor Render();

    /// <summary>The same at another size, for progressive resolution: equal, or nearly so, to <see cref="Render()"/> resized.</summary>
    public virtual Tensor Render(long height, long width) => Render() is var raw && (raw.Size(2), raw.Size(3)) == (height, width) ? raw : raw.Resize(height, width, Interpolation.Bilinear, antialias: true);

    /// <summary>
    /// The picture that is given to views, encoder and objective. The default clamps with clamp_with_grad: outside [0, 1] only a gradient that would move a value back inside passes
    /// (Crowson's notebooks; spec canvases.md 5.6); a plain clamp would kill the gradient of saturated pixels.
    /// </summary>
    public virtual Tensor Present(Tensor raw) => raw.ClampWithGrad(0, 1);

    /// <summary>Called before step <paramref name="step"/>; true where the parameters were replaced, so that moments must be forgotten.</summary>
    public virtual bool Grow(int step) => false;

    /// <summary>Called when gradients are there and the optimiser has not yet moved.</summary>
    public virtual void BeforeStep()
    {
    }

    /// <summary>What must hold after every step.</summary>
    public virtual void Constrain()
    {
    }

    /// <summary>The finished pictures, [count, 3, h, w] in [0, 1].</summary>
    public virtual Tensor Show() => Finish(Render());

    /// <summary>The finished pictures from what <see cref="Render()"/> gave.</summary>
    public virtual Tensor Finish(Tensor raw) => raw.Detach().Clamp(0, 1);

    /// <summary>The finished pictures at another size; canvases that are functions of place do better than enlarging.</summary>
    public virtual Tensor Show(long height, long width) => Show() is var shown && shown.Size(2) == height && shown.Size(3) == width ? shown : shown.Resize(height, width, Interpolation.Bicubic, antialias: true).Clamp(0, 1);

    /// <summary>Rows <paramref name="top"/> … of <see cref="Show(long, long)"/>, without the rest; null: this canvas, at this size, can only be shown as a whole.</summary>
    public virtual Tensor? ShowRows(long height, long width, long top, long count) => null;

    /// <summary>Tensors that make this canvas again, by name.</summary>
    public virtual IEnumerable<KeyValuePair<string, Tensor>> State() => Groups.SelectMany(group => group.Parameters.Select((p, i) => KeyValuePair.Create($"{group.Name}.{i}", p)));

    /// <summary>Takes the parameters over from <see cref="State"/> of a canvas of the same plan and size.</summary>
    public virtual void Restore(Func<string, Tensor> state)
    {
        using var still = new NoGrad();
        foreach (var (name, parameter) in State())
        {
            using var saved = state(name);
            parameter.CopyInPlace(saved);
        }
    }

    public virtual void Dispose()
    {
        foreach (var (_, parameters) in Groups)
        {
            foreach (var parameter in parameters) parameter.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>A parameter that lives as long as the canvas.</summary>
    protected static Tensor Leaf(Func<Tensor> make)
    {
        var leaf = Tensor.Owned(() => make().Detach().Clone());
        leaf.RequiresGrad = true;
        return leaf;
    }
}
