using Obverse;
using Obverse.Bench;
using Obverse.Torch;

// One benchmark a call, so that each has a process of its own: bench/run.sh and bench/compare.sh put them together.
switch (args)
{
    case ["op"]: OpCost.Run(); break;
    case ["memory"]: ResidentSet.Run(); break;
    case ["gemm"]: Gemm.Run(); break;
    case ["vit", var views]: VitGradient.Run(int.Parse(views)); break;
    case ["vit", var views, var repeats]: VitGradient.Run(int.Parse(views), int.Parse(repeats)); break;
    case ["vit", var views, var repeats, var architecture]: VitGradient.Run(int.Parse(views), int.Parse(repeats), architecture); break;
    case ["fits", var count]: InrFits.Run(int.Parse(count)); break;
    case ["inversion", var steps]: WholeInversion.Run(int.Parse(steps)); break;
    case ["progressive", var steps]: WholeInversion.Run(int.Parse(steps), new Progressive([new Stage(0.8, 0.5)])); break;
    case ["neighbours", var count]: Neighbours.Run(int.Parse(count)); break;
    case ["neighbours", var count, var kinds]: Neighbours.Run(int.Parse(count), int.Parse(kinds)); break;
    case ["frechet-write", var width, var rows, var folder]: FrechetRoad.Write(int.Parse(width), int.Parse(rows), folder); break;
    case ["frechet", var folder, var root]: FrechetRoad.Run(folder, Enum.Parse<Obverse.Evaluation.FrechetRoot>(root, ignoreCase: true)); break;
    case ["pictures", var count, var folder]: Streaming.Write(int.Parse(count), folder); break;
    case ["stream", var folder, var count, var threads]: Streaming.Run(folder, int.Parse(count), int.Parse(threads)); break;
    case ["pyramid"]: PyramidStep.Run(); break;
    case ["strokes"]: StrokeStep.Run(256, 224); break;
    case ["strokes", var count, var side]: StrokeStep.Run(int.Parse(count), int.Parse(side)); break;
    case ["clipdraw" or "vqgan", var steps, "fp32" or "bf16" or "auto"]: ClipagStep.Run(args[0], int.Parse(steps), Precisions.Parse(args[2])); break;
    case ["tune", "ft" or "ct", "plain" or "recompute", "fp32" or "bf16" or "auto", var updates]: TuneStep.Run(args[1] == "ct", args[2] == "recompute", Precisions.Parse(args[3]), int.Parse(updates)); break;
    case ["unet", var folder, var repeats]: UNetStep.Run(folder, int.Parse(repeats)); break;
    case ["unet", var folder, var repeats, var precision]: UNetStep.Run(folder, int.Parse(repeats), Precisions.Parse(precision)); break;
    case ["unet-parts", var repeats]: UNetParts.Run(int.Parse(repeats)); break;
    case ["sample", var folder, var steps, var side]: DiffusionSample.Run(folder, int.Parse(steps), int.Parse(side), null); break;
    case ["sample", var folder, var steps, var side, var every]: DiffusionSample.Run(folder, int.Parse(steps), int.Parse(side), int.Parse(every)); break;
    case ["write-diffusion", var folder]: RandomDiffusion.Write(folder); break;
    case ["write", var architecture, var layout, var folder]: RandomModel.Write(architecture, layout, folder); break;
    default:
        Console.Error.WriteLine("obverse-bench: op | memory | gemm | vit VIEWS [REPEATS [ARCHITECTURE]] | fits COUNT | neighbours ROWS [KINDS] | frechet-write WIDTH ROWS FOLDER | frechet FOLDER exact|sqrtm|eigenvalues | pictures COUNT FOLDER | stream FOLDER COUNT THREADS | pyramid | inversion STEPS | progressive STEPS | strokes [COUNT SIDE] | clipdraw|vqgan STEPS fp32|bf16|auto | tune ft|ct plain|recompute fp32|bf16|auto UPDATES | unet FOLDER REPEATS [PRECISION] | unet-parts REPEATS | sample FOLDER STEPS SIDE [FULL-EVERY] | write-diffusion FOLDER | write ARCHITECTURE LAYOUT FOLDER");
        return 2;
}

return 0;
