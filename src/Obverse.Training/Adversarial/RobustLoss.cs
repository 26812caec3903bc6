using Obverse.Torch;

namespace Obverse.Training;

/// <summary>What the attack raises and the training lowers: one loss per picture. Made for one batch: it holds the features of the clean pictures, and their captions.</summary>
public sealed class RobustLoss
{
    private readonly AdversarialOptions options;
    private readonly RobustTower student;
    private readonly Tensor? cleanFeatures, probabilities, entropy, texts, shared;

    /// <param name="options">Which objective.</param>
    /// <param name="student">The tower that is attacked.</param>
    /// <param name="teacher">The tower before training; needed for FARE.</param>
    /// <param name="images">Clean pictures, [n, 3, s, s].</param>
    /// <param name="texts">Normalised embeddings of their captions, [n, D]; needed for CLIPAG.</param>
    /// <param name="groups">Pictures of equal groups are true of each other's captions; null: each stands alone.</param>
    public RobustLoss(AdversarialOptions options, RobustTower student, RobustTower? teacher, Tensor images, Tensor? texts, IReadOnlyList<string>? groups = null)
    {
        (this.options, this.student) = (options, student);
        using var still = new NoGrad();
        if (options.Objective != RobustObjective.Clipag)
        {
            if (teacher is null) throw new ArgumentNullException(nameof(teacher), "adversarial training: FARE needs the original model as teacher");
            cleanFeatures = teacher.Features(images);
            probabilities = teacher.Scores(cleanFeatures).Softmax(1);
            entropy = (probabilities * (probabilities + 1e-12).Log()).Sum(1);
        }

        if (options.Objective != RobustObjective.Fare)
        {
            this.texts = texts ?? throw new ArgumentNullException(nameof(texts), "adversarial training: CLIPAG needs captions");
            var n = (int)texts.Size(0);
            if (groups is null) shared = Tensor.Eye(n);
            else
            {
                var same = new float[n * n];
                for (var a = 0; a < n; a++)
                {
                    var count = groups.Count(g => g == groups[a]);
                    for (var b = 0; b < n; b++) same[a * n + b] = groups[a] == groups[b] ? 1f / count : 0;
                }

                shared = Tensor.From(same, n, n); // rows sum to one, and it is symmetric
            }
        }
    }

    /// <summary>How often attacked pictures were given the class that the clean ones have; by the last <see cref="Of"/>.</summary>
    public double? Agreement { get; private set; }

    /// <summary>[n, 3, s, s] to [n].</summary>
    public Tensor Of(Tensor images)
    {
        var now = student.Features(images);
        Tensor? loss = null;
        if (cleanFeatures is not null)
        {
            var scores = student.Scores(now).LogSoftmax(1);
            var divergence = entropy! - (probabilities! * scores).Sum(1); // KL(p || q)
            loss = divergence + (now - cleanFeatures).Square().Sum(1) / cleanFeatures.Square().Sum(1) * options.DistanceWeight;
            Agreement = scores.Detach().Argmax(1).EqualTo(probabilities!.Argmax(1)).To(DType.Float32).Mean().Item();
        }

        if (texts is not null)
        {
            var e = student.Embed(now);
            Tensor pairs;
            if (options.Pairwise) pairs = 1 - (e * texts).Sum(1);
            else
            {
                var logits = e.Matmul(texts.T()) * student.LogitScale.Detach().Exp();
                pairs = ((shared! * logits.LogSoftmax(1)).Sum(1) + (shared! * logits.T().LogSoftmax(1)).Sum(1)) * -0.5; // a row for its texts, a column for its pictures
            }

            loss = loss is null ? pairs : loss + pairs * options.CaptionWeight;
        }

        return loss!;
    }
}
