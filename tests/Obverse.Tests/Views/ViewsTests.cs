using System.Text.Json;
using System.Text.Json.Serialization;
using Obverse.Imaging;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests;

/// <summary>What must be true of every view, on a small rectangular picture.</summary>
public class ViewsTests
{
    private const int Height = 36, Width = 48;

    public static TheoryData<string> Names => [.. Views.Catalogue(Height).Select(entry => entry.Name)];

    // Each view with the parameters that make it do nothing.
    private static readonly View[] nothing =
    [
        new AffineView(), new AffineView { Border = Border.Zeros }, new AffineView { Angle = new(90, 90), Probability = 0 },
        new BlurView { Sigma = new(0, 0) }, new ClipView(), new ClipView { KeepsGradient = true },
        new ColorView { Brightness = 0, Contrast = 0, Saturation = 0 }, new ColorJitterView { Brightness = 0, Contrast = 0, Saturation = 0, Hue = 0 }, new ColorJitterView { Hue = 0.5, Probability = 0 },
        new ColorShiftView(), new ContrastView { Factor = 1 }, new CutoutView { Fraction = 0 }, new DiffColorView { Brightness = 0, Contrast = 0, Saturation = 0 }, new EraseView { Probability = 0 },
        new KorniaPerspectiveView { Strength = 0 }, new PerspectiveView { Strength = 0, Fill = 1 }, new PerspectiveView { Probability = 0 }, new NoiseView { Sigma = 0 },
        new NormalizeView { Mean = default, Std = new(1, 1, 1) }, new PoolView { Height = Height, Width = Width }, new RescaleView { Ratio = new(1, 1) }, new ResizeView { Height = Height, Width = Width },
        new RandomResizedCropView { Height = Height, Width = Width, Area = new(1, 1), Ratio = new((double)Width / Height, (double)Width / Height) },
        new RollView(), new ShiftView { Fraction = 0 }, new UniformNoiseView { Scale = 0 }, new VariedNoiseView { Most = 0 },
    ];

    // These want a square picture to do nothing.
    private static readonly View[] nothingToASquare = [new TrimView(), new CentreCropView { Size = Width }, new PatchView { Size = Width }, new PatchView { Size = Width, To = Width }, new LanczosCutView { Size = Width }];

    [Fact]
    public void A_view_of_no_strength_leaves_the_picture_as_it_is()
    {
        using var scope = new TensorScope();
        foreach (var (views, picture) in new[] { (nothing, Picture(2, Height, Width)), (nothingToASquare, Picture(2, Width, Width)) })
        {
            foreach (var view in views)
            {
                var seen = Views.Of(3).Then(view).Apply(picture, new Generator(1));
                var error = (seen - picture.RepeatInterleave(3, 0)).Abs().Max().Item();
                Assert.True(error < 2e-5, $"{view}: changes the picture by {error:E2}");
            }
        }
    }

    [Fact]
    public void Every_kind_of_view_has_a_short_name_and_is_tested_and_shown()
    {
        Type[] kinds = [.. typeof(View).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(View)))];
        var named = PartJson.Of(typeof(View));
        Assert.Equal(kinds.Length, named.Count);
        Assert.Empty(kinds.Except(named.Values));
        Assert.Empty(kinds.Except(nothing.Concat(nothingToASquare).Select(view => view.GetType())));
        Assert.Empty(kinds.Except(Views.Catalogue().SelectMany(entry => entry.Views.Chain).Select(view => view.GetType())));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Views_have_the_shape_they_say_for_several_rectangular_pictures(string name)
    {
        using var scope = new TensorScope();
        var views = Named(name) with { Count = 3 };
        var seen = views.Apply(Picture(2, Height, Width), new Generator(5));
        var (height, width) = views.SizeOf(Height, Width);
        Assert.Equal([6, 3, height, width], seen.Shape);
        Assert.Equal(1, seen.IsFinite().All().Item());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_gradient_reaches_the_picture(string name)
    {
        using var scope = new TensorScope();
        var picture = Picture(2, Height, Width);
        picture.RequiresGrad = true;
        (Named(name) with { Count = 4 }).Apply(picture, new Generator(5)).Square().Sum().Backward();
        for (var i = 0; i < 2; i++) Assert.True(picture.Grad![i].Abs().Max().Item() > 1e-3, $"{name}: no gradient to picture {i}");
        Assert.Equal(1, picture.Grad!.IsFinite().All().Item());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_gradient_is_the_slope(string name)
    {
        using var scope = new TensorScope();
        var views = Named(name) with { Count = 2 };
        if (views.Chain.Any(view => view is ClipView { KeepsGradient: true })) return; // on purpose it is not
        var picture = Picture(1, Height, Width).To(DType.Float64);
        picture.RequiresGrad = true;
        var draws = views.Sample(new Generator(5), 1, Height, Width);
        Tensor Loss(Tensor x) => views.Apply(x, draws).Square().Sum();
        Loss(picture).Backward();
        var direction = new Generator(9).Normal(1, 3, Height, Width).To(DType.Float64);
        const double step = 1e-7;
        var slope = (Loss(picture.Detach() + direction * step).Item() - Loss(picture.Detach() - direction * step).Item()) / (2 * step);
        var told = (picture.Grad! * direction).Sum().Item();
        Assert.True(Math.Abs(slope - told) <= 1e-3 * Math.Max(1, Math.Abs(slope)), $"{name}: slope {slope}, gradient {told}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_same_seed_gives_the_same_bytes_and_another_seed_others(string name)
    {
        using var scope = new TensorScope();
        var views = Named(name) with { Count = 4 };
        var picture = Picture(2, Height, Width);
        float[] Seen(ulong seed) => views.Apply(picture, new Generator(seed)).ToFloats();
        var first = Seen(5);
        Assert.Equal(first, Seen(5));
        Assert.Equal(first, views.Apply(picture, views.Sample(new Generator(5), 2, Height, Width)).ToFloats());
        if (views.Chain.Any(view => view.Sample(new Generator(0), 1, 64, 64).Count > 0)) Assert.NotEqual(first, Seen(6));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Draws_have_a_row_a_picture(string name)
    {
        using var scope = new TensorScope();
        foreach (var draws in Named(name).Sample(new Generator(5), 2, Height, Width))
        {
            foreach (var (key, tensor) in draws) Assert.True(tensor.Size(0) == 2 * Named(name).Count, $"{name}: draw '{key}' is {tensor}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Json_gives_back_equal_views(string name)
    {
        var views = Named(name);
        var json = PartJson.Write(views);
        var again = PartJson.Read<Views>(json);
        Assert.Equal(views, again);
        Assert.Equal(views.GetHashCode(), again.GetHashCode());
        Assert.Equal(json, PartJson.Write(again));
        Assert.Equal(views.Chain[0], PartJson.Read<View>(PartJson.Write(views.Chain[0])));
        Assert.NotEqual(views, views with { Count = views.Count + 1 });
        Assert.NotEqual(views, views.Roll(3));
    }

    [Fact]
    public void Json_names_a_view_shortly()
    {
        Assert.Equal("""{"count":2,"chain":[{"view":"roll","pixels":3}],"isAveraged":true}""", PartJson.Write(Views.Of(2).Roll(3).Averaged()));
        Assert.Contains("\"border\":\"Zeros\"", PartJson.Write<View>(new AffineView { Border = Border.Zeros }), StringComparison.Ordinal);
    }

    [Fact]
    public void Geometry_side_by_side_becomes_one_matrix()
    {
        var views = Views.Of(16).Scale(0.8, 1.2).Shear(10).Rotate(5).Translate(0.1).Color(0.2).Scale(1, 2);
        Assert.Equal(["AffineView", "ColorView", "AffineView"], views.Chain.Select(view => view.GetType().Name));
        Assert.Equal(new AffineView { Scale = new(0.8, 1.2), ShearX = new(-10, 10), ShearY = new(-10, 10), Angle = new(-5, 5), TranslateX = 0.1, TranslateY = 0.1 }, views.Chain[0]);
        Assert.Contains("scale", Assert.Throws<ArgumentException>(() => Views.Plain.Scale(1, 2).Scale(1, 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pixel_on_the_vanishing_line_is_outside_and_no_NaN()
    {
        using var scope = new TensorScope();
        var images = Tensor.Ones([1, 3, 8, 8]);
        images.RequiresGrad = true;
        // Pixel centres are whole numbers here: the depth x - 3 is 0 in a whole column.
        var seen = Warp.Onto(images, [new Matrix3(1, 0, 0, 0, 1, 0, 1, 0, -3)], 0.25);
        Assert.Equal(0.25, seen.Detach()[0, 0, 2, 3].Item(), 1e-6);
        Assert.True(double.IsFinite(seen.Sum().Item()));
        Assert.True(double.IsFinite(Tensor.Gradients(seen.Sum(), [images])[0]!.Abs().Sum().Item()));
    }

    [Fact]
    public void Copies_of_a_picture_lie_next_to_each_other()
    {
        using var scope = new TensorScope();
        var pictures = Picture(2, Height, Width);
        var seen = Views.Of(3).Apply(pictures, new Generator(1));
        for (var i = 0; i < 6; i++) Assert.Equal(pictures[i / 3].ToFloats(), seen[i].ToFloats());
    }

    [Fact]
    public void More_copies_than_one_call_can_split_are_seen()
    {
        using var scope = new TensorScope();
        var picture = Picture(1, 8, 8);
        var views = Views.Of(150).Roll(3);
        var draws = views.Sample(new Generator(2), 1, 8, 8);
        var seen = views.Apply(picture, draws);
        var (dy, dx) = (draws[0].Integers("dy"), draws[0].Integers("dx"));
        for (var i = 0; i < 150; i++) Assert.Equal(picture.Roll([dy[i], dx[i]], [2, 3])[0].ToFloats(), seen[i].ToFloats());
    }

    [Fact]
    public void Draws_stay_in_their_ranges()
    {
        using var scope = new TensorScope();
        var random = new Generator(3);
        void Within(View view, string name, double low, double high)
        {
            var numbers = view.Sample(random, 500, Height, Width).Numbers(name);
            Assert.All(numbers, n => Assert.InRange(n, low, high));
            Assert.True(numbers.Max() - numbers.Min() > 0.9 * (high - low), $"{view}: '{name}' spans only {numbers.Min()} … {numbers.Max()}");
        }

        Within(new AffineView { TranslateX = 0.1 }, "tx", -4.8, 4.8);
        Within(new AffineView { TranslateY = 0.1 }, "ty", -3.6, 3.6);
        Within(new RollView { Pixels = 5 }, "dy", -5, 5);
        Within(new ShiftView(), "shift_row", -5, 5);
        Within(new ShiftView(), "shift_col", -6, 6);
        Within(new CutoutView(), "cut_row", 0, Height);
        Within(new ColorJitterView(), "hue", -0.1f, 0.1f);
        var on = new AffineView { Probability = 0.7 }.Sample(random, 2000, Height, Width).Numbers("on").Average();
        Assert.InRange(on, 0.65, 0.75);
        var ends = new PerspectiveView { Strength = 0.5 }.Sample(random, 500, Height, Width).Get("end");
        Assert.Equal(0, ends[.., 0, 0].Min().Item());
        Assert.Equal(12, ends[.., 0, 0].Max().Item()); // int(0.5 * (48 / 2))
        Assert.Equal(Width - 1 - 12, ends[.., 1, 0].Min().Item());
        Assert.Equal(Height - 1 - 9, ends[.., 2, 1].Min().Item());
        var boxes = new RandomResizedCropView { Area = new(0.3, 0.9) }.Sample(random, 300, Height, Width).Integers("box");
        for (var i = 0; i < boxes.Length; i += 4)
        {
            Assert.InRange((double)boxes[i + 2] * boxes[i + 3] / (Height * Width), 0.25, 0.95);
            Assert.True(boxes[i] >= 0 && boxes[i + 1] >= 0 && boxes[i] + boxes[i + 2] <= Height && boxes[i + 1] + boxes[i + 3] <= Width);
        }
    }

    [Fact]
    public void A_clip_that_keeps_the_gradient_lets_only_the_way_back_pass()
    {
        using var scope = new TensorScope();
        var x = Tensor.From([-0.5f, -0.5f, 0.5f, 0.5f, 1.5f, 1.5f]);
        x.RequiresGrad = true;
        var clamped = x.ClampWithGrad(0, 1);
        Assert.Equal([0, 0, 0.5f, 0.5f, 1, 1], clamped.ToFloats());
        clamped.Backward(Tensor.From([1f, -1, 1, -1, 1, -1]));
        Assert.Equal([0f, -1, 1, -1, 1, 0], x.Grad!.ToFloats());
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        using var scope = new TensorScope();
        var picture = Picture(1, Height, Width);
        string Refused(Views views) => Assert.ThrowsAny<ArgumentException>(() => views.Apply(picture, new Generator(1))).Message;
        Assert.Contains("Patch", Refused(Views.Plain.Patch(40)), StringComparison.Ordinal);
        Assert.Contains("40 x 40", Refused(Views.Plain.Crop(40)), StringComparison.Ordinal);
        Assert.Contains("Blur", Refused(Views.Plain.Then(new BlurView { Radius = 36 })), StringComparison.Ordinal);
        Assert.Contains("1.2 … 0.8", Refused(Views.Plain.Scale(1.2, 0.8)), StringComparison.Ordinal);
        Assert.Contains("2 views", Assert.Throws<ArgumentException>(() => Views.Plain.Roll(1).Roll(1).Apply(picture, [])).Message, StringComparison.Ordinal);
        Assert.Contains("'dx'", Assert.Throws<KeyNotFoundException>(() => new RollView().Apply(picture, new ViewParameters { ["dy"] = Tensor.Zeros([1]) })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Views.Of(0));
    }

    [Fact]
    public void A_contact_sheet_has_a_row_a_view()
    {
        using var scope = new TensorScope();
        var rows = Views.ContactSheet(Picture(1, 40, 56), count: 3).ToList();
        Assert.Equal(Views.Catalogue().Select(entry => entry.Name), rows.Select(row => row.Name));
        Assert.All(rows, row => Assert.Equal(3, row.Pictures.Size(0)));
    }

    [Fact]
    public void Views_print_themselves()
    {
        Assert.Equal("3 x plain", Views.Of(3).ToString());
        Assert.Equal("2 x RollView { Pixels = 3 }, ClipView { KeepsGradient = False }, averaged", Views.Of(2).Roll(3).Clip().Averaged().ToString());
    }

    private static Views Named(string name) => Views.Catalogue(Height).Single(entry => entry.Name == name).Views;

    // Smooth, not symmetric, no two pixels alike, in [0.1, 0.9].
    private static Tensor Picture(long n, long height, long width)
    {
        using var random = new Generator(17);
        return random.Uniform(0.1, 0.8, n, 3, 5, 7).Resize(height, width) + random.Uniform(0, 0.1, n, 3, height, width);
    }
}
