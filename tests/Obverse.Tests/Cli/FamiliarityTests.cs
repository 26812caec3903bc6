using Obverse.Evaluation;
using Obverse.Retrieval;
using Obverse.Torch;
using Xunit;

namespace Obverse.Tests.Commands;

public class FamiliarityTests
{
    [Fact]
    public void A_text_that_falls_where_nonsense_falls_is_unfamiliar_and_its_nearest_names_are_reported()
    {
        using var concepts = new KnownConcepts(new Words());
        var known = concepts.Of("tabby cat");
        Assert.True(known.IsFamiliar);
        Assert.Equal("tabby cat", known.Nearest[0].Name);
        var unknown = concepts.Of("democracy, with a hint of goldfish");
        Assert.True(concepts.Of("two hearts").IsFamiliar); // a drawn thing
        Assert.False(unknown.IsFamiliar);
        Assert.Equal(5, unknown.Nearest.Count);
        Assert.Equal("goldfish", unknown.Nearest[0].Name); // what little there is of it
    }

    // Names have directions of their own; everything else has one in common, and a little of the names in it.
    private sealed class Words : Encoder
    {
        private static readonly HashSet<string> names = [.. ImageNet.Classes.Select(c => c.ClipName), "two hearts"];

        public override string Name => "words";
        public override long Dimension => 64;
        public override Tensor Embed(Tensor images) => throw new NotSupportedException();

        public override Tensor Embed(IReadOnlyList<string> texts) => Tensor.Stack([.. texts.Select(text =>
            (names.Contains(text) ? Own(text) : Own("nothing at all") + 0.4 * (text.Contains("goldfish", StringComparison.Ordinal) ? Own("goldfish") : Own(text))).Normalized())]);

        private Tensor Own(string text)
        {
            using var random = new Generator((ulong)text.Aggregate(7L, (hash, letter) => hash * 31 + letter));
            return random.Normal(Dimension).Normalized();
        }
    }
}
