using System.Globalization;

namespace Obverse.Training;

/// <summary>What stands beside a model: how it was made and what it can and cannot do (spec zoo.md 8.5).</summary>
internal static class PocketReadme
{
    public static string Write(PocketClipRecipe recipe, PocketQuality locked, PocketQuality quality, long steps, TimeSpan elapsed, int views, TextLessons lessons)
    {
        var o = recipe.Pretraining;
        var styles = string.Join(", ", EmojiStyle.SeenBy(recipe.Name).Select(style => style.Set));
        return string.Create(CultureInfo.InvariantCulture, $"""
            # {recipe.Name}

            A small CLIP: {recipe.Tower} with its published ImageNet weights, a linear projection to {recipe.Dim} dimensions, and a text tower of its own
            ({recipe.TextWidth} wide, {recipe.TextLayers} layers, {recipe.TextHeads} heads, context 77, {recipe.Merges:N0} merges). open_clip's layout; the vocabulary is `bpe.txt.gz`.

            | measured on pictures and phrases it was not trained on | top-1 | top-5 | before the projection was tuned |
            |---|---|---|---|
            | ImageNet, 1,000 names, one photograph each (`imagenet-1000.zip`), 224 px | {quality.ImageNet224.Top1:P1} | {quality.ImageNet224.Top5:P1} | {locked.ImageNet224.Top1:P1} / {locked.ImageNet224.Top5:P1} |
            | the same at 160 px | {quality.ImageNet160.Top1:P1} | {quality.ImageNet160.Top5:P1} | {locked.ImageNet160.Top1:P1} / {locked.ImageNet160.Top5:P1} |
            | the same at 144 px | {quality.ImageNet144.Top1:P1} | {quality.ImageNet144.Top5:P1} | {locked.ImageNet144.Top1:P1} / {locked.ImageNet144.Top5:P1} |
            | the same at 224 px, analytic anchors in place of text embeddings | {quality.ImageNetAnchors.Top1:P1} | {quality.ImageNetAnchors.Top5:P1} | {locked.ImageNetAnchors.Top1:P1} / {locked.ImageNetAnchors.Top5:P1} |
            | Tiny ImageNet validation, 200 names, 128 px | {quality.TinyImageNet.Top1:P1} | {quality.TinyImageNet.Top5:P1} | {locked.TinyImageNet.Top1:P1} / {locked.TinyImageNet.Top5:P1} |
            | CIFAR-10 test, 10 names, 128 px | {quality.Cifar10.Top1:P1} | {quality.Cifar10.Top5:P1} | {locked.Cifar10.Top1:P1} / {locked.Cifar10.Top5:P1} |
            | drawings of a style never seen ({EmojiStyle.HeldOut.Set}), {quality.EmojiNames:N0} names, 128 px | {quality.Emoji.Top1:P1} | {quality.Emoji.Top5:P1} | {locked.Emoji.Top1:P1} / {locked.Emoji.Top5:P1} |
            | everyday phrases that name no class, 1,000 names | {quality.EverydayPhrases.Top1:P1} | {quality.EverydayPhrases.Top5:P1} | {locked.EverydayPhrases.Top1:P1} / {locked.EverydayPhrases.Top5:P1} |

            Modality gap (mean photograph to mean name): {quality.ModalityGap:F3}.
            Nearly all the things in the held-out drawings were seen in other styles: that row asks about the style, not the thing. The photographs of the first rows
            may be among those the published tower was trained on; they are held out from our training. The definitions were added to the recipe after the everyday
            phrases had been written and read. How firmly the projection is held was chosen between a few settings by the first row and the drawings; the text side's start, width and
            rates by another list of such phrases.

            ## How it was made
            `obverse train clip --recipe {recipe.Name} --data DIR --pictures DIR --wordnet DIR{(o.BFloat16 ? " --bf16 true" : "")}` on {DateTime.UtcNow:yyyy-MM-dd}, seed {o.Seed}: {elapsed.TotalMinutes:F0} minutes and {steps:N0} steps on {(o.Threads == 1 ? "one thread" : $"{o.Threads} threads")}, after the features of {views:N0} views.
            The projection starts from the classifier's own singular vectors, the class names from the rows that belong to them (no picture needed). The text tower starts as a bag of words
            fitted to a sentence encoder in closed steps (`BagOfWordsStart`), then learns from {lessons.Strings.Count:N0} strings that the encoder relates to those names, {lessons.Glosses.Count + lessons.Definitions.Count:N0} dictionary definitions (of a noun that the encoder
            does not know: as its nearest kind), and the captions of photographs, drawings ({styles}) and compositions, the projection locked. {(recipe.Tuning is { } tuning ? $"Then, words fixed, the projection was tuned for {tuning.Steps} steps from its analytic start on the classes of photographs, the names of drawings and the published classifier's probabilities, held near that start." : "The projection stayed as it began.")} The image tower itself is frozen.

            ## Data and licences
            | what | licence |
            |---|---|
            | EfficientNet-Lite weights, TensorFlow TPU authors | Apache-2.0 |
            | sentence embeddings by all-MiniLM-L6-v2 | Apache-2.0 |
            | WordNet 3.1 names and definitions, Princeton University | WordNet licence |
            | Tiny ImageNet training photographs | ImageNet's terms: research |
            | CIFAR-10 training photographs | Krizhevsky 2009, no licence stated |
            | emoji: noto, noto-v1, fluent-emoji, fluent-emoji-flat, fxemoji, emojione, twemoji | Apache-2.0, MIT, CC BY 4.0 (see tools/pocket-data/LICENCES.md) |
            | Flickr8k captions among the strings | research |

            ## What it cannot do
            It knows the thousand things of ImageNet and what can be said in terms of them. People, actions, text in pictures, counting and left or right are weak
            or missing. Its image tower is not robust: pictures optimised for it alone become texture. Scores of one model are not comparable with another's.
            """) + "\n";
    }
}
