using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class AutoencoderTests
{
    public static TheoryData<string> Cases => DiffusionFixtures.Cases("vae-");
    public static TheoryData<string> Gaussians => DiffusionFixtures.Cases("gaussian");

    [SkippableTheory, MemberData(nameof(Cases))]
    public void Latents_pictures_and_every_part_on_the_way_are_diffusers(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        var part = one.Part("vae");
        using var weights = ModelFolder.Autoencoder(part, null, Precision.Float32);
        var autoencoder = new Autoencoder(weights, AutoencoderConfig.Load(Path.Combine(part, "config.json")));
        weights.Complete();
        Assert.Equal(one.Settings.GetProperty("scaling_factor").GetDouble(), autoencoder.Config.ScalingFactor);
        foreach (var image in one.Settings.GetProperty("images").Items().Select(i => i.GetString()!))
        {
            var trace = image == one.Settings.GetProperty("trace").GetString() ? new Trace() : null;
            var found = autoencoder.Encode(one["in.image." + image], trace);
            one.Meets("out.mean." + image, found.Mean);
            one.Meets("out.logvar." + image, found.LogVariance);
            var sample = found.Sample(one["in.noise." + image]);
            one.Meets("out.sample." + image, sample);
            one.Meets("out.latents." + image, autoencoder.ToLatents(one["in.image." + image] * 0.5 + 0.5, one["in.noise." + image]));
            one.Meets("out.decoded." + image, autoencoder.Decode(sample, trace));
            if (trace is not null) foreach (var stored in one.Names.Where(n => n.StartsWith("out.trace.", StringComparison.Ordinal))) one.Meets(stored, trace[stored["out.trace.".Length..]]);
        }

        one.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(Gaussians))]
    public void Distributions_are_clamped_sampled_and_compared_as_diffusers_does(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        foreach (var name in one.Names.Where(n => n.StartsWith("in.moments.", StringComparison.Ordinal)).Select(n => n["in.moments.".Length..]).ToArray())
        {
            var found = LatentDistribution.Of(one["in.moments." + name]);
            one.Meets("out.mean." + name, found.Mean);
            one.Meets("out.mode." + name, found.Mean);
            one.Meets("out.logvar." + name, found.LogVariance);
            one.Meets("out.std." + name, (found.LogVariance * 0.5).Exp());
            one.Meets("out.sample." + name, found.Sample(one["in.noise." + name]));
            one.Meets("out.kl." + name, found.Divergence());
        }

        one.EveryOutputIsMet();
    }

    [Fact]
    public void Full_size_has_the_published_number_of_parameters()
    {
        using var scope = new TensorScope();
        using var shapes = Weights.Shapes();
        _ = new Autoencoder(shapes, AutoencoderConfig.StableDiffusion1);
        Assert.Equal(83_653_863, shapes.Outline.Sum(w => w.Shape.Aggregate(1L, (product, side) => product * side)));
    }
}
