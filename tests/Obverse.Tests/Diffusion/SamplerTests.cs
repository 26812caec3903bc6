using System.Text.Json;
using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;
using Obverse.Tests.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class SamplerTests
{
    public static TheoryData<string> Cases => DiffusionFixtures.Cases("scheduler-");
    public static TheoryData<string> Noised => DiffusionFixtures.Cases("add-noise");

    [SkippableTheory, MemberData(nameof(Cases))]
    public void Times_noise_levels_and_whole_ways_are_diffusers(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        var (sampler, schedule) = DiffusionFixtures.Sampler(one.Settings.GetProperty("class").GetString()!, one.Settings.GetProperty("config"), one.Settings.GetProperty("step"));
        if (one.Has("out.alphas_cumprod")) one.Meets("out.alphas_cumprod", Tensor.From([.. schedule.AlphaProducts]));
        foreach (var steps in one.Settings.GetProperty("tables").Items().Select(s => s.GetInt32()))
        {
            var plan = sampler.Plan(schedule, steps);
            one.Meets($"out.timesteps.{steps}", Tensor.From([.. plan.Times]));
            one.Meets($"out.init_noise_sigma.{steps}", Tensor.From([plan.StartScale]));
            if (one.Has($"out.sigmas.{steps}")) one.Meets($"out.sigmas.{steps}", Tensor.From([.. Enumerable.Range(0, plan.Count + 1).Select(plan.Sigma)]));
        }

        // The network of the fixtures.
        Tensor Network(Tensor x, double t) => x * (0.3 * Math.Cos(t / 100)) + 0.2 * Math.Sin(t / 50);
        foreach (var steps in one.Settings.GetProperty("runs").Items().Select(s => s.GetInt32()))
        {
            var plan = sampler.Plan(schedule, steps);
            var (latents, predictions, drawn) = (new List<Tensor> { one["in.latents"] * plan.StartScale }, new List<Tensor>(), 0);
            foreach (var step in sampler.Run(Network, schedule, plan, latents[0], one.Has("in.noise") ? () => one["in.noise"].Select(0, drawn++) : null))
            {
                Assert.Equal((latents.Count - 1, plan.Count), (step.Index, step.Count));
                latents.Add(step.Latents);
                predictions.Add(step.Prediction);
            }

            one.Meets($"out.latents.{steps}", Tensor.Stack(latents));
            one.Meets($"out.model_output.{steps}", Tensor.Stack(predictions));
        }

        one.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(Noised))]
    public void Noise_velocities_and_losses_are_diffusers(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        var (sample, noise, prediction, times) = (one["in.sample"], one["in.noise"], one["in.prediction"], one["in.timesteps"].ToArray<long>());
        foreach (var given in one.Settings.GetProperty("schedulers").EnumerateObject())
        {
            var (sampler, schedule) = DiffusionFixtures.Sampler(given.Value[0].GetString()!, given.Value[1]);
            if (given.Name == "euler")
            {
                var plan = sampler.Plan(schedule, one.Settings.GetProperty("euler_steps").GetInt32());
                one.Meets("out.noisy.euler", Tensor.Stack([.. one["in.euler_index"].ToArray<long>().Select((call, row) => Obverse.Diffusion.Sampler.Noised(plan.From((int)call), sample.Select(0, row), noise.Select(0, row)))]));
                continue;
            }

            one.Meets($"out.noisy.{given.Name}", schedule.AddNoise(sample, noise, times));
            if (!one.Has($"out.velocity.{given.Name}")) continue;
            one.Meets($"out.velocity.{given.Name}", schedule.Velocity(sample, noise, times));
            var errors = (prediction - noise).Square().Mean([1, 2, 3]);
            one.Meets($"out.loss_per_row.epsilon.{given.Name}", errors);
            one.Meets($"out.loss.epsilon.{given.Name}", errors.Mean());
            one.Meets($"out.loss.v.{given.Name}", (prediction - schedule.Velocity(sample, noise, times)).Square().Mean());
        }

        one.EveryOutputIsMet();
    }

    [Fact]
    public void Cut_short_pndm_redoes_its_own_first_step_and_diffusers_redoes_the_second()
    {
        var schedule = NoiseSchedule.StableDiffusion1;
        Assert.Equal([401, 201, 201, 1], new PndmSampler().Plan(schedule, 5, 0.6).Times);
        Assert.Equal([401, 201, 1], new DdimSampler().Plan(schedule, 5, 0.6).Times);
        Assert.Equal([601, 401, 201, 1], new PndmSampler(CutsLikeDiffusers: true).Plan(schedule, 5, 0.6).Times);
        Assert.Equal([601, 401, 201, 1], new PndmSampler(CutsLikeDiffusers: true).Plan(schedule, 5).From(2).Times);
        Assert.Equal([801, 601, 601, 401, 201, 1], new PndmSampler().Plan(schedule, 5, 1).Times);
    }

    [Fact]
    public void Dpm_with_leading_spacing_divides_by_a_step_more()
    {
        Assert.Equal([831, 665, 499, 333, 167], new DpmSampler().Plan(NoiseSchedule.StableDiffusion1, 5).Times);
        Assert.Equal([801, 601, 401, 201, 1], new DdimSampler().Plan(NoiseSchedule.StableDiffusion1, 5).Times);
        Assert.Equal([981, 961, 961, 941], new PndmSampler().Plan(NoiseSchedule.StableDiffusion1, 50).Times.Take(4));
        Assert.Equal(51, new PndmSampler().Plan(NoiseSchedule.StableDiffusion1, 50).Count);
    }

    [Theory, InlineData(0), InlineData(1001), InlineData(-1)]
    public void Steps_that_the_schedule_has_not_are_refused(int steps)
    {
        foreach (var name in Obverse.Diffusion.Sampler.Names) Assert.Contains("1 to 1000", Assert.Throws<ArgumentOutOfRangeException>(() => Obverse.Diffusion.Sampler.Named(name).Plan(NoiseSchedule.StableDiffusion1, steps)).Message);
    }
}

[Collection(nameof(Alone))]
public class SamplerLifetimeTests
{
    public SamplerLifetimeTests() => Alone.Sweep();

    [Fact]
    public void A_sampler_leaves_no_tensors_but_those_it_hands_out()
    {
        using var start = new Generator(1).Normal(1, 4, 2, 2);
        foreach (var name in Obverse.Diffusion.Sampler.Names)
        {
            var sampler = Obverse.Diffusion.Sampler.Named(name);
            var before = Tensor.Live;
            foreach (var step in sampler.Run((x, _) => x * 0.1, NoiseSchedule.StableDiffusion1, sampler.Plan(NoiseSchedule.StableDiffusion1, 6), start, () => start.Clone())) step.Dispose();
            Assert.True(Tensor.Live - before <= 0, $"{name} left {Tensor.Live - before}");
        }
    }
}
