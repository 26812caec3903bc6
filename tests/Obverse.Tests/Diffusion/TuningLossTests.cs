using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;
using Obverse.Training;
using Xunit;

namespace Obverse.Tests.Diffusion;

/// <summary>Losses, gradients and optimiser steps of SD-IPC-FT and Custom Diffusion against diffusers' and transformers'.</summary>
public class TuningLossTests
{
    public static TheoryData<string> FineTunings => DiffusionFixtures.Cases("sdipc-finetune");
    public static TheoryData<string> KeyValues => DiffusionFixtures.Cases("finetune-kv");

    [SkippableTheory, MemberData(nameof(FineTunings))]
    public void A_converted_picture_and_a_caption_give_the_references_losses_and_gradients(string path)
    {
        using var one = new Case(path);
        using var model = StableDiffusionModel.Load(one.Part(""));
        using var clip = ClipModel.Load(one.Part("", "clip"));
        using var converter = new PromptConverter(clip.Weights.All["text_projection"], one.Settings.GetProperty("cutoff").GetDouble()) { Length = one.Settings.GetProperty("script_norm").GetDouble() };
        foreach (var recomputes in (bool[])[false, true])
        {
            model.UNet.Recomputes = recomputes;
            foreach (var (name, placement) in ((string, PromptPlacement)[])[("insert", PromptPlacement.Insert), ("replace", PromptPlacement.Replace)])
            {
                using var scope = new TensorScope();
                using var prompts = PicturePrompts.From(clip, one.Names.Where(n => n.StartsWith("in.prompt.", StringComparison.Ordinal)).ToDictionary(n => n["in.prompt.".Length..], n => one[n].OwnedCopy()), placement, path);
                string[] moved = [.. one.Names.Where(n => n.StartsWith($"out.{name}.grad.", StringComparison.Ordinal)).Select(n => n[$"out.{name}.grad.".Length..])];
                Tensor Weight(string of) => of.StartsWith("prompt.", StringComparison.Ordinal) ? prompts.Parameters[of["prompt.".Length..]] : model.UNetWeights[of];
                foreach (var of in moved)
                {
                    Weight(of).RequiresGrad = true;
                    Weight(of).Grad = null;
                }

                var trace = new Trace();
                var converted = converter.Convert(prompts.Forward(one["in.pixel_values"], trace: trace));
                one.Meets($"out.{name}.image_pooled", trace["post_ln"]);
                one.Meets($"out.{name}.converted", converted);
                var text = model.Hidden(one["in.input_ids"]);
                var (loss, parts) = SdIpcLoss.Of(model.UNet, model.Schedule, one["in.latents"], PromptConverter.Variation(converted, text), text, one["in.noise"], one["in.timesteps"].ToArray<long>(), 1);
                one.Meets($"out.{name}.loss.convert", Tensor.From([parts["convert"]]));
                one.Meets($"out.{name}.loss.text", Tensor.From([parts["text"]]));
                loss.Backward();
                foreach (var of in moved) one.Meets($"out.{name}.grad.{of}", Weight(of).Grad!);
            }
        }

        one.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(KeyValues))]
    public void Two_updates_of_keys_and_values_are_the_references(string path)
    {
        using var one = new Case(path);
        foreach (var (name, holds) in ((string, bool)[])[("plain", false), ("processor", true)])
        {
            using var scope = new TensorScope();
            using var model = StableDiffusionModel.Load(one.Part(""));
            model.UNet.HoldsStart = holds;
            KeyValuePair<string, Tensor>[] learned = [.. model.UNetWeights.Where(w => UNet.IsKeyOrValue(w.Key))];
            using var rows = Tensor.Owned(() => Still(() => model.Hidden(one["in.input_ids"])));
            if (!holds) Priors(one, model, rows);
            foreach (var (_, weight) in learned) weight.RequiresGrad = true;
            using var optimizer = new Adam([new("kv", [.. learned.Select(l => l.Value)], one.Settings.GetProperty("lr").GetDouble()) { WeightDecay = one.Settings.GetProperty("weight_decay").GetDouble() }], decoupled: true);
            List<double> losses = [];
            for (var update = 0; update < one.Settings.GetProperty("updates").GetInt32(); update++)
            {
                optimizer.ZeroGrad();
                var loss = DenoisingLoss.Of(model.UNet, model.Schedule, one["in.latents"], rows, one["in.noise"].Select(0, update), one["in.timesteps"].Select(0, update).Contiguous().ToArray<long>());
                losses.Add(loss.Item());
                loss.Backward();
                if (update == 0) foreach (var (of, weight) in learned) one.MeetsIfStored($"out.{name}.grad.{of}", weight.Grad!);
                optimizer.Step();
            }

            one.Meets($"out.{name}.losses", Tensor.From([.. losses]));
            foreach (var (of, weight) in learned) one.MeetsIfStored($"out.{name}.after.{of}", weight);
        }

        one.EveryOutputIsMet();
    }

    // Rows 0 and 1 are of the concept, the others prior pictures; before any update.
    private static void Priors(Case one, StableDiffusionModel model, Tensor rows)
    {
        using var still = new NoGrad();
        var errors = DenoisingLoss.Errors(model.UNet, model.Schedule, one["in.latents"], rows, one["in.noise"].Select(0, 0), one["in.timesteps"].Select(0, 0).Contiguous().ToArray<long>());
        var (weight, halves) = (one.Settings.GetProperty("prior_weight").GetDouble(), errors.Chunk(2));
        one.Meets("out.prior.instance", halves[0].Mean());
        one.Meets("out.prior.prior", halves[1].Mean());
        one.Meets("out.prior.total", halves[0].Mean() + halves[1].Mean() * weight);
        var (total, parts) = CustomDiffusionLoss.Of(errors, one["in.mask"], hasPriors: true, weight);
        one.Meets("out.prior.masked_instance", Tensor.From([parts["pictures"]]));
        one.Meets("out.prior.masked_total", total);
    }

    private static Tensor Still(Func<Tensor> make)
    {
        using var still = new NoGrad();
        return make();
    }
}
