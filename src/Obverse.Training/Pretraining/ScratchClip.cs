using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Training;

/// <summary>A CLIP of any shape from nothing: contrastive learning of pictures and their captions, as CLIP itself was trained (Radford et al. 2021), with no teacher and no classifier.</summary>
public static class ScratchClip
{
    /// <summary>Trains and writes a model folder. Checkpoints and caches go to <paramref name="work"/>.</summary>
    /// <param name="config">Both towers; the vocabulary's size is that of the tokenizer that is trained here.</param>
    /// <param name="pictures">The folder of a <see cref="PictureSet"/>.</param>
    /// <param name="options">How long, and captioned pictures per step; its parts with teachers are not used.</param>
    /// <param name="output">Folder for the model.</param>
    /// <param name="work">Folder for vocabulary, checkpoint and log.</param>
    /// <param name="merges">Size of the vocabulary.</param>
    /// <param name="progress">Called every few steps.</param>
    /// <param name="cancel">Stops and leaves a checkpoint.</param>
    /// <returns>True where the run is finished.</returns>
    public static bool Train(ClipConfig config, string pictures, ClipPretrainingOptions options, string output, string work, int merges = 4096, Action<PretrainingStep>? progress = null, CancellationToken cancel = default)
    {
        Directory.CreateDirectory(work);
        using var set = PictureSet.Open(pictures, PocketClip.DecodeJpeg);
        var vocabulary = Path.Combine(work, "bpe.txt.gz");
        if (!File.Exists(vocabulary)) BpeTrainer.Train(set.Entries.DistinctBy(entry => (entry.Style, entry.Label)).SelectMany(entry => entry.Names.Concat(entry.Keywords)), merges).Save(vocabulary);
        var tokenizer = BpeTokenizer.Load(vocabulary);
        config = config with { Text = config.Text with { VocabularySize = tokenizer.VocabularySize, EndId = null } };

        using var process = new TrainingProcess(options.Threads);
        using var random = Generator.For(options.Seed, 1);
        using var model = ClipModel.New(config, random);
        model.Tokenizer = tokenizer;
        var views = new PictureViews(set, PocketClipRecipe.PocketClip.Name, options.Seed, new ViewCounts());
        var rendered = new RenderedPictures(set, views, config.Vision.ImageSize, pixels => model.EncodeImage(model.Normalize(pixels)));
        using var training = new ClipPretraining(options with { PairWeight = 1 }, model.Weights, config.Text, tokenizer, pictures: rendered);
        if (!training.Run(work, progress, cancel)) return false;
        model.Save(output, half: true);
        return true;
    }
}
