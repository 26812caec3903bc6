using System.Text.Json.Nodes;
using Obverse.Torch;

namespace Obverse.Models;

/// <summary>What a network says of a noisy latent: the noise in it, or the velocity √ᾱ·noise - √(1-ᾱ)·latent (Salimans and Ho 2022).</summary>
public enum Prediction { Epsilon, Velocity }

/// <summary>How betas lie between their ends: in a line, in a line of their roots (Stable Diffusion's), or so that ᾱ falls as a squared cosine (Nichol and Dhariwal 2021).</summary>
public enum BetaSchedule { Linear, ScaledLinear, Cosine }

/// <summary>Which of the training's times a sampler visits: whole strides from 0 up, or from the last one down ("trailing"), or evenly from one end to the other.</summary>
public enum TimestepSpacing { Leading, Trailing, Linspace }

/// <summary>How much noise a latent has at each time of the training, from <c>scheduler/scheduler_config.json</c>; what a file leaves out is diffusers' default.</summary>
public sealed record NoiseSchedule
{
    private double[]? products;

    public int Steps { get; init; } = 1000;
    public double BetaStart { get; init; } = 0.0001;
    public double BetaEnd { get; init; } = 0.02;
    public BetaSchedule Betas { get; init; } = BetaSchedule.Linear;
    public Prediction Prediction { get; init; }

    /// <summary>The sampler that the file is written for, PNDMScheduler and so on; its defaults differ.</summary>
    public string Sampler { get; init; } = "PNDMScheduler";
    public TimestepSpacing Spacing { get; init; } = TimestepSpacing.Leading;

    /// <summary>Added to every time of leading spacing.</summary>
    public int Offset { get; init; }

    /// <summary>Beyond the first time there is a latent without noise; else its noise is that of time 0 (sd-ipc.md 6.7, 5).</summary>
    public bool FinalIsClean { get; init; }

    /// <summary>DDIM cuts what it takes for the clean latents to -1 … 1, as the pixel models it was made for want it; Stable Diffusion's do not.</summary>
    public bool ClipsClean { get; init; }

    /// <summary>Noise levels after Karras et al. 2022, eq. 5, for the samplers that know sigmas.</summary>
    public bool Karras { get; init; }

    /// <summary>Stable Diffusion 1.x's, as it is shipped.</summary>
    public static NoiseSchedule StableDiffusion1 { get; } = new() { BetaStart = 0.00085, BetaEnd = 0.012, Betas = BetaSchedule.ScaledLinear, Offset = 1 };

    /// <summary>ᾱ of each time: the share of the latent's variance that is signal.</summary>
    public IReadOnlyList<double> AlphaProducts => products ??= Products();

    /// <summary>√ᾱ latents + √(1-ᾱ) noise, a time a row.</summary>
    public Tensor AddNoise(Tensor latents, Tensor noise, ReadOnlySpan<long> times)
    {
        var (signal, rest) = Roots(times, latents);
        return latents * signal + noise * rest;
    }

    /// <summary>√ᾱ noise - √(1-ᾱ) latents, a time a row.</summary>
    public Tensor Velocity(Tensor latents, Tensor noise, ReadOnlySpan<long> times)
    {
        var (signal, rest) = Roots(times, latents);
        return noise * signal - latents * rest;
    }

    public static NoiseSchedule Load(string path)
    {
        var json = ComponentConfig.Read(path, type: null);
        var sampler = json.Word("_class_name", "PNDMScheduler");
        json.Only("trained_betas", null).Only("thresholding", false).Only("rescale_betas_zero_snr", false);
        return Of(sampler, json);
    }

    internal static NoiseSchedule Of(string sampler, ComponentConfig json) => new()
    {
        Sampler = sampler, Steps = json.Whole("num_train_timesteps", 1000), BetaStart = json.Positive("beta_start", 0.0001), BetaEnd = json.Positive("beta_end", 0.02),
        Betas = json.Word("beta_schedule", "linear") switch { "linear" => BetaSchedule.Linear, "scaled_linear" => BetaSchedule.ScaledLinear, "squaredcos_cap_v2" => BetaSchedule.Cosine, var other => throw json.NotBuilt($"beta_schedule '{other}'", "linear, scaled_linear and squaredcos_cap_v2") },
        Prediction = json.Word("prediction_type", "epsilon") switch { "epsilon" => Prediction.Epsilon, "v_prediction" => Prediction.Velocity, var other => throw json.NotBuilt($"prediction_type '{other}'", "epsilon and v_prediction") },
        Spacing = json.Word("timestep_spacing", sampler is "PNDMScheduler" or "DDIMScheduler" ? "leading" : "linspace") switch { "leading" => TimestepSpacing.Leading, "trailing" => TimestepSpacing.Trailing, "linspace" => TimestepSpacing.Linspace, var other => throw json.NotBuilt($"timestep_spacing '{other}'", "leading, trailing and linspace") },
        Offset = (int)json.Number("steps_offset", 0), FinalIsClean = json.Flag("set_alpha_to_one", sampler == "DDIMScheduler"), Karras = json.Flag("use_karras_sigmas", false),
        ClipsClean = json.Flag("clip_sample", sampler is "DDIMScheduler" or "DDPMScheduler"),
    };

    public void Save(string path) => ComponentConfig.Write(path, Sampler, new JsonObject
    {
        ["beta_end"] = BetaEnd, ["beta_schedule"] = Betas switch { BetaSchedule.Linear => "linear", BetaSchedule.ScaledLinear => "scaled_linear", _ => "squaredcos_cap_v2" }, ["beta_start"] = BetaStart, ["clip_sample"] = ClipsClean,
        ["num_train_timesteps"] = Steps, ["prediction_type"] = Prediction == Prediction.Epsilon ? "epsilon" : "v_prediction", ["set_alpha_to_one"] = FinalIsClean, ["skip_prk_steps"] = true, ["steps_offset"] = Offset,
        ["timestep_spacing"] = Spacing switch { TimestepSpacing.Leading => "leading", TimestepSpacing.Trailing => "trailing", _ => "linspace" },
    });

    // Betas are float32 numbers, and so are what they leave and their products, as in diffusers: in double they would be off by 1e-6 of those that models were trained with.
    private double[] Products()
    {
        var (found, product) = (new double[Steps], 1.0);
        for (var t = 0; t < Steps; t++) found[t] = (float)(product *= 1 - Beta(t));
        return found;
    }

    private float Beta(int t)
    {
        double Cosine(int at) => Math.Pow(Math.Cos((at / (double)Steps + 0.008) / 1.008 * Math.PI / 2), 2);
        return Betas switch
        {
            BetaSchedule.Linear => Between((float)BetaStart, (float)BetaEnd, t),
            BetaSchedule.ScaledLinear => Between((float)Math.Sqrt(BetaStart), (float)Math.Sqrt(BetaEnd), t) is var root ? root * root : 0,
            _ => (float)Math.Min(1 - Cosine(t + 1) / Cosine(t), 0.999),
        };
    }

    // torch.linspace: from the nearer end.
    private float Between(float from, float to, int t)
    {
        var step = Steps == 1 ? 0 : (to - from) / (Steps - 1);
        return t < Steps / 2 ? from + step * t : to - step * (Steps - 1 - t);
    }

    // [n, 1, 1, 1] each
    private (Tensor Signal, Tensor Noise) Roots(ReadOnlySpan<long> times, Tensor like)
    {
        var (signal, rest) = (new float[times.Length], new float[times.Length]);
        for (var i = 0; i < times.Length; i++) (signal[i], rest[i]) = ((float)Math.Sqrt(AlphaProducts[(int)times[i]]), (float)Math.Sqrt(1 - AlphaProducts[(int)times[i]]));
        Tensor Column(float[] numbers) => Tensor.From(numbers, numbers.Length, 1, 1, 1).To(like.Device);
        return (Column(signal), Column(rest));
    }
}
