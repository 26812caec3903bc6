using Obverse;

using var clip = ClipEncoder.Load("pocket-clipag");
using var random = new Obverse.Torch.Generator(7);
using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(5));

using var inversion = new Inversion
{
    Canvas    = new Pyramid(Levels: 8).Create(count: 1, height: 128, width: 128, random),
    Views     = Views.Of(6).Scale(0.8, 1.2).Rotate(8).Translate(0.1).Color(0.2).Blur(0, 1.5).Noise(0.15),
    Encoder   = clip,
    Targets   = new(Target.Of(clip.Embed(["a tabby cat"]))),
    Objective = Objective.Toward() + 0.1 * Objective.TotalVariation(),
    Schedule  = Schedule.Adam(0.05).Cosine().Steps(100),
    Seed      = 7,
};

foreach (var step in inversion.Run(stop.Token)) Console.Write($"\r{step.Index + 1}/{step.Count}  similarity {step.Similarity:F3}");
inversion.Show().ToPicture().Save("cat.png");
