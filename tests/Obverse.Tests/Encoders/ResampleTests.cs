using System.Text.Json;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Encoders;

/// <summary>Resizing, pooling and warping inside the graph, against PyTorch's own results and gradients (clip/resample).</summary>
public class ResampleTests
{
    private const double Tolerance = 1e-5; // README of the CLIP fixtures

    public static TheoryData<string> Trees => Fixtures.Folders("clip", "resample.json");

    [SkippableTheory]
    [MemberData(nameof(Trees))]
    public void Every_case_is_pytorch_s(string folder)
    {
        var top = Fixtures.Require(folder.Length == 0 ? "clip/resample" : folder);
        using var file = Safetensors.Open(Path.Combine(top, "resample.safetensors"));
        var wrong = new List<string>();
        foreach (var test in Parity.Json(Path.Combine(top, "resample.json")).EnumerateArray())
        {
            using var scope = new TensorScope();
            var (name, op, arguments) = (test.GetProperty("name").GetString()!, test.GetProperty("op").GetString()!, test.GetProperty("arguments"));
            var input = file[op switch { "affine_grid" => "grid.theta", "grid_sample" => "grid.input", _ => "input" }].Clone();
            var grid = test.TryGetProperty("grid", out var from) ? file[from.GetString()!].Clone() : null;
            input.RequiresGrad = true;
            if (grid is not null) grid.RequiresGrad = true;

            var result = op switch
            {
                "interpolate" => Resize(input, arguments),
                "affine_grid" => Tensor.AffineGrid(input, Numbers(arguments, "size")!, Flag(arguments, "align_corners")),
                "grid_sample" => input.GridSample(grid!, Enum.Parse<Border>(Word(arguments, "padding_mode") switch { "border" => "Clamp", "reflection" => "Reflect", _ => "Zeros" }), Flag(arguments, "align_corners"), Enum.Parse<Interpolation>(Word(arguments, "mode"), ignoreCase: true)),
                "avg_pool2d" => input.AvgPool2d(Pair(arguments, "kernel_size")!, Pair(arguments, "stride") ?? Pair(arguments, "kernel_size")!, Pair(arguments, "padding") ?? [0, 0], Flag(arguments, "ceil_mode"), Flag(arguments, "count_include_pad", true)),
                "max_pool2d" => input.MaxPool2d(Pair(arguments, "kernel_size")![0], Pair(arguments, "stride")?[0], Pair(arguments, "padding")?[0] ?? 0),
                "adaptive_avg_pool2d" => input.AdaptiveAvgPool2d(Pair(arguments, "output_size")![0], Pair(arguments, "output_size")![1]),
                "adaptive_max_pool2d" => input.AdaptiveMaxPool2d(Pair(arguments, "output_size")![0], Pair(arguments, "output_size")![1]),
                _ => throw new NotSupportedException($"{name}: no such operator '{op}' in this test"),
            };
            Check(name, file[name], result);
            if (!file.Contains(name + ".cotangent")) continue;
            var gradients = Tensor.Gradients(result, grid is null ? [input] : [input, grid], file[name + ".cotangent"]);
            Check(name + ".grad", file[name + ".grad"], gradients[0]!);
            if (file.Contains(name + ".grad_grid")) Check(name + ".grad_grid", file[name + ".grad_grid"], gradients[1]!);
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} results differ: {string.Join("; ", wrong)}");

        void Check(string name, Tensor expected, Tensor got)
        {
            var tolerance = name.Contains("nearest", StringComparison.Ordinal) && !name.Contains(".grad", StringComparison.Ordinal) || name.Contains("max_pool", StringComparison.Ordinal) ? 0 : Tolerance;
            Parity.Record($"{folder} {name}", Parity.Error(expected, got, 1), tolerance);
            if (!(Parity.Error(expected, got, 1) <= tolerance)) wrong.Add(FormattableString.Invariant($"{name} by {Parity.Error(expected, got, 1):G3}"));
        }
    }

    // A scale factor gives the size, cut, and is used as it is for the coordinates, unless it shall be computed again from the size.
    private static Tensor Resize(Tensor input, JsonElement arguments)
    {
        var by = Enum.Parse<Interpolation>(Word(arguments, "mode").Replace("-", ""), ignoreCase: true);
        (double, double)? scale = null;
        var size = Pair(arguments, "size");
        if (size is null)
        {
            var factor = arguments.GetProperty("scale_factor").GetDouble();
            size = [(long)Math.Floor(input.Size(2) * factor), (long)Math.Floor(input.Size(3) * factor)];
            if (!Flag(arguments, "recompute_scale_factor")) scale = (factor, factor);
        }

        return input.Resize(size[0], size[1], by, Flag(arguments, "antialias"), Flag(arguments, "align_corners"), scale);
    }

    private static string Word(JsonElement from, string name) => from.GetProperty(name).GetString()!;
    private static bool Flag(JsonElement from, string name, bool otherwise = false) => from.TryGetProperty(name, out var flag) && flag.ValueKind != JsonValueKind.Null ? flag.GetBoolean() : otherwise;
    private static long[]? Numbers(JsonElement from, string name) => from.TryGetProperty(name, out var list) ? [.. list.EnumerateArray().Select(n => n.GetInt64())] : null;
    private static long[]? Pair(JsonElement from, string name) => !from.TryGetProperty(name, out var value) ? null : value.ValueKind == JsonValueKind.Array ? Numbers(from, name) : [value.GetInt64(), value.GetInt64()];
}
