#!/usr/bin/env bash
# SkiaSharp 4.155.0 with SkiaSharp.NativeAssets.Linux.NoDependencies 4.155.0, Linux x64. The default typeface draws nothing.
# Guess:   SKTypeface.Default is some font of the system, as it was with 3.119.4, which looked into /usr/share/fonts (this script with the
#          argument 3.119.4 shows it); where there is none, it is null or drawing text fails.
# Seen:    it is never null and has the family name "" and no glyphs, as has the typeface of any family name that is asked for; text drawn
#          with it is 0 pixels wide and changes no pixel, without an error, fonts installed or not. A typeface from a font's file draws.
#          (mono/SkiaSharp issue 4303 tells of it.)
# Obverse: contact sheets and plots would come without their captions. src/Obverse.Imaging/Typeface.cs carries Open Sans as a
#          resource and draws with nothing else.
set -euo pipefail
version=${1:-4.155.0}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > finding.csproj <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <SelfContained>false</SelfContained>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="SkiaSharp" Version="[$version]" />
    <PackageReference Include="SkiaSharp.NativeAssets.Linux.NoDependencies" Version="[$version]" />
  </ItemGroup>
</Project>
END
cat > Program.cs <<'END'
using System;
using System.Linq;
using SkiaSharp;

using var black = new SKPaint { Color = SKColors.Black };
Console.WriteLine($"a rectangle: {(Changed(canvas => canvas.DrawRect(10, 10, 20, 20, black)) == 400 ? "drawn" : "NOT DRAWN")}");
Draw("SKTypeface.Default", SKTypeface.Default);
Draw("SKTypeface.FromFamilyName", SKTypeface.FromFamilyName(args.Length > 1 ? args[1] : "DejaVu Sans"));
if (args.Length > 0) Draw("SKTypeface.FromFile", SKTypeface.FromFile(args[0]));

void Draw(string name, SKTypeface? typeface)
{
    if (typeface is null) { Console.WriteLine($"{name}: null"); return; }
    using var font = new SKFont(typeface, 40);
    var changed = Changed(canvas => canvas.DrawText("Obverse 0123", 10, 45, SKTextAlign.Left, font, black));
    Console.WriteLine($"{name}: family {(typeface.FamilyName == "" ? "\"\"" : "named")}, glyphs {(typeface.GlyphCount == 0 ? "none" : "some")}, " +
        $"text {(font.MeasureText("Obverse 0123") == 0 ? "0 wide" : "wide")}, {(changed == 0 ? "NO PIXEL CHANGED" : "drawn")}");
}

static int Changed(Action<SKCanvas> draw)
{
    using var bitmap = new SKBitmap(400, 60);
    using var canvas = new SKCanvas(bitmap);
    canvas.Clear(SKColors.White);
    draw(canvas);
    return bitmap.Pixels.Count(pixel => pixel != SKColors.White);
}
END
cat > expected <<'END'
a rectangle: drawn
SKTypeface.Default: family "", glyphs none, text 0 wide, NO PIXEL CHANGED
SKTypeface.FromFamilyName: family "", glyphs none, text 0 wide, NO PIXEL CHANGED
END
# What is installed, if anything: a file and its family's name.
font=$(find /usr/share/fonts -name '*.ttf' 2> /dev/null | sort | head -n 1 || true)
if [ -n "$font" ]; then
    family=$(fc-scan --format '%{family[0]}' "$font" 2> /dev/null || echo "DejaVu Sans")
    echo "SKTypeface.FromFile: family named, glyphs some, text wide, drawn" >> expected
fi
dotnet build --nologo -v quiet -o out > build.log || { cat build.log >&2; exit 2; }
echo "SkiaSharp $version, SkiaSharp.NativeAssets.Linux.NoDependencies $version; fonts installed: $(find /usr/share/fonts -name '*.ttf' 2> /dev/null | wc -l || true)"
echo "guess: text is drawn where fonts are installed, or there is an error"
dotnet out/finding.dll ${font:+"$font" "$family"} | tee seen
diff expected seen && echo "as described" || { echo "CHANGED: see the lines marked < (described) and > (seen)"; exit 1; }
