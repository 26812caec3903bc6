using Obverse.Diffusion;
using Obverse.Imaging;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class PipelineTests
{
    public static TheoryData<string> TextToImage => DiffusionFixtures.Cases("txt2img-", "sdipc-generate");
    public static TheoryData<string> ImageToImage => DiffusionFixtures.Cases("img2img-");

    [SkippableTheory, MemberData(nameof(TextToImage))]
    public void A_prompt_with_guidance_is_diffusers_call_by_call_and_to_the_pixels(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var model = StableDiffusionModel.Load(one.Part(""));
        var (sampler, schedule) = DiffusionFixtures.Sampler(one.Settings.GetProperty("scheduler"));
        string[] Texts(string key) => [.. one.Settings.GetProperty(key).Items().Select(t => t.GetString()!)];
        var given = one.Has("in.prompt_embeds");
        var rows = given ? one["in.prompt_embeds"] : model.TextRows(Texts("prompt"));
        var negative = model.TextRows(given ? [""] : Texts("negative"));
        if (!given)
        {
            if (one.Has("out.prompt_embeds")) one.Meets("out.prompt_embeds", rows);
            if (one.Has("out.negative_prompt_embeds")) one.Meets("out.negative_prompt_embeds", negative);
        }

        var plan = sampler.Plan(schedule, one.Settings.GetProperty("steps").GetInt32());
        Follow(one, model, sampler, schedule, plan, one["in.latents"], rows, negative);
    }

    [SkippableTheory, MemberData(nameof(ImageToImage))]
    public void A_picture_to_begin_with_is_diffusers_from_its_latents_to_the_pixels(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var model = StableDiffusionModel.Load(one.Part(""));
        var (sampler, schedule) = DiffusionFixtures.Sampler(one.Settings.GetProperty("scheduler"));
        if (sampler is PndmSampler) sampler = new PndmSampler(CutsLikeDiffusers: true);
        string[] Texts(string key) => [.. one.Settings.GetProperty(key).Items().Select(t => t.GetString()!)];
        var folder = Path.GetDirectoryName(Path.GetDirectoryName(path))!;
        var pictures = Tensor.Cat([.. Texts("images").Select(name => Picture.Load(Fixtures.Require(Path.Combine(folder, name))).ToTensor())]);
        if (one.Has("out.preprocessed")) one.Meets("out.preprocessed", pictures * 2 - 1);
        var plan = sampler.Plan(schedule, one.Settings.GetProperty("steps").GetInt32(), one.Settings.GetProperty("strength").GetDouble());
        var start = Sampler.Noised(plan, model.Autoencoder.ToLatents(pictures, one["in.encode_noise"]), one["in.noise"]);
        one.Meets("out.start", start);
        Follow(one, model, sampler, schedule, plan, start, model.TextRows(Texts("prompt")), model.TextRows(Texts("negative")));
    }

    [SkippableTheory, MemberData(nameof(ImageToImage))]
    public void The_right_levels_of_pndm_are_not_diffusers(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        var (sampler, schedule) = DiffusionFixtures.Sampler(one.Settings.GetProperty("scheduler"));
        Skip.IfNot(sampler is PndmSampler, "another sampler's");
        var (right, cut) = (new PndmSampler(), new PndmSampler(CutsLikeDiffusers: true));
        double Last(Sampler one)
        {
            // A network that knows the clean latents, 1 everywhere, says the same noise of every level, 2, if the levels are right.
            Tensor Knowing(Tensor x, double t) => (x - Math.Sqrt(schedule.AlphaProducts[(int)t])) / Math.Sqrt(1 - schedule.AlphaProducts[(int)t]);
            var plan = one.Plan(schedule, 5, 0.6);
            var end = Tensor.Zeros([1]);
            foreach (var step in one.Run(Knowing, schedule, plan, Sampler.Noised(plan, Tensor.Ones([1, 1, 1, 1]), Tensor.Ones([1, 1, 1, 1]) * 2))) end = step.Latents;
            return end.Item();
        }

        var first = schedule.AlphaProducts[0];
        Assert.Equal(Math.Sqrt(first) + 2 * Math.Sqrt(1 - first), Last(right), 1e-5);
        Assert.NotEqual(Last(right), Last(cut), 1e-2);
    }

    private static void Follow(Case one, StableDiffusionModel model, Sampler sampler, NoiseSchedule schedule, SamplingPlan plan, Tensor start, Tensor rows, Tensor negative)
    {
        one.Meets("out.timesteps", Tensor.From([.. plan.Times]));
        var (latents, predictions) = (new List<Tensor>(), new List<Tensor>());
        foreach (var step in sampler.Run(Denoisers.Guided(model.UNet, rows, negative, one.Settings.GetProperty("guidance").GetDouble()), schedule, plan, start * (one.Has("in.latents") ? plan.StartScale : 1)))
        {
            latents.Add(step.Latents);
            predictions.Add(step.Prediction);
        }

        one.Meets("out.noise_pred", Tensor.Stack(predictions));
        one.Meets("out.latents", Tensor.Stack(latents));
        var decoded = model.Autoencoder.Decode(latents[^1] / model.Autoencoder.Config.ScalingFactor);
        if (one.Has("out.decoded")) one.Meets("out.decoded", decoded);
        var pictures = model.Autoencoder.ToPictures(latents[^1]);
        if (one.Json.TryGetProperty("pictures", out var files))
        {
            var folder = Path.GetDirectoryName(Path.GetDirectoryName(one.Name))!;
            foreach (var (file, i) in files.Items().Select((file, i) => (file.GetString()!, i)))
            {
                var wanted = Picture.Load(Fixtures.Require(Path.Combine(folder, file))).ToTensor();
                Assert.True(((pictures.Narrow(0, i, 1) * 255).Round() - (wanted * 255).Round()).Abs().Max().Item() <= 1, $"{one.Name}: {file} differs by more than a level");
            }
        }

        one.EveryOutputIsMet();
    }
}
