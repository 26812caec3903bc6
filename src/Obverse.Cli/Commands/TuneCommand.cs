using System.CommandLine;
using Obverse.Diffusion;
using Obverse.Files;
using Obverse.Jobs;
using Obverse.Models;
using Obverse.Training;

namespace Obverse.Cli.Commands;

/// <summary>`obverse tune`: a Stable Diffusion model learns from a few pictures.</summary>
internal static class TuneCommand
{
    public static Command Create(Screen screen)
    {
        var images = new Argument<string[]>("IMAGE") { Arity = ArgumentArity.OneOrMore, Description = "Pictures, or folders of pictures; of a folder of folders, each is a class by its name." };
        var output = new Option<string?>("--out", "-o") { HelpName = "FILE", Description = "The delta to write. [default: the class, with .delta]" };
        var method = Flags.Parsed<TuningMethod?>("--method", "ct|ft|custom-diffusion", "SD-IPC-CT (one concept, 30 updates), SD-IPC-FT (classes, cosine decay, with captions), or Custom Diffusion (250 updates, a new word). [default: ct]",
            text => text switch { "ct" => TuningMethod.Concept, "ft" => TuningMethod.FineTuning, "custom-diffusion" => TuningMethod.CustomDiffusion, _ => throw new FormatException("ct, ft or custom-diffusion was wanted") });
        var model = Flags.Text("--model", "MODEL", $"A Stable Diffusion 1.x model: a folder in diffusers' layout, or a zoo name. [default: {SamplingOptions.Usual}]");
        var clip = Flags.Text("--clip", "MODEL", "The CLIP that sees the pictures; its text encoder must be the model's. [default: the model's own]");
        var name = Flags.Text("--class", "NAME", "What the pictures show, as a caption names it. [default: their folder's name]");
        var parts = Flags.Parsed<TuningParts?>("--parts", "CU|C|U|FC|FC(I)", "What SD-IPC trains: image prompts (C), cross-attention keys and values (U), or a linear layer instead of the pseudo-inverse, random (FC) or initialised with it (FC(I)). [default: CU]",
            text => text switch { "CU" or "UC" => TuningParts.Both, "C" => TuningParts.Prompts, "U" => TuningParts.KeyValues, "FC" => TuningParts.Linear, "FC(I)" or "FCI" => TuningParts.LinearFromInverse, _ => throw new FormatException("CU, C, U, FC or FC(I) was wanted") });
        var target = Flags.Parsed<TuningTarget?>("--target", "same|ab|any", "Target of a reference picture: itself, another one of its class (A/B training), or any of its class. [default: any with ct, ab with ft]",
            text => text switch { "same" => TuningTarget.Same, "ab" => TuningTarget.Other, "any" => TuningTarget.Any, _ => throw new FormatException("same, ab or any was wanted") });
        var updates = Flags.Whole("--updates", "Updates of the weights. [default: 30 with ct, 250 with custom-diffusion]", 1, 10_000_000);
        var epochs = Flags.Number("--epochs", "E", "With ft: passes over the pictures. [default: 100]", 0.001, 100_000);
        var batch = Flags.Whole("--batch", "Batch size. [default: 2 with ct and custom-diffusion, 4 with ft]", 1, 4096);
        var rate = Flags.Number("--rate", "R", "Learning rate. [default: 5e-6 with ct, 1e-5 with ft, 1e-5 times the batch with custom-diffusion]", 1e-12, 1);
        var promptRate = Flags.Number("--prompt-rate", "F", "Learning rate of the image prompts as a multiple of --rate. [default: 1]", 0, 1e6);
        var prompts = Flags.Whole("--prompts", "Deep prompts per block of a vision transformer; a convolutional encoder has one border of pixels instead. [default: 50]", 1, 10_000);
        var replace = Flags.Switch("--replace-patches", "Deep prompts replace the first patches, as the authors' script does, instead of being inserted.");
        var from = Flags.Text("--from", "FILE", "Start from this delta, such as that of --method ft.");
        var token = Flags.Text("--token", "WORD", "With custom-diffusion: the new word. [default: <new1>]");
        var initializer = Flags.Text("--initializer", "WORD", "With custom-diffusion: the word whose embedding it starts from. [default: ktn]");
        var priors = Flags.Whole("--priors", "With custom-diffusion: prior pictures of the class, drawn by the model first; 0: no prior loss. [default: 200]", 0, 100_000);
        var plain = Flags.Switch("--no-augment", "With custom-diffusion: do not resize the pictures at random.");
        var norm = Flags.Parsed<NormRule?>("--norm", "script|paper", "Norm rule of the converted vector. [default: script]", text => text switch { "script" => NormRule.Script, "paper" => NormRule.Paper, _ => throw new FormatException("script or paper was wanted") });
        var length = Flags.Number("--length", "L", "The norm. [default: 27.5 and 27 for CLIP ViT-L/14, else measured on captions]", 0, 1e6);
        var cutoff = Flags.Number("--cutoff", "C", "Singular values of the text projection below this are dropped. [default: 0.3]", 0, 1e6);
        var recompute = Flags.Switch("--recompute", "Gradient checkpointing of the UNet: less memory, more time.");
        var diffusers = Flags.Text("--diffusers", "DIR", "Write the folder that diffusers reads too (load_attn_procs, load_textual_inversion).");
        var work = Flags.Text("--work", "DIR", "Folder for checkpoint and log. [default: the delta's name with .work, removed at the end]");
        var (seed, threads, device, precision, json) = (Flags.Seed(usual: "7"), Flags.Threads(), Flags.Device(), Flags.Precision(), Flags.Json());
        var command = new Command("tune",
            """
            Fine-tune Stable Diffusion to pictures, for `obverse vary --tuned` and `obverse diffuse --tuned`. The result is a
            small delta that names its base model. Ctrl-C leaves a checkpoint, and the same command resumes from it to the
            same bytes.

              obverse tune cat1.jpg cat2.jpg cat3.jpg --class cat -o cat.delta
              obverse vary cat1.jpg --edit "in the snow" --tuned cat.delta
              obverse tune photos/ --method ft --epochs 100 -o photos.delta
              obverse tune cat1.jpg cat2.jpg cat3.jpg --class cat --method custom-diffusion -o new1.delta
              obverse diffuse "a <new1> cat in the snow" --tuned new1.delta
            """)
        {
            images, output, method, model, clip, name, parts, target, updates, epochs, batch, rate, promptRate, prompts, replace, from, token, initializer, priors, plain, norm, length, cutoff, recompute, diffusers, work, seed, threads, device, precision, json,
        };
        command.SetAction(parsed =>
        {
            var how = parsed.GetValue(method) ?? TuningMethod.Concept;
            var isCustom = how == TuningMethod.CustomDiffusion;
            void Only(bool allowed, string with, params Option[] options)
            {
                if (!allowed && options.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } wrong) throw new UsageException($"{wrong.Name} is for --method {with}");
            }

            Only(how == TuningMethod.FineTuning, "ft", epochs);
            Only(isCustom, "custom-diffusion", token, initializer, priors, plain);
            Only(!isCustom, "ct and ft", parts, target, promptRate, prompts, replace, clip, norm, length, cutoff);
            if (parsed.GetValue(updates) is not null && parsed.GetValue(epochs) is not null) throw new UsageException("give --updates or --epochs, not both");
            if (parsed.GetValue(name) is { } called && string.IsNullOrWhiteSpace(called)) throw new UsageException("--class: the class is empty");
            var pictures = TuningPicture.Find(parsed.GetRequiredValue(images), parsed.GetValue(name));
            if (!isCustom && (parsed.GetValue(target) ?? (how == TuningMethod.FineTuning ? TuningTarget.Other : TuningTarget.Any)) == TuningTarget.Other && pictures.GroupBy(p => p.Class).FirstOrDefault(group => group.Count() < 2) is { } lone)
                throw new UsageException($"{lone.Key}: one picture was given; A/B targets need two or more of a class (--target same tunes to the picture itself)");
            var file = parsed.GetValue(output) ?? FileNames.Free(FileNames.Fitting(FileNames.Slug(pictures[0].Class, otherwise: "tuned"), ".delta"));
            FileNames.MustBeWritable(file, 1 << 20);
            var working = parsed.GetValue(work) ?? file + ".work";

            using var workshop = CliModels.Workshop(screen, parsed.GetValue(threads), parsed.GetValue(device), parsed.GetValue(precision));
            var diffusion = workshop.Diffusion(parsed.GetValue(model) ?? SamplingOptions.Usual);
            var seeing = isCustom ? null : parsed.GetValue(clip) is { } named ? workshop.Model(named).Encoder.Model : diffusion.Clip ?? throw new UsageException($"{diffusion.Folder} holds no CLIP that sees pictures; name one whose text encoder is the model's with --clip");
            var basic = how switch { TuningMethod.FineTuning => TuningOptions.FineTuning, TuningMethod.CustomDiffusion => TuningOptions.CustomDiffusion, _ => TuningOptions.Concept };
            var size = parsed.GetValue(batch) ?? basic.Batch;
            var rule = parsed.GetValue(norm) ?? NormRule.Script;
            var steps = parsed.GetValue(updates) ?? (how == TuningMethod.FineTuning ? (long)Math.Ceiling((parsed.GetValue(epochs) ?? 100) * pictures.Count / size) : basic.Steps!.Value);
            var options = basic with
            {
                Batch = size, Steps = steps, Rate = parsed.GetValue(rate) ?? (isCustom ? 1e-5 * size : basic.Rate), Parts = parsed.GetValue(parts) ?? basic.Parts, Target = parsed.GetValue(target) ?? basic.Target, PromptRate = parsed.GetValue(promptRate) ?? 1,
                Prompts = parsed.GetValue(prompts) ?? basic.Prompts, Placement = parsed.GetValue(replace) ? PromptPlacement.Replace : PromptPlacement.Insert, Token = parsed.GetValue(token) ?? basic.Token, Initializer = parsed.GetValue(initializer) ?? basic.Initializer,
                Priors = parsed.GetValue(priors) ?? basic.Priors, Augments = !parsed.GetValue(plain), Norm = rule, Length = seeing is null ? null : parsed.GetValue(length) ?? PromptLength.Of(seeing, rule), Cutoff = parsed.GetValue(cutoff) ?? basic.Cutoff,
                Recomputes = parsed.GetValue(recompute), Seed = (ulong)(parsed.GetValue(seed) ?? 7), Threads = parsed.GetValue(threads) ?? Environment.ProcessorCount, LogEvery = (int)Math.Clamp(steps / 60, 1, 20),
            };
            using var begin = parsed.GetValue(from) is { } given ? TunedDelta.Load(given) : null;
            var asJson = parsed.GetValue(json);
            void Report(PretrainingStep step)
            {
                if (asJson) screen.Json(new { Event = "progress", step.Step, Of = steps, step.Loss, step.Parts, Left = step.Left?.TotalSeconds });
                else screen.Progress(FormattableString.Invariant($"step {step.Step} of {steps}, {step.Left?.TotalSeconds:0} s left, {string.Join(" ", step.Parts.Select(part => FormattableString.Invariant($"{part.Key} {part.Value:F4}")))}"));
            }

            if (!asJson) screen.Note($"{TuningOptions.NameOf(how)} of {Path.GetFileName(diffusion.Folder.TrimEnd('/'))}: {Counted.Of(pictures.Count, "picture")} of {string.Join(", ", pictures.Select(p => p.Class).Distinct().Take(4))}, {Counted.Of(steps, "update")} of {size} at {FormattableString.Invariant($"{options.Rate:g3}")}{(isCustom ? "" : $", parts {TuningOptions.NameOf(options.Parts)}")}");
            using var delta = Tuning.Run(diffusion, seeing, pictures, options, begin, working, screen.Progress, Report, screen.Stop);
            if (delta is null) return screen.Fail($"stopped; the checkpoint is in {working}, and the same command resumes from it", 1);
            delta.Save(file);
            if (parsed.GetValue(diffusers) is { } folder) delta.SaveForDiffusers(folder);
            if (parsed.GetValue(work) is null) Tuning.Clear(working);
            var bytes = new FileInfo(file).Length;
            if (asJson) screen.Json(new { Event = "result", File = file, Bytes = bytes, Method = TuningOptions.NameOf(how), Updates = steps });
            else screen.Say(FormattableString.Invariant($"{file}  {bytes / 1024.0:0} KB"));
            return 0;
        });
        return command;
    }
}
