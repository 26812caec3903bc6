using Obverse.Files;
using Obverse.Models;
using Obverse.Torch;

namespace Obverse.Fuzz;

/// <summary>PyTorch's own files: zip, legacy stream, TorchScript; a bare pickle among them.</summary>
internal static class CheckpointTargets
{
    // torch.save of {"a": tensor([1., 2.])}, its zip by hand.
    private const string Two =
        "UEsDBBQAAAAAAAAAIVwCOwTlogAAAKIAAAAQAAAAYXJjaGl2ZS9kYXRhLnBrbIACfXEAWAEAAABhcQFjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92MgpxAigoWAcAAABzdG9yYWdlcQNjdG9yY2gKRmxvYXRTdG9yYWdlCnEEWAEAAAAwcQVYAwAAAGNwdXEGSwJ0cQdRSwBLAoVxCEsBhXEJiWNjb2xsZWN0aW9ucwpPcmRlcmVkRGljdApxCilScQt0cQxScQ1zLlBLAwQUAAAAAAAAACFcdqU/LggAAAAIAAAADgAAAGFyY2hpdmUvZGF0YS8wAACAPwAAAEBQSwMEFAAAAAAAAAAhXNGeZ1UCAAAAAgAAAA8AAABhcmNoaXZlL3ZlcnNpb24zClBLAQIUAxQAAAAAAAAAIVwCOwTlogAAAKIAAAAQAAAAAAAAAAAAAACAAQAAAABhcmNoaXZlL2RhdGEucGtsUEsBAhQDFAAAAAAAAAAhXHalPy4IAAAACAAAAA4AAAAAAAAAAAAAAIAB0AAAAGFyY2hpdmUvZGF0YS8wUEsBAhQDFAAAAAAAAAAhXNGeZ1UCAAAAAgAAAA8AAAAAAAAAAAAAAIABBAEAAGFyY2hpdmUvdmVyc2lvblBLBQYAAAAAAwADALcAAAAzAQAAAAA=";

    public static Target Checkpoint { get; } = new("checkpoint", ".pt")
    {
        Seeds = () => [Convert.FromBase64String(Two)],
        Donors = () => [.. ((string[])["*.pt", "*.bin", "*.ckpt", "*.pkl"]).SelectMany(pattern => Corpus.Files("checkpoints", pattern, 50_000))],
        Read = TorchArchive.TryAll,
        Documented = [typeof(WeightsException)],
        Allowance = length => (1 << 20) + 256 * length, // tensors and unpacked storages are counted by the reader itself: 8 times the file and 1 MB
    };
}
