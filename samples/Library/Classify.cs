using Obverse;
using Obverse.Evaluation;
using Obverse.Imaging;
using Obverse.Torch;

public static class Classify
{
    public static void Run()
    {
        using var clip = ClipEncoder.Load("pocket-clip");
        using var scope = new TensorScope();   // what is computed below is freed at its end
        string[] names = ["apple", "sunflower", "tabby cat"];
        var classifier = ZeroShot.Classifier(texts => clip.Embed(texts), names, ["a photo of a {}.", "a drawing of a {}."]);   // [names, d], unit rows
        var cosines = clip.Embed(Picture.Load("apple.png").ToTensor()).Matmul(classifier.T()).ToFloats();                     // [1, d] x [d, names]
        foreach (var (name, cosine) in names.Zip(cosines)) Console.WriteLine($"{cosine:F3}  {name}");
    }
}
