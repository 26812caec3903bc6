using Obverse.Diffusion;
using Obverse.Models;

namespace Obverse.Training;

/// <summary>How a Stable Diffusion model is fine-tuned to pictures.</summary>
public enum TuningMethod
{
    /// <summary>SD-IPC-CT (sd-ipc.md 6.5): one concept, 30 updates at a constant rate, pictures as prompts alone.</summary>
    Concept,

    /// <summary>SD-IPC-FT (6.4): classes of pictures, cosine decay, with a caption's loss beside it.</summary>
    FineTuning,

    /// <summary>Custom Diffusion (Kumari et al. 2023) as diffusers trains it: keys and values, a word, and prior pictures of the class.</summary>
    CustomDiffusion,
}

/// <summary>What SD-IPC moves: picture prompts (C) and keys and values of the UNet's cross-attention (U), or a layer in the place of the pseudo-inverse (FC).</summary>
public enum TuningParts { Both, Prompts, KeyValues, Linear, LinearFromInverse }

/// <summary>Which picture a reference picture is to become.</summary>
public enum TuningTarget
{
    /// <summary>Itself.</summary>
    Same,

    /// <summary>Another one of its class (A/B training, sd-ipc.md 6.4).</summary>
    Other,

    /// <summary>Any one of its class, itself among them.</summary>
    Any,
}

/// <summary>How a model is tuned; a checkpoint goes on only under the same.</summary>
public sealed record TuningOptions : LoopOptions
{
    public TuningOptions() => (Batch, Rate, Average, Warmup, Floor, LogEvery) = (4, 1e-5, 0, 0, 0, 1);

    public TuningMethod Method { get; init; }
    public TuningParts Parts { get; init; }
    public TuningTarget Target { get; init; } = TuningTarget.Other;

    /// <summary>Deep prompts a block of a vision transformer, and where they stand.</summary>
    public int Prompts { get; init; } = DeepPrompts.UsualCount;
    public PromptPlacement Placement { get; init; }

    /// <summary>Rate of the picture prompts over that of the rest.</summary>
    public double PromptRate { get; init; } = 1;

    /// <summary>Weight of the caption's loss (eq. 9); 0: none.</summary>
    public double TextWeight { get; init; } = 1;

    /// <summary>Of the converted vector; null: 27.5 and 27, which belong to CLIP ViT-L/14.</summary>
    public NormRule Norm { get; init; }
    public double? Length { get; init; }
    public double Cutoff { get; init; } = PromptConverter.DefaultCutoff;

    /// <summary>Probability that a picture is mirrored.</summary>
    public double Flip { get; init; } = 0.5;

    /// <summary>Of the UNet: less memory for more time.</summary>
    public bool Recomputes { get; init; }

    /// <summary>Custom Diffusion's word, and the word whose embedding it begins with.</summary>
    public string Token { get; init; } = "<new1>";
    public string Initializer { get; init; } = "ktn";

    /// <summary>Pictures of the class that the model draws itself before it is tuned, and the weight of their loss; 0: none.</summary>
    public int Priors { get; init; } = 200;
    public double PriorWeight { get; init; } = 1;

    /// <summary>Pictures are made smaller and larger, and the loss counts only where there is picture (diffusers' train_custom_diffusion.py).</summary>
    public bool Augments { get; init; } = true;

    /// <summary>Hash of everything outside that the result depends on: model, CLIP, pictures.</summary>
    public string Inputs { get; init; } = "";

    internal override double Beta2 => 0.999;

    internal override double RateOf(string name) => name.StartsWith(Tuning.PromptPrefix, StringComparison.Ordinal) ? PromptRate : 1;

    /// <summary>SD-IPC-CT: 30 updates of batches of 2 at 5e-6; which of the pictures is reference and which target is drawn each time.</summary>
    public static TuningOptions Concept { get; } = new() { Method = TuningMethod.Concept, Steps = 30, Batch = 2, Rate = 5e-6, Floor = 1, Target = TuningTarget.Any, TextWeight = 0 };

    /// <summary>SD-IPC-FT: batches of 4, 1e-5 with cosine decay; the number of updates is the caller's (100 epochs in the paper).</summary>
    public static TuningOptions FineTuning { get; } = new() { Method = TuningMethod.FineTuning };

    /// <summary>Custom Diffusion: 250 updates of batches of 2, at 1e-5 times the batch.</summary>
    public static TuningOptions CustomDiffusion { get; } = new() { Method = TuningMethod.CustomDiffusion, Parts = TuningParts.KeyValues, Steps = 250, Batch = 2, Rate = 2e-5, Floor = 1 };

    /// <summary>As the command line and the delta have it.</summary>
    public static string NameOf(TuningParts parts) => parts switch { TuningParts.Both => "CU", TuningParts.Prompts => "C", TuningParts.KeyValues => "U", TuningParts.Linear => "FC", _ => "FC(I)" };

    public static string NameOf(TuningMethod method) => method switch { TuningMethod.Concept => "ct", TuningMethod.FineTuning => "ft", _ => "custom-diffusion" };
}
