using System.CommandLine;
using Obverse.Jobs;

namespace Obverse.Cli;

/// <summary>What the recipe styler can be asked for: the source text, and VGG19's weights for its content loss; and for recipes with a VGG or VQGAN, their files.</summary>
internal sealed class StyleOptions
{
    private readonly Option<string?> source = Flags.Text("--source", "TEXT", "For the recipe styler: what the start picture is, the other end of the direction to the prompt. [default: a Photo]");
    private readonly Option<string?> vgg = Flags.Text("--vgg", "FILE", "For the recipe styler: torchvision's VGG19 weights for the content loss. [default: pocket-clip's features]");
    private readonly Option<string?> vqgan = Flags.Text("--vqgan", "MODEL", "For the recipes vqgan: weights of taming-transformers, a file, a folder or a zoo name. [default: pocket-vqgan]");

    public void AddTo(Command command)
    {
        foreach (var option in new[] { source, vgg, vqgan }) command.Add(option);
    }

    public InversionRequest Apply(ParseResult parsed, InversionRequest request)
    {
        var (from, features, decoder) = (parsed.GetValue(source), parsed.GetValue(vgg), parsed.GetValue(vqgan));
        if (from is null && features is null && decoder is null) return request;
        if (from is not null && from.Trim().Length == 0) throw new UsageException("--source: the text is empty; say what the start picture is, such as \"a Photo\"");
        if (features is not null && !File.Exists(features)) throw new FileNotFoundException($"{features}: no such file; --vgg wants torchvision's VGG19 weights (vgg19-dcbb9e9d.pth, or safetensors)");
        if (decoder is not null) _ = LoadedModel.Find(decoder);
        var adapt = request.Adapt;
        return request with { Adapt = recipe => Changed(adapt(recipe), from, features, decoder) };
    }

    private static Recipe Changed(Recipe recipe, string? from, string? features, string? decoder)
    {
        if (decoder is not null) recipe = recipe.Canvas is VqganLatent latent ? recipe with { Canvas = latent with { Weights = decoder } } : throw new UsageException($"--vqgan is for recipes with a VQGAN, such as vqgan; {recipe.Name} has {recipe.Canvas.GetType().Name}");
        if (from is not null) recipe = recipe.Texts is { } texts && texts.Any(text => text.Name == "source") ? recipe with { Texts = [.. texts.Select(text => text.Name == "source" ? text with { Text = from } : text)] } : throw new UsageException($"--source is for the recipe styler; {recipe.Name} has no source");
        if (features is null) return recipe;
        return Replaced(recipe.Objective, features) is var (objective, found) && found ? recipe with { Objective = objective } : throw new UsageException($"--vgg is for recipes with a content loss, such as styler; {recipe.Name} has none");
    }

    private static (Objective Objective, bool Found) Replaced(Objective objective, string features) => objective switch
    {
        Content content => (content with { Vgg = features }, true),
        WeightedSum sum when sum.Terms.Select(term => (term.Weight, Inner: Replaced(term.Objective, features))).ToArray() is var terms => (new WeightedSum([.. terms.Select(term => new Term(term.Weight, term.Inner.Objective))]), terms.Any(term => term.Inner.Found)),
        _ => (objective, false),
    };
}
