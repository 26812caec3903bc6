// node draw.mjs FOLDER FILE.svg…: each drawing by resvg on white, at its own size, as FOLDER/FILE.png.
import fs from 'node:fs';
import path from 'node:path';
import { Resvg } from '@resvg/resvg-js';

const [folder, ...files] = process.argv.slice(2);
for (const file of files) {
  const picture = new Resvg(fs.readFileSync(file, 'utf8'), { background: '#ffffff', font: { loadSystemFonts: false } }).render();
  fs.writeFileSync(path.join(folder, path.basename(file, '.svg') + '.png'), picture.asPng());
}
