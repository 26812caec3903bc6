using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Obverse.Imaging;

/// <summary>H.264 in .mp4 by an ffmpeg process, fed with raw frames; sides are made even with a white edge, as 4:2:0 wants.</summary>
internal sealed class Mp4Film : FilmWriter
{
    private readonly FilmOptions options;
    private readonly double framesPerSecond;
    private readonly string path;
    private readonly string program;
    private Process? process;
    private Task<string>? complaints;

    public Mp4Film(FilmOptions options, double framesPerSecond, string path)
    {
        (this.options, this.framesPerSecond, this.path) = (options, framesPerSecond, path);
        program = Find(options.Ffmpeg) ?? throw new PictureException(path, $"writing .mp4 needs the program '{options.Ffmpeg}', which is not on PATH; .gif and .webp need nothing");
    }

    public override int TicksPerSecond => 1000;

    public override int MaxSide => 16384;

    public override void Start(int width, int height)
    {
        Target.CloseStream();
        var crf = Math.Clamp((int)Math.Round(40 - options.Quality * 0.26), 0, 51);   // 85 -> 18, which x264 calls visually lossless
        string[] arguments =
        [
            "-hide_banner", "-loglevel", "error", "-y",
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", $"{width}x{height}", "-r", framesPerSecond.ToString("R", CultureInfo.InvariantCulture), "-i", "-",
            "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white", "-c:v", "libx264", "-crf", crf.ToString(CultureInfo.InvariantCulture), "-pix_fmt", "yuv420p",
            "-movflags", "+faststart", "-f", "mp4", Target.TemporaryPath,
        ];
        try
        {
            process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardError = true, UseShellExecute = false })!;
        }
        catch (Win32Exception e)
        {
            throw new PictureException(path, $"'{program}' does not start: {e.Message}", e);
        }

        complaints = process.StandardError.ReadToEndAsync();
    }

    public override void Add(Picture picture, long ticks)
    {
        try
        {
            process!.StandardInput.BaseStream.Write(picture.Rgb);
        }
        catch (IOException e)
        {
            throw Failure(e);
        }
    }

    public override void End()
    {
        try
        {
            process!.StandardInput.Close();
        }
        catch (IOException e)
        {
            throw Failure(e);
        }

        process.WaitForExit();
        if (process.ExitCode != 0) throw Failure(null);
        if (!File.Exists(Target.TemporaryPath) || new FileInfo(Target.TemporaryPath).Length == 0) throw new PictureException(path, $"{Path.GetFileName(program)} wrote nothing");
    }

    public override void Dispose()
    {
        if (process is null) return;
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
    }

    private PictureException Failure(Exception? inner)
    {
        if (!process!.WaitForExit(5000)) process.Kill();
        process.WaitForExit();
        var last = complaints!.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "no reason given";
        return new PictureException(path, $"{Path.GetFileName(program)} gave up with code {process.ExitCode}: {last}", inner);
    }

    private static string? Find(string program)
    {
        if (program.Contains(Path.DirectorySeparatorChar)) return File.Exists(program) ? program : null;
        var names = OperatingSystem.IsWindows() ? (string[])[program + ".exe", program] : [program];
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Where(folder => folder.Length > 0).SelectMany(folder => names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
    }
}
