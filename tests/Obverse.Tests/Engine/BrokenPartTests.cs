using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Engine;

/// <summary>A part that breaks its contract is named with what it gave and what was wanted; none gives wrong numbers in silence.</summary>
public class BrokenPartTests
{
    [Theory]
    [InlineData("a loss per pixel", 1, "Given.Evaluate gave [1, 3, 32, 32]; a loss per picture, [1], was wanted")]
    [InlineData("one loss for two", 2, "Given.Evaluate gave []; a loss per picture, [2], was wanted")]
    [InlineData("no loss", 1, "Given.Evaluate gave null")]
    public void An_objective(string what, int count, string says)
    {
        Objective broken = new Given(what switch { "a loss per pixel" => scene => scene.Image.Square(), "one loss for two" => scene => scene.Image.Mean(), _ => _ => null! });
        foreach (var objective in new[] { broken, Objective.Toward() + broken, Ramp.Linear(0, 1) * broken, broken.Through(Views.Of(2)) })
        {
            using var inversion = New(objective, count: count);
            Assert.Contains(says, Assert.Throws<InvalidOperationException>(() => inversion.Run().First()).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_single_loss_of_a_single_picture_will_do()
    {
        using var inversion = New(Objective.Toward() + new Given(scene => scene.Image.Mean()));
        Assert.Single(inversion.Run().First().Losses);
    }

    [Theory]
    [InlineData(true, "Grey.Sample gave null")]
    [InlineData(false, "Grey.Apply gave [2, 1, 32, 32]; [2, 3, height, width] was wanted")]
    public void A_view(bool isNull, string says)
    {
        using var inversion = New(Objective.Toward(), Views.Of(2).Then(new Grey(isNull)));
        Assert.Contains(says, Assert.Throws<InvalidOperationException>(() => inversion.Run().First()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_canvas()
    {
        using var inversion = New(Objective.Toward(), canvas: inner => new Twice(inner));
        Assert.Equal("Twice rendered [2, 3, 32, 32]; [1, 3, height, width] was wanted", Assert.Throws<InvalidOperationException>(() => inversion.Run().First()).Message);
    }

    [Fact]
    public void Pictures_that_are_none_are_not_embedded()
    {
        using var scope = new TensorScope();
        using var toy = ToyClip.Load();
        void Refused(Tensor images, string was) => Assert.Equal($"toy: {was} was given; pictures [n, 3, height, width] of floats in [0, 1] were wanted", Assert.Throws<ArgumentException>(() => toy.Embed(images)).Message);
        Refused(Tensor.Zeros([3, 32, 32]), "Float32 [3, 32, 32]");
        Refused(Tensor.Zeros([1, 1, 32, 32]), "Float32 [1, 1, 32, 32]");
        Refused(Tensor.Zeros([1, 3, 0, 32]), "Float32 [1, 3, 0, 32]");
        Refused(Tensor.Zeros([1, 3, 32, 32]).To(DType.UInt8), "UInt8 [1, 3, 32, 32]");
        Assert.Equal([0, 32], toy.Embed(Tensor.Zeros([0, 3, 32, 32])).Shape);
    }

    [Fact]
    public void A_target_of_another_width_is_told_before_the_first_step()
    {
        using var inversion = New(Objective.Toward(), target: Tensor.Ones([1, 30]));
        Assert.Equal("the target 'prompt' has 30 numbers; toy wants 32", Assert.Throws<ArgumentException>(() => inversion.Run().First()).Message);
    }

    [Fact]
    public void An_embedding_may_be_the_target_of_several_inversions()
    {
        using var toy = ToyClip.Load();
        using var embedding = toy.Embed(["a cat"]);
        for (var i = 0; i < 2; i++)
        {
            using var inversion = New(Objective.Toward(), target: embedding);
            Assert.True(double.IsFinite(inversion.Run().First().Loss));
        }
    }

    [Fact]
    public void A_side_alone_keeps_the_shape_and_the_end_is_the_schedules()
    {
        using var inversion = New(Objective.Toward(), stopAfter: 50);
        Assert.Equal(3, inversion.Run().Count());
        using var wide = inversion.Show(width: 48);
        using var high = inversion.Show(height: 16);
        Assert.Equal([1, 3, 48, 48], wide.Shape);
        Assert.Equal([1, 3, 16, 16], high.Shape);
    }

    [Fact]
    public void One_inversion_takes_one_step_at_a_time()
    {
        Inversion? self = null;
        using var inversion = New(new Given(scene =>
        {
            _ = self!.Run().First();
            return scene.Image.Mean();
        }));
        self = inversion;
        Assert.Contains("one step at a time", Assert.Throws<InvalidOperationException>(() => inversion.Run().First()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rates_and_steps_that_cannot_be_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.Adam(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.AdamW(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.Sgd(double.PositiveInfinity));
        Assert.Throws<ArgumentOutOfRangeException>(() => Schedule.Adam(1).Steps(0));
    }

    [Theory]
    [InlineData("NearestExact")]
    [InlineData("nearest-exact")]
    public void A_choice_is_read_in_either_spelling(string name)
    {
        var views = PartJson.Read<Views>($$"""{"count":1,"chain":[{"view":"patch","size":8,"by":"{{name}}"}]}""");
        Assert.Equal(Interpolation.NearestExact, Assert.IsType<PatchView>(views.Chain[0]).By);
        Assert.Contains("\"by\":\"NearestExact\"", PartJson.Write(views), StringComparison.Ordinal); // as jobs have always had it
    }

    [Fact]
    public void An_unknown_choice_is_told_with_those_there_are() => Assert.Contains("bilinear", Assert.ThrowsAny<Exception>(() => PartJson.Read<Views>("""{"count":1,"chain":[{"view":"patch","size":8,"by":"best"}]}""")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_part_without_a_name_is_told() => Assert.Contains("[Part(\"a-name\")]", Assert.Throws<NotSupportedException>(() => PartJson.Write<Objective>(new Given(_ => null!))).Message, StringComparison.Ordinal);

    private static Inversion New(Objective objective, Views? views = null, Func<Canvas, Canvas>? canvas = null, int count = 1, Tensor? target = null, int? stopAfter = null)
    {
        using var random = new Generator(1);
        var inner = new Pixels().Create(count, 32, 32, random);
        var toy = ToyClip.Load();
        return new()
        {
            Canvas = canvas?.Invoke(inner) ?? inner, Encoder = toy, Targets = new(Target.Of(target ?? toy.Embed(["a cat"]))), Objective = objective, Views = views ?? Views.Plain, Schedule = Schedule.Adam(0.01).Steps(3), StopAfter = stopAfter,
        };
    }

    private sealed record Given(Func<Scene, Tensor> Loss) : Objective
    {
        public override Tensor Evaluate(Scene scene) => Loss(scene);
    }

    private sealed record Grey(bool IsNull) : View
    {
        public override ViewParameters Sample(Generator random, long count, long height, long width) => IsNull ? null! : new();
        public override Tensor Apply(Tensor images, ViewParameters parameters) => images.Narrow(1, 0, 1);
    }

    private sealed class Twice(Canvas inner) : CanvasWrapper(inner)
    {
        public override Tensor Render() => Tensor.Cat([Inner.Render(), Inner.Render()], 0);
    }
}
