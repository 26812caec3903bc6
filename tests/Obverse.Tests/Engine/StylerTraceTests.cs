using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>CLIPStyler against the authors' script (fixture tree, `traces/clipstyler`).</summary>
public class StylerTraceTests
{
    public static TheoryData<string> Loops => Fixtures.Traces("clipstyler");

    [SkippableTheory]
    [MemberData(nameof(Loops))]
    public void The_loop_is_the_authors_step_by_step(string name)
    {
        using var scope = new TensorScope();
        using var trace = new Case(name);
        using var tower = TinyTower.Of(trace, trace.Config.GetProperty("clip").GetString()!, trace.Config.GetProperty("quick_gelu").GetBoolean());
        Obverse.Torch.Weights Given(string prefix) => TensorScope.Unscoped(() => Obverse.Torch.Weights.From(trace.Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => KeyValuePair.Create(n[prefix.Length..], trace[n].OwnedCopy())), name));
        var (side, crop, crops, content) = (trace.Int("clip_size"), trace.Int("crop"), trace.Int("crops"), trace["in.content"]);
        using var vgg = new Vgg19(Given("in.vgg."));
        var network = TensorScope.Unscoped(() => new StyleNet(Given("in.stylenet."), (int)trace["in.stylenet.conv_init.bias"].Size(0)));
        var styled = new StyledCanvas(network, content, new StyledPicture());
        string[] taps = ["conv4_2", "conv5_2"];
        var maps = vgg.Features(content, taps);
        trace.Meets("out.content_tap21", maps["conv4_2"]);
        trace.Meets("out.content_tap31", maps["conv5_2"]);

        // Texts are means of raw embeddings; the content is seen whole, at the encoder's side.
        Tensor Text(string input) => trace[input].Mean(0, keep: true).Normalized();
        var start = tower.Embed(content.Resize(side, side, Interpolation.Bicubic)).Detach();
        trace.Meets("out.text_features", Text("in.text_raw"));
        trace.Meets("out.source_text_features", Text("in.source_raw"));
        trace.Meets("out.text_direction", (Text("in.text_raw") - Text("in.source_raw")).Normalized());
        trace.Meets("out.source_features", start);
        var targets = new Targets { [Targets.Prompt] = [Target.Of(Text("in.text_raw"))], ["source"] = [Target.Of(Text("in.source_raw"))], [Targets.Start] = [Target.At(start[0])] };
        var way = (targets[Targets.Prompt][0].Direction - targets["source"][0].Direction).Normalized();

        var step = 0;
        var patches = Replayed.Chain(crops,
            (new PatchView { Size = crop }, () => new() { ["box"] = Tensor.Cat([trace[$"draw.step{step}.corner"], Tensor.Full([crops, 2], crop, DType.Int64)], 1) }),
            (new PerspectiveView(), () => Replayed.From(trace, step, "", "end")), (new ResizeView { Height = side, Width = side, Antialias = true }, () => ViewParameters.None));
        var along = new Along("source", Targets.Prompt, Targets.Start);
        var threshold = trace.Number("thresh");
        Objective patch = new Along("source", Targets.Prompt, Targets.Start) { Below = threshold }, whole = along, tv = new NeighbourNorm { IsWhole = true };
        using var context = new ObjectiveContext(content, _ => throw new InvalidOperationException(), Device.Cpu);
        var kept = Content.Bound.Of(x => taps.Select(tap => vgg.Features(x, taps)[tap]), content, isRelative: false, context);
        var objective = trace.Number("lambda_patch") * patch.Through(patches) + trace.Number("lambda_dir") * whole + trace.Number("lambda_c") * (Objective)kept + trace.Number("lambda_tv") * tv;
        var schedule = Schedule.Adam(trace.Number("lr")) with { StepCount = trace.Int("steps"), Curve = new StepRamp(1, trace.Int("lr_step"), 0.5) { Ahead = 1 } };
        var isPatch = true;
        using var inversion = Spies.Inversion((what, got) =>
            {
                if (what == "image")
                {
                    trace.MeetsIfStored($"out.step{step}.image", got);
                    var seen = vgg.Features(got, taps);
                    trace.MeetsIfStored($"out.step{step}.tap21", seen["conv4_2"]);
                    trace.MeetsIfStored($"out.step{step}.tap31", seen["conv5_2"]);
                    var scene = new Scene(got, step, schedule.StepCount, _ => throw new InvalidOperationException());
                    trace.Meets($"out.step{step}.content_loss", kept.Evaluate(scene));
                    trace.Meets($"out.step{step}.tv_loss", tv.Evaluate(scene) * trace.Number("lambda_tv"));
                }

                if (what == "grad_image") trace.MeetsIfStored($"out.step{step}.grad_image", got);
                if (what == "views0" && isPatch) trace.MeetsIfStored($"out.step{step}.views", got);
                if (what == "embeddings0")
                {
                    var losses = 1 - (got.Squeeze(0) - start).Normalized().Matmul(way);
                    if (isPatch)
                    {
                        trace.MeetsIfStored($"out.step{step}.patch_losses", losses);
                        var above = losses.Where(losses >= threshold, losses.ZerosLike());
                        trace.MeetsIfStored($"out.step{step}.patch_losses_kept", above);
                        trace.MeetsIfStored($"out.step{step}.patch_loss", above.Mean());
                    }
                    else trace.MeetsIfStored($"out.step{step}.dir_loss", losses);
                    isPatch = !isPatch;
                }

                if (what == "grad.network")
                {
                    foreach (var (own, parameter) in network.Parameters) if (trace.Has($"out.step{step}.grad.{own}")) trace.Meets($"out.step{step}.grad.{own}", parameter.Grad!);
                }
            }, new LastSeenCanvas(styled), tower, targets, Views.Plain.Resize(side, Interpolation.Bicubic, antialias: false), objective, schedule);
        foreach (var done in inversion.Run())
        {
            trace.Meets($"out.step{step}.loss", Tensor.Number(done.Loss, DType.Float64));
            trace.MeetsIfStored($"out.step{step}.lr", Tensor.Number(schedule.RateAt(step, "network", 0, 1), DType.Float64));
            step++;
        }

        Assert.Equal(trace.Int("steps"), step);
        foreach (var (own, parameter) in network.Parameters) if (trace.Has($"out.final.{own}")) trace.Meets($"out.final.{own}", parameter);
        trace.Meets("out.saved", inversion.Show());
        trace.EveryOutputIsMet();
    }

    [Fact]
    public void A_towers_maps_count_by_their_own_size_times_its_weight()
    {
        using var scope = new TensorScope();
        using var random = new Generator(3);
        var start = random.Uniform(0, 1, [1, 3, 8, 8]);
        using var context = new ObjectiveContext(start, _ => throw new InvalidOperationException(), Device.Cpu);
        var kept = Content.Bound.Of(x => [x, x * 100], start, isRelative: true, context); // maps of any size count alike
        double At(Tensor image) => kept.Evaluate(new(image, 0, 1, _ => throw new InvalidOperationException())).Item();
        Assert.Equal(0, At(start), 1e-9);
        Assert.Equal(2 * Content.TowerWeight, At(start * 2), 1e-4); // off by as much as there is
    }
}
