using Obverse;
using Obverse.Imaging;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Torch;

public static class Restyle
{
    public static void Run()
    {
        using var workshop = new Workshop { Threads = 1 };
        var job = new InversionRequest { Prompt = "a watercolour", Recipe = "styler", Start = "apple.png", Size = new(64, 64), Steps = 4, Views = 2, Quality = Quality.Draft }.Check(workshop).Job(workshop);
        job.Finish(workshop, new Outputs("watercolour.png") { Canvas = "style.safetensors" });

        using var network = StyleNet.Load("style.safetensors");   // the trained network redraws other pictures
        using var scope = new TensorScope();
        using var still = new NoGrad();
        network.Forward(Picture.Load("mosaic.png").ToTensor()).Clamp(0, 1).ToPicture().Save("mosaic-watercolour.png");
    }
}
