using Obverse;
using Obverse.Retrieval;

public static class Search
{
    public static void Run()
    {
        File.WriteAllLines("captions.jsonl", ["""{"file": "apple.png", "captions": ["a red apple"]}""", """{"file": "mosaic.png", "captions": ["a sunflower of little squares"]}"""]);
        Directory.CreateDirectory("index");
        using var clip = ClipEncoder.Load("pocket-clip");
        new IndexBuild(clip, "my-model", RetrievalIndex.FileToWrite("index")).Run([.. IndexSources.Read("captions.jsonl")]);

        using var index = RetrievalIndex.Open("index");
        using var query = clip.Embed(["a yellow flower"]);
        foreach (var row in index.Find(query[0], k: 2)) Console.WriteLine($"{row.Cosine:F3}  {row.Picture.Path}");
    }
}
