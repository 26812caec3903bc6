using Obverse.Torch;

namespace Obverse;

/// <summary>Cuts N rows off the top and bottom and N columns off both sides: from DAS's padded canvas to the picture. No random parameters.</summary>
[Part("trim")]
public sealed record TrimView : View
{
    [Limit(0, 8192)]
    public int Rows { get; init; }
    [Limit(0, 8192)]
    public int Columns { get; init; }
    protected internal override bool IsRandom => false;

    public override (long Height, long Width) SizeOf(long height, long width) => (height - 2 * Rows, width - 2 * Columns);
    public override ViewParameters Sample(Generator random, long count, long height, long width) => ViewParameters.None;
    public override Tensor Apply(Tensor images, ViewParameters parameters) => Pieces.Box(images, Rows, Columns, images.Size(2) - 2 * Rows, images.Size(3) - 2 * Columns);
}

public sealed partial record Views
{
    /// <summary>Cuts <paramref name="rows"/> and <paramref name="columns"/> off on each side.</summary>
    public Views Trim(int rows, int columns) => Then(new TrimView { Rows = rows, Columns = columns });
}
