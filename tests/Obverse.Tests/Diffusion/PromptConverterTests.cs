using System.Globalization;
using Obverse.Diffusion;
using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Diffusion;

public class PromptConverterTests
{
    public static TheoryData<string> Inverses => DiffusionFixtures.Cases("sdipc-pinv");
    public static TheoryData<string> Conversions => DiffusionFixtures.Cases("sdipc-convert");
    public static TheoryData<string> Prompts => DiffusionFixtures.Cases("sdipc-prompts");

    [SkippableTheory, MemberData(nameof(Inverses))]
    public void Pseudo_inverses_leave_out_what_is_below_the_cutoff(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var clip = ClipModel.Load(one.Part("", "clip"));
        foreach (var name in one.Names.Where(n => n.StartsWith("out.singular_values.", StringComparison.Ordinal)).Select(n => n["out.singular_values.".Length..]).ToArray())
        {
            var matrix = name == "clip" ? clip.Weights.All["text_projection"].T() : one["in." + name]; // [out, in]
            foreach (var cutoff in one.Settings.GetProperty("cutoffs").Items().Select(c => c.GetDouble()))
            {
                var (inverse, values, kept) = PromptConverter.PseudoInverse(matrix, cutoff);
                var at = FormattableString.Invariant($"{name}.{cutoff}");
                using (inverse) one.Meets("out.pinv." + at, inverse);
                one.Meets("out.kept." + at, Tensor.From([(long)kept]));
                one.Meets("out.singular_values." + name, Tensor.From([.. values]));
            }
        }

        one.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(Conversions))]
    public void Pictures_become_prompt_vectors_by_both_norm_rules(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var clip = ClipModel.Load(one.Part("", "clip"));
        var trace = new Trace();
        var pictures = clip.Image.Forward(one["in.pixel_values"], trace);
        one.Meets("out.image_pooled", trace["post_ln"]);
        one.Meets("out.image_projected", pictures);
        one.Meets("out.norm_image_projected", pictures.Norm(-1));
        var ids = one["in.input_ids"];
        var ends = clip.Text.Pool(clip.Text.Hidden(ids), clip.Text.Ends(ids));
        var texts = clip.Text.Project(ends);
        one.Meets("out.text_eos", ends);
        one.Meets("out.norm_text_eos", ends.Norm(-1));
        one.Meets("out.text_projected", texts);
        one.Meets("out.norm_text_projected", texts.Norm(-1));
        foreach (var cutoff in one.Settings.GetProperty("cutoffs").Items().Select(c => c.GetDouble()))
        {
            using var any = new PromptConverter(clip.Weights.All["text_projection"], cutoff);
            one.Meets(FormattableString.Invariant($"out.unscaled.{cutoff}"), any.Unscaled(pictures));
        }

        foreach (var rule in (NormRule[])[NormRule.Script, NormRule.Paper])
        {
            var name = rule == NormRule.Script ? "script" : "paper";
            using var converter = new PromptConverter(clip.Weights.All["text_projection"], one.Settings.GetProperty("cutoff").GetDouble()) { Norm = rule, Length = one.Settings.GetProperty(name + "_norm").GetDouble() };
            one.Meets("out.converted." + name, converter.Convert(pictures));
            using var usual = new PromptConverter(clip.Weights.All["text_projection"]) { Norm = rule };
            one.Meets("out.converted." + name, usual.Convert(pictures));
            one.Meets("out.cosine.t_space", converter.Unscaled(pictures).Normalized().Matmul(ends.Normalized().T()));
        }

        one.Meets("out.cosine.c_space", pictures.Normalized().Matmul(texts.Normalized().T()));
        one.EveryOutputIsMet();
    }

    [SkippableTheory, MemberData(nameof(Prompts))]
    public void Rows_of_variations_and_edits_are_the_papers_and_the_scripts(string path)
    {
        using var one = new Case(path);
        using var scope = new TensorScope();
        using var still = new NoGrad();
        using var model = StableDiffusionModel.Load(one.Part(""));
        var (converted, text) = (one["in.converted"], model.Text.Hidden(one["in.input_ids"]));
        one.Meets("out.text", text);
        one.Meets("out.variation", PromptConverter.Variation(converted, text));
        int[] ends = [.. one.Settings.GetProperty("eos_positions").Items().Select(e => e.GetInt32())];
        Assert.Equal(ends, model.Text.Ends(one["in.input_ids"]).ToArray<long>().Select(e => (int)e));
        for (var t = 0; t < ends.Length; t++)
        {
            foreach (var alpha in one.Settings.GetProperty("alphas").Items().Select(a => a.GetDouble()))
            {
                foreach (var rule in (EditRule[])[EditRule.Paper, EditRule.Script])
                {
                    var name = $"out.edit.{(rule == EditRule.Paper ? "paper" : "script")}.{t}.{alpha.ToString("0.0", CultureInfo.InvariantCulture)}";
                    one.Meets(name, PromptConverter.Edit(converted.Narrow(0, 0, 1), text.Narrow(0, t, 1), ends[t], alpha, rule));
                }
            }
        }

        one.EveryOutputIsMet();
    }

    [Fact]
    public void What_is_no_number_is_refused()
    {
        using var scope = new TensorScope();
        var (vector, rows) = (Tensor.Ones([1, 4]), Tensor.Ones([1, 5, 4]));
        Assert.Contains("finite alpha", Assert.Throws<ArgumentOutOfRangeException>(() => PromptConverter.Edit(vector, rows, 2, double.NaN)).Message);
        Assert.Contains("row 1 to 4", Assert.Throws<ArgumentOutOfRangeException>(() => PromptConverter.Edit(vector, rows, 5, 0.5)).Message);
        Assert.Contains("cutoff", Assert.Throws<ArgumentOutOfRangeException>(() => new PromptConverter(Tensor.Eye(3), double.NaN)).Message);
    }
}
