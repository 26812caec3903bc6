using System.Text.Json;

namespace Obverse.Training;

/// <summary>Everything a pretraining run depends on beside its data; a checkpoint carries it, and goes on only under the same.</summary>
public sealed record ClipPretrainingOptions
{
    private static readonly JsonSerializerOptions json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Decides weights, order of data, captions. Batches are a function of seed and step alone.</summary>
    public ulong Seed { get; init; } = 7;

    /// <summary>Length of the run in optimiser steps; null where <see cref="Minutes"/> says it.</summary>
    public long? Steps { get; init; }

    /// <summary>Length of the run in minutes of work, interruptions not counted; the learning rate follows it.</summary>
    public double? Minutes { get; init; }

    /// <summary>Strings of the teacher in a batch.</summary>
    public int Strings { get; init; } = 128;

    /// <summary>Definitions in a batch; of each eight one defines a class.</summary>
    public int Glosses { get; init; } = 48;

    /// <summary>Class names and synonyms in a batch, bare and in templates.</summary>
    public int Names { get; init; } = 48;

    /// <summary>Captioned photographs, drawings and compositions in a batch.</summary>
    public int Photos { get; init; } = 48;
    public int Drawings { get; init; } = 48;
    public int Compositions { get; init; } = 32;

    /// <summary>Weights of the parts of the loss: cosine to t(s); its classes; the teacher's own embedding; exact names; picture-caption contrast.</summary>
    public double TargetWeight { get; init; } = 1;
    public double ClassWeight { get; init; } = 0.1;
    public double TeacherWeight { get; init; } = 0.5;
    public double NameWeight { get; init; } = 1;
    public double PairWeight { get; init; } = 0.2;
    public double WordingWeight { get; init; } = 2;

    /// <summary>Texts with embeddings to come out as (<see cref="WordingLessons"/>), or null.</summary>
    public WordingOptions? Wordings { get; init; }

    /// <summary>Scale of the cosines in the class parts of the loss (ln 1/0.05: softer than CLIP's 100, as t(s) is a mixture).</summary>
    public double ClassScale { get; init; } = 20;

    public double Rate { get; init; } = 1e-3;

    /// <summary>Rate of the image projection; 0 locks it.</summary>
    public double ProjectionRate { get; init; }

    /// <summary>How much the projection is held: weight of the relative squared distance between its embeddings and those it began with.</summary>
    public double HoldWeight { get; init; } = 1;

    /// <summary>Photographs whose class the classifier knows, in a batch of their own for the projection; they cost no text. 0 where it is locked.</summary>
    public int LabelledPhotos { get; init; }
    public double LabelledWeight { get; init; } = 0.2;

    public long Warmup { get; init; } = 200;
    public double WeightDecay { get; init; } = 0.05;
    public double ClipNorm { get; init; } = 1;

    /// <summary>Decay a step of the averaged weights that are the result; 0: the last weights.</summary>
    public double Average { get; init; } = 0.998;

    /// <summary>Groups of like length that a batch of strings is run in, so that few padded tokens are computed.</summary>
    public int LengthGroups { get; init; } = 4;

    /// <summary>Products of the text tower in bfloat16 (<see cref="Torch.Autocast"/>): several times faster where the processor has AVX512-BF16 or AMX, slower elsewhere.</summary>
    public bool BFloat16 { get; init; }

    public int Threads { get; init; } = 1;
    public double CheckpointMinutes { get; init; } = 3;
    public int LogEvery { get; init; } = 50;

    public string ToJson() => JsonSerializer.Serialize(this, json);

    public static ClipPretrainingOptions FromJson(string text) => JsonSerializer.Deserialize<ClipPretrainingOptions>(text, json) ?? throw new InvalidDataException("pretraining options: null");

    /// <summary>What must be equal for a checkpoint to go on: not the length of the run, nor how it is watched.</summary>
    internal ClipPretrainingOptions Essence => this with { Steps = null, Minutes = null, Threads = 0, CheckpointMinutes = 0, LogEvery = 0 };
}
