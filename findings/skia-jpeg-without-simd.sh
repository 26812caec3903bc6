#!/usr/bin/env bash
# SkiaSharp 4.155.0 with SkiaSharp.NativeAssets.Linux.NoDependencies 4.155.0, Linux x64. Its libjpeg-turbo is built without SIMD.
# Guess:   libSkiaSharp.so names libjpeg-turbo 3.1.4.1 in its strings, so it reads JPEG at the speed that library is known for.
# Seen:    the table of constants that libjpeg-turbo's x86 code keeps for its inverse transform (10703, 4433 as 16-bit numbers, four times
#          in a row) is not in libSkiaSharp.so; Debian's libturbojpeg0 has it four times. A picture of 2048 x 2048, decoded to RGBA, took
#          Skia 39-74 ms, Debian's 14-30 ms, and Debian's with its SIMD off 46-88 ms (seven runs on two busy cores; 1.7 to 4.3 times).
#          mono/SkiaSharp issue 1693 asks why Skia is slow.
# Obverse: pictures are read slower than with the system's libturbojpeg, which earlier versions wanted installed: 2048 x 2048 in about
#          45 ms (2.3 times), and written six times slower. Accepted, as nothing has to be installed any more; CHANGELOG.md says it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > finding.csproj <<'END'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <SelfContained>false</SelfContained>
    <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="SkiaSharp" Version="[4.155.0]" />
    <PackageReference Include="SkiaSharp.NativeAssets.Linux.NoDependencies" Version="[4.155.0]" />
  </ItemGroup>
</Project>
END
# Prints the fastest of 31 decodes to RGBA in milliseconds: by Skia, or by the libturbojpeg that is named.
cat > Program.cs <<'END'
using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using SkiaSharp;
unsafe
{
    const int side = 2048;
    var layout = new SKImageInfo(side, side, SKColorType.Rgba8888, SKAlphaType.Opaque);
    var pixels = new byte[layout.BytesSize];
    var random = new Random(1);
    for (var i = 0; i < pixels.Length; i++)   // waves with some grain, as a photo has both
        pixels[i] = (byte)(128 + 80 * Math.Sin(i / 4 % side * 0.02 * (1 + i % 4)) * Math.Cos(i / 4 / side * 0.03) + random.Next(-6, 7));
    byte[] file;
    fixed (byte* at = pixels)
    using (var picture = new SKPixmap(layout, (nint)at)) file = picture.Encode(SKEncodedImageFormat.Jpeg, 90).ToArray();

    using var data = SKData.CreateCopy(file);
    var library = args.Length > 0 ? NativeLibrary.Load(args[0]) : 0;
    var create = (delegate* unmanaged<nint>)(library == 0 ? 0 : NativeLibrary.GetExport(library, "tjInitDecompress"));
    var decompress = (delegate* unmanaged<nint, byte*, nuint, byte*, int, int, int, int, int, int>)(library == 0 ? 0 : NativeLibrary.GetExport(library, "tjDecompress2"));
    var turbo = library == 0 ? 0 : create();
    var fastest = double.MaxValue;
    for (var i = 0; i < 31; i++)
    {
        var start = Stopwatch.GetTimestamp();
        fixed (byte* to = pixels, from = file)
        {
            if (library != 0 && decompress(turbo, from, (nuint)file.Length, to, side, 0, side, 7 /* RGBA */, 0) != 0) throw new InvalidOperationException("libturbojpeg refused");
            using var codec = library == 0 ? SKCodec.Create(data) : null;
            if (codec is not null && codec.GetPixels(layout, (nint)to) != SKCodecResult.Success) throw new InvalidOperationException("Skia refused");
        }

        fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    Console.WriteLine(fastest.ToString("F0", System.Globalization.CultureInfo.InvariantCulture));
}
END
dotnet build --nologo -v quiet -o out > build.log || { cat build.log >&2; exit 2; }
tables() { { LC_ALL=C grep -oUaP '(\xcf\x29\x51\x11){4}' "$1" || true; } | wc -l; }
skia=$(tables out/libSkiaSharp.so) took=$(dotnet out/finding.dll)
echo "SkiaSharp 4.155.0, SkiaSharp.NativeAssets.Linux.NoDependencies 4.155.0: $(LC_ALL=C grep -oUaP 'libjpeg-turbo version [0-9.]+' out/libSkiaSharp.so)"
echo "guess: the SIMD code's table is there, as in Debian's libturbojpeg0"
echo "seen: libSkiaSharp.so has the table $skia times; 2048 x 2048 in $took ms"
[ "$skia" = 0 ] || { echo "CHANGED: no table was wanted"; exit 1; }
if apt-get download libturbojpeg0 > apt.log 2>&1; then
    dpkg -x libturbojpeg0_*.deb debian
    turbo=$(find "$folder/debian" -name 'libturbojpeg.so.0' | head -n 1)
    debian=$(tables "$turbo") fast=$(dotnet out/finding.dll "$turbo") plain=$(JSIMD_FORCENONE=1 dotnet out/finding.dll "$turbo")
    echo "seen: $(basename libturbojpeg0_*.deb) has it $debian times; $fast ms, and $plain ms without its SIMD"
    # Times are a machine's own: 1.7 was the least seen, 1.3 is wanted.
    [ "$debian" -gt 0 ] && [ $((took * 10)) -gt $((fast * 13)) ] || { echo "CHANGED: a table and a time below Skia's by 1.3 were wanted"; exit 1; }
else
    echo "apt-get download libturbojpeg0 is not to be had here: not compared with Debian's"
fi
echo "as described"
