using Obverse.Models;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>
/// Nothing assumes the processor. The meta device stands in for a GPU: it has shapes and no numbers, and libtorch refuses to mix it with the processor,
/// so whatever forgets the device fails here. libtorch has no meta kernels of some operators (convolution, grid_sampler, …): what needs those is tested as far as the first of them, and no further off the processor.
/// </summary>
public class DeviceTests
{
    public static TheoryData<string, CanvasPlan> Canvases => new()
    {
        { "pixels", new Pixels() },
        { "pyramid", new Pyramid(Levels: 5, NaturalColours: 0.5) },
        { "closed pyramid", new Pyramid(Closed: true, Margin: 0.25) },
        { "finer", Inr.Finer(hidden: 1, width: 16) },
    };

    [Fact]
    public void Devices_do_not_mix()
    {
        using var scope = new TensorScope();
        var (here, there) = (Tensor.Ones([4, 4]), Tensor.Ones([4, 4], device: Device.Meta));
        Assert.Throws<TorchException>(() => here + there);
        Assert.Equal(Device.Meta, (there * 2).Device);
    }

    [Theory]
    [MemberData(nameof(Canvases))]
    public void A_canvas_lives_where_its_generator_puts_it(string name, CanvasPlan plan)
    {
        using var scope = new TensorScope();
        using var random = new Generator(1) { Device = Device.Meta };
        using var start = plan is Inr ? null : Tensor.Ones([1, 3, 32, 24]);
        using var canvas = plan.Create(2, 32, 24, random, start);
        Assert.All(canvas.State(), pair => Assert.Equal(Device.Meta, pair.Value.Device));
        var isTested = WhereThereAreKernels(() =>
        {
            using var masked = new MaskedCanvas(plan.Create(2, 32, 24, random, start), Tensor.Ones([1, 1, 32, 24]).OwnedCopy(), Tensor.Ones([1, 3, 32, 24]).OwnedCopy());
            Assert.Equal(Device.Meta, masked.Present(masked.Render()).Device);
            var image = canvas.Present(canvas.Render());
            Assert.Equal(Device.Meta, image.Device);
            image.Square().Mean().Backward();
            canvas.BeforeStep();
            using var adam = Schedule.Adam(0.1).Create(canvas);
            adam.Step();
            Assert.Equal(Device.Meta, canvas.Show(48, 36).Device);
        });
        Assert.Equal(name is not ("pyramid" or "finer"), isTested); // which need abs or pad
    }

    [Fact]
    public void A_view_looks_where_the_picture_is()
    {
        var lacking = new List<string>();
        foreach (var (name, views) in Obverse.Views.Catalogue(32))
        {
            using var scope = new TensorScope();
            using var random = new Generator(1);
            var picture = Tensor.Ones([1, 3, 32, 32], device: Device.Meta);
            if (!WhereThereAreKernels(() => Assert.True((views with { Count = 2 }).Apply(picture, random).Device == Device.Meta, name))) lacking.Add(name);
        }

        Assert.True(lacking.Count <= 18, $"more views than before need an operator without a meta kernel: {string.Join(", ", lacking)}");
    }

    [Fact]
    public void A_model_computes_where_its_weights_are()
    {
        using var scope = new TensorScope();
        using var random = new Generator(1) { Device = Device.Meta };
        using var model = ClipModel.New(ToyClip.Config, random);
        using var encoder = new ClipEncoder(model, "toy");
        Assert.Equal(Device.Meta, encoder.Device);
        Assert.All(model.Weights.All, pair => Assert.Equal(Device.Meta, pair.Value.Device));
        Assert.Equal(Device.Meta, model.Normalize(Tensor.Ones([2, 3, 32, 32])).Device); // pictures come from the processor
        var target = new Target(Tensor.Ones([1, 32], device: Device.Meta), Tensor.Ones([1]));
        Assert.Equal(Device.Meta, new Toward().Of(Tensor.Ones([1, 4, 32], device: Device.Meta), target).Device);
    }

    [Fact]
    public void A_seed_gives_the_same_numbers_on_every_device()
    {
        using var scope = new TensorScope();
        using var here = new Generator(3);
        using var there = new Generator(3) { Device = Device.Meta };
        Assert.Equal([2, 3], there.Uniform(0, 1, 2, 3).Shape);
        here.Uniform(0, 1, 2, 3);
        Assert.Equal(here.Next(), there.Next()); // both have gone as far
    }

    [Theory]
    [InlineData("cpu", "cpu")]
    [InlineData("cuda", "cuda:0")]
    [InlineData("cuda:1", "cuda:1")]
    public void Devices_have_names(string text, string name) => Assert.Equal(name, Device.Parse(text).ToString());

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    public void Others_are_refused(string text) => Assert.Throws<FormatException>(() => Device.Parse(text));

    // libtorch 2.10's C++ library has no kernel of these for the meta device. An error of another operator, or one with tensors of two devices, is our mistake.
    private static readonly string[] withoutMeta = ["abs", "adaptive_avg_pool2d", "conv2d", "grid_sampler", "pad", "roll"];

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    // False where libtorch could not go to the end.
    private static bool WhereThereAreKernels(Action test)
    {
        try
        {
            test();
            return true;
        }
        catch (TorchException missing) when (withoutMeta.Any(op => missing.Message.StartsWith($"aten::{op}: ", StringComparison.Ordinal)) && Count(missing.Message, "Float32 [") == Count(missing.Message, " on meta"))
        {
            return false;
        }
    }
}
