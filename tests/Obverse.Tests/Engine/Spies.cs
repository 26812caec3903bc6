using Obverse.Torch;

namespace Obverse.Tests.Engine;

/// <summary>Looks into an inversion from outside: parts around the real ones that tell what passes through them, by name.</summary>
internal static class Spies
{
    /// <summary>
    /// "image", "grad_image", "grad_raw" and "grad_norm" (of all parameters, before it is limited) when the objective is evaluated; "grad.GROUP" of a group's first parameter when gradients are there; "viewsN" and
    /// "embeddingsN" of the N-th encoder [count, views, d].
    /// </summary>
    public static Inversion Inversion(Action<string, Tensor> observe, Canvas canvas, Encoder encoder, Targets targets, Views views, Objective objective, Schedule schedule, ulong seed = 0, Func<int, int, IReadOnlyList<ViewParameters>>? recorded = null)
    {
        var spied = new SpiedCanvas(canvas, observe);
        var members = encoder.Members.Select((member, n) => ((Encoder)new SpiedEncoder(member.Encoder, n, canvas.Count, observe), member.Weight)).ToArray();
        return new()
        {
            Canvas = spied, Encoder = members.Length == 1 ? members[0].Item1 : new EnsembleEncoder(members), Targets = targets, Views = views, Objective = new SpiedObjective(objective, spied, observe), Schedule = schedule, Seed = seed, Recorded = recorded,
        };
    }

    private sealed class SpiedEncoder(Encoder inner, int number, long count, Action<string, Tensor> observe) : Encoder
    {
        public override string Name => inner.Name;
        public override long Dimension => inner.Dimension;
        public override Tensor Embed(IReadOnlyList<string> texts) => inner.Embed(texts);

        public override Tensor Embed(Tensor images)
        {
            observe($"views{number}", images.Detach());
            var embeddings = inner.Embed(images);
            observe($"embeddings{number}", embeddings.Detach().Reshape(count, -1, embeddings.Size(-1)));
            return embeddings;
        }
    }

    private sealed class SpiedCanvas(Canvas inner, Action<string, Tensor> observe) : CanvasWrapper(inner)
    {
        public Tensor? Raw { get; private set; }

        public override Tensor Present(Tensor raw) => Inner.Present(Raw = raw);

        public override void BeforeStep()
        {
            foreach (var (name, parameters) in Groups) observe("grad." + name, parameters[0].Grad!);
            Inner.BeforeStep();
        }
    }

    private sealed record SpiedObjective(Objective Inner, SpiedCanvas Canvas, Action<string, Tensor> Observe) : Objective
    {
        public override Tensor Evaluate(Scene scene)
        {
            var losses = Inner.Evaluate(scene);
            Tensor[] parameters = [.. Canvas.Groups.SelectMany(group => group.Parameters)];
            var gradients = Tensor.Gradients(losses.Sum(), [scene.Image, Canvas.Raw!, .. parameters], keepGraph: true);
            Observe("image", scene.Image.Detach());
            Observe("grad_image", gradients[0]!);
            Observe("grad_raw", gradients[1]!);
            Observe("grad_norm", gradients.Skip(2).OfType<Tensor>().Select(g => g.Square().Sum()).Aggregate((a, b) => a + b).Sqrt());
            return losses;
        }
    }
}
