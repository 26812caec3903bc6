using Obverse.Files;

namespace Obverse.Imaging;

/// <summary>How a <see cref="Film"/> is stored.</summary>
public sealed record FilmOptions
{
    /// <summary>1 to 100, for .webp and .mp4.</summary>
    public int Quality { get; init; } = 85;

    /// <summary>Lossless frames, .webp only.</summary>
    public bool Lossless { get; init; }

    /// <summary>Spread a GIF's 256 colours a frame by error diffusion.</summary>
    public bool Dither { get; init; } = true;

    /// <summary>How often .gif and .webp play; 0 = for ever.</summary>
    public int Loops { get; init; }

    /// <summary>The program that makes .mp4.</summary>
    public string Ffmpeg { get; init; } = "ffmpeg";
}

/// <summary>Pictures of one size as a film: .gif and .webp by itself, .mp4 through ffmpeg. Frames are written as they come; the file appears at <see cref="Finish"/>.</summary>
public sealed class Film : IDisposable
{
    private readonly string path;
    private readonly double framesPerSecond;
    private readonly AtomicFile file;
    private readonly FilmWriter writer;
    private bool finished;

    private Film(string path, double framesPerSecond, FilmOptions options)
    {
        this.path = path;
        this.framesPerSecond = framesPerSecond;
        writer = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".gif" => new GifFilm(options),
            ".webp" => new WebPFilm(options),
            ".mp4" => new Mp4Film(options, framesPerSecond, path),
            var other => throw new PictureException(path, $"cannot write a film as '{other}'; wanted .gif, .webp or .mp4"),
        };
        file = AtomicFile.Open(path);
        writer.Target = file;
    }

    public int Frames { get; private set; }

    public int Width { get; private set; }

    public int Height { get; private set; }

    /// <param name="path">.gif, .webp or .mp4; the folder must be there.</param>
    /// <param name="framesPerSecond">Above 0, at most 100. GIF counts in hundredths of a second; the rounding does not add up.</param>
    /// <param name="options">Quality, dithering, repeats.</param>
    /// <exception cref="PictureException">Unknown extension, or .mp4 without ffmpeg.</exception>
    /// <exception cref="IOException">The path cannot be written.</exception>
    public static Film Open(string path, double framesPerSecond, FilmOptions? options = null)
    {
        if (!(framesPerSecond is > 0 and <= 100)) throw new ArgumentOutOfRangeException(nameof(framesPerSecond), framesPerSecond, "wanted above 0, at most 100 frames a second");
        options ??= new FilmOptions();
        if (options.Quality is < 1 or > 100) throw new ArgumentOutOfRangeException(nameof(options), options.Quality, "quality runs from 1 to 100");
        return new Film(path, framesPerSecond, options);
    }

    /// <summary>The next frame; .webp holds its alpha, the others drop it.</summary>
    /// <exception cref="ArgumentException">Another size than the first frame.</exception>
    /// <exception cref="IOException">The disk is full, or ffmpeg gave up.</exception>
    public void Add(Picture picture)
    {
        if (finished) throw new InvalidOperationException($"{path}: the film is finished");
        if (Frames == 0)
        {
            (Width, Height) = (picture.Width, picture.Height);
            if (Math.Max(Width, Height) > writer.MaxSide) throw new PictureException(path, $"frames of {Width} x {Height}; wanted at most {writer.MaxSide} a side");
            Try(() => writer.Start(Width, Height));
        }
        else if ((picture.Width, picture.Height) != (Width, Height))
        {
            throw new ArgumentException($"{path}: frame {Frames} is {picture.Width} x {picture.Height}; the film is {Width} x {Height}");
        }

        Try(() => writer.Add(picture, At(Frames + 1) - At(Frames)));
        Frames++;
    }

    /// <summary>Ends the film and puts the file in place.</summary>
    /// <exception cref="InvalidOperationException">No frame was added.</exception>
    /// <exception cref="IOException">The disk is full, or ffmpeg gave up.</exception>
    public void Finish()
    {
        if (finished) return;
        if (Frames == 0) throw new InvalidOperationException($"{path}: a film of no frames");
        Try(writer.End);
        file.Commit();
        finished = true;
    }

    /// <summary>Writes all of it.</summary>
    public static void Write(string path, double framesPerSecond, IEnumerable<Picture> frames, FilmOptions? options = null)
    {
        using var film = Open(path, framesPerSecond, options);
        foreach (var frame in frames) film.Add(frame);
        film.Finish();
    }

    /// <summary>Without <see cref="Finish"/> before it, throws the film away.</summary>
    public void Dispose()
    {
        writer.Dispose();
        file.Dispose();
    }

    private void Try(Action write)
    {
        try
        {
            write();
        }
        catch (IOException e) when (e.GetType() == typeof(IOException))   // from the disk: it names the temporary file
        {
            throw new PictureException(path, $"cannot be written: {e.Message}", e);
        }
    }

    private long At(int frame) => (long)Math.Round(frame * writer.TicksPerSecond / framesPerSecond);
}

/// <summary>One film format.</summary>
internal abstract class FilmWriter : IDisposable
{
    public AtomicFile Target { get; set; } = null!;

    public abstract int TicksPerSecond { get; }

    public abstract int MaxSide { get; }

    public abstract void Start(int width, int height);

    public abstract void Add(Picture picture, long ticks);

    public abstract void End();

    public virtual void Dispose()
    {
    }
}
