using System.CommandLine;
using Obverse.Evaluation;

namespace Obverse.Cli.Commands;

/// <summary>`obverse eval`: the field's measures of pictures, a subcommand each; tables of them; the protocols of public data sets.</summary>
internal static class EvalCommand
{
    public static Command Create(Screen screen)
    {
        var command = new Command("eval",
            """
            Measure sets of pictures: FID, KID, Inception Score, CLIPSIM, CLIPScore and others. Distances are over the pocket
            judge unless a network is given, and are named so: "FID (pocket-judge)" is no FID.

              obverse eval fid drawn/ photos.zip
              obverse eval fid drawn/ coco.npz --network pt_inception-2015-12-05-6726825d.pth --as clean-fid
              obverse eval clipsim captions.jsonl --network ViT-B-32
            """);
        foreach (var kind in MetricKind.All) command.Add(EvalMetricCommand.Create(screen, kind));
        foreach (var kind in PairKind.All) command.Add(EvalPairsCommand.Create(screen, kind));
        command.Add(EvalFeaturesCommand.Create(screen));
        command.Add(EvalTableCommand.Create(screen));
        foreach (var protocol in EvalProtocolCommands.Create(screen)) command.Add(protocol);
        command.Add(EvalTuningCommand.Create(screen));
        command.Add(EvalVariationsCommand.Create(screen));
        command.Add(EvalRestylingCommand.Create(screen));
        return command;
    }
}
