// Draws one emoji set as square RGBA pictures with names:
//
//   node rasterise.mjs --set noto --out parts [--size 96] [--jobs 2] [--leash yes]
//
// writes parts/noto.96.blobs (the pictures, one zlib stream each: 8-bit RGBA, straight alpha, rows from the top)
// and   parts/noto.96.jsonl (a line a picture: icon, concept, name, emoji, keywords, offset, length, width, height).
// Lines are appended as pictures are drawn, a picture before its line, so a killed run goes on where it was;
// the last line, {"finished": n}, says that the set is whole and is not drawn again.
// With --leash it ends when its standard input does, so that it never outlives a killed caller and writes beside the next one.
// resvg runs in child processes: an icon that takes its child down is noted as skipped and the others go on.
import { fork } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';

const require = createRequire(import.meta.url);
const here = path.dirname(fileURLToPath(import.meta.url));
const json = file => JSON.parse(fs.readFileSync(file, 'utf8'));

if (process.argv[2] === '--child') child();
else await parent();

// ---------------------------------------------------------------- drawing

function child() {
  const { Resvg } = require('@resvg/resvg-js');
  process.on('message', ({ svg, size }) => {
    try {
      const picture = new Resvg(svg, { font: { loadSystemFonts: false }, fitTo: { mode: 'width', value: size } }).render();
      const rgba = straight(Buffer.from(picture.pixels));
      if (picture.width !== size || picture.height !== size) throw new Error(`came out ${picture.width}x${picture.height}`);
      if (!rgba.some((value, at) => at % 4 === 3 && value > 0)) throw new Error('came out empty');
      process.send({ blob: deflateSync(rgba, { level: 9 }).toString('base64') });
    } catch (error) { process.send({ error: String(error.message ?? error) }); }
  });
  process.on('disconnect', () => process.exit(0));
}

// resvg's pixels are multiplied by their alpha; a picture that is to stand on any background wants the colours themselves.
function straight(pixels) {
  for (let at = 0; at < pixels.length; at += 4) {
    const alpha = pixels[at + 3];
    if (alpha === 0 || alpha === 255) continue;
    for (let channel = 0; channel < 3; channel++) pixels[at + channel] = Math.min(255, Math.round(pixels[at + channel] * 255 / alpha));
  }
  return pixels;
}

// The whole drawing as a square document of its own, whatever the icon's box.
function document(icons, { icon, flip, turn }) {
  const { body, width = icons.width ?? 16, height = icons.height ?? 16, left = 0, top = 0 } = icons.icons[icon];
  const side = Math.max(width, height), x = left - (side - width) / 2, y = top - (side - height) / 2;
  const turns = turn ? `<g transform="rotate(${turn * 90} ${x + side / 2} ${y + side / 2})">` : '<g>';
  const flips = flip ? `<g transform="translate(${2 * x + side} 0) scale(-1 1)">` : '<g>';
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${side}" height="${side}" viewBox="${x} ${y} ${side} ${side}">${turns}${flips}${body}</g></g></svg>`;
}

async function parent() {
  const { set, out, size = '96', jobs = '2', leash } = Object.fromEntries(process.argv.slice(2).join('\n').split(/^--/m).filter(Boolean).map(pair => pair.trim().split('\n')));
  if (!set || !out) { console.error('usage: node rasterise.mjs --set NAME --out DIR [--size 96] [--jobs 2] [--leash yes]'); process.exit(2); }
  if (leash) process.stdin.on('end', () => process.exit(1)).resume().unref();
  fs.mkdirSync(out, { recursive: true });
  const stem = path.join(out, `${set}.${size}`);
  const icons = json(require.resolve(`@iconify-json/${set}/icons.json`));
  const wanted = choose(set, icons);

  // What an earlier run left: whole lines whose pictures are there in full.
  const { done, finished, end, kept } = resume(stem);
  if (finished) { console.log(`${set}: ${finished} pictures, drawn before`); return; }
  const blobs = fs.openSync(`${stem}.blobs`, 'a+'), lines = fs.openSync(`${stem}.jsonl`, 'a+');
  fs.ftruncateSync(blobs, end);
  fs.ftruncateSync(lines, kept);

  const queue = wanted.filter(entry => !done.has(entry.icon));
  let offset = end, drawn = wanted.length - queue.length, skipped = 0, next = 0;
  const started = Date.now();
  const note = (entry, error) => { skipped++; console.log(`${set}: skips ${entry.icon}: ${error}`); fs.writeSync(lines, JSON.stringify({ icon: entry.icon, skipped: error }) + '\n'); };
  const keep = (entry, blob) => {
    fs.writeSync(blobs, blob, 0, blob.length);
    const { icon, concept, name, emoji, keywords } = entry;
    fs.writeSync(lines, JSON.stringify({ icon, concept, name, emoji, keywords, offset, length: blob.length, width: +size, height: +size }) + '\n');
    offset += blob.length;
  };
  const step = () => {
    if (++drawn % 200 === 0 || drawn === wanted.length) console.log(`${set}: ${drawn} of ${wanted.length}, ${((Date.now() - started) / 1000).toFixed(0)} s`);
  };

  const worker = () => new Promise(resolve => {
    let entry = null, process_ = null, clock = null;
    const feed = () => {
      if (next >= queue.length) { process_.removeAllListeners(); process_.disconnect(); return resolve(); }
      entry = queue[next++];
      clock = setTimeout(() => process_.kill('SIGKILL'), 20_000);
      process_.send({ svg: document(icons, entry.source), size: +size });
    };
    const start = () => {
      process_ = fork(fileURLToPath(import.meta.url), ['--child'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      process_.on('message', answer => {
        clearTimeout(clock);
        if (answer.error) note(entry, answer.error); else keep(entry, Buffer.from(answer.blob, 'base64'));
        step();
        feed();
      });
      process_.on('error', () => { });                       // the exit that follows is what counts
      process_.on('exit', (code, signal) => {
        clearTimeout(clock);
        note(entry, `the drawing process ended (${signal ?? code})`);
        step();
        if (next < queue.length) start(); else resolve();
      });
      feed();
    };
    if (next < queue.length) start(); else resolve();
  });
  await Promise.all(Array.from({ length: +jobs }, worker));

  fs.fsyncSync(blobs);
  fs.writeSync(lines, JSON.stringify({ finished: wanted.length - skipped - [...done.values()].filter(line => line.skipped).length }) + '\n');
  fs.fsyncSync(lines);
  console.log(`${set}: finished, ${(offset / 1e6).toFixed(1)} MB`);
}

function resume(stem) {
  const done = new Map();
  let end = 0, kept = 0, finished = 0;
  if (fs.existsSync(`${stem}.jsonl`) && fs.existsSync(`${stem}.blobs`)) {
    const size = fs.statSync(`${stem}.blobs`).size, text = fs.readFileSync(`${stem}.jsonl`);
    for (let at = 0, stop; (stop = text.indexOf(10, at)) >= 0; at = stop + 1) {
      let line;
      try { line = JSON.parse(text.toString('utf8', at, stop)); } catch { break; }
      if (line.finished !== undefined) { finished = line.finished; kept = stop + 1; break; }
      if (line.length && line.offset + line.length > size) break;
      if (line.length) end = Math.max(end, line.offset + line.length);
      done.set(line.icon, line);
      kept = stop + 1;
    }
  }
  return { done, finished, end, kept };
}

// ---------------------------------------------------------------- naming

// Which icons of a set are drawn and what each shows. The same emoji has one concept in all sets, whatever a set calls it:
// the code point is looked up where the set gives it, else the name among the names that emojibase and the other sets use.
// Names of a set's own stand in fxemoji-names.json: for a label of emojibase, or after a plus for what no emoji is.
function choose(set, icons) {
  const known = dictionary();
  const chars = path.join(path.dirname(require.resolve(`@iconify-json/${set}/icons.json`)), 'chars.json');
  const codes = new Map();
  if (fs.existsSync(chars)) for (const [code, name] of Object.entries(json(chars))) if (!codes.has(name) || known.byCode.has(plain(code))) codes.set(name, code);
  const own = set === 'fxemoji' ? json(path.join(here, 'fxemoji-names.json'))
    : ['emojione', 'noto-v1'].includes(set) ? { pistol: '+pistol' } : {};       // a revolver, not yet the water pistol of today's sets

  const sources = Object.keys(icons.icons).map(icon => ({ icon }));
  for (const [name, alias] of Object.entries(icons.aliases ?? {}))
    if ((alias.hFlip || alias.rotate) && icons.icons[alias.parent]) sources.push({ icon: alias.parent, as: name, flip: alias.hFlip, turn: alias.rotate });

  const chosen = new Map();
  const offer = (name, source, emoji, sure) => {
    if (emoji && (emoji.tone || !drawable(emoji))) return;
    const human = emoji ? humanName(emoji.label) : own[name]?.startsWith('+') ? own[name].slice(1) : set === 'fxemoji' ? null : name.replaceAll('-', ' ');
    if (!human) return;
    const concept = emoji ? slug(emoji.label) : slug(human);
    const before = chosen.get(concept);
    if (before && (before.sure || !sure)) return;               // a second drawing of the same thing in the same set
    const keywords = emoji ? known.keywords(emoji) : [];
    chosen.set(concept, { icon: name, source, concept, name: human, emoji: emoji?.emoji, keywords: keywords.filter(word => word !== human), sure });
  };
  for (const source of sources) {
    const name = source.as ?? source.icon;
    if (/(^|-)(tone-?[1-5]|skin-tone)(-|$)/.test(name) || /^(flag-(?!in-hole)|unknown-flag|keycap|digit-|regional-indicator|\d+$)/.test(name)) continue;
    const toned = name.match(/^(.+)-(light|medium-light|medium|medium-dark|dark)$/);
    if (toned && icons.icons[toned[1]]) continue;
    const code = codes.get(name);
    const emoji = (code && known.byCode.get(plain(code))) ?? (own[name]?.startsWith('+') ? undefined : known.byName.get(squash(own[name] ?? name)));
    offer(name, source, emoji, Boolean(code));
  }
  return [...chosen.values()].sort((a, b) => a.icon < b.icon ? -1 : 1);
}

function dictionary() {
  const base = path.dirname(require.resolve('emojibase-data/package.json'));
  const byCode = new Map(), byName = new Map();
  for (const emoji of json(path.join(base, 'en/data.json'))) {
    byCode.set(plain(emoji.hexcode), emoji);
    byName.set(squash(emoji.label), emoji);
    for (const skin of emoji.skins ?? []) byCode.set(plain(skin.hexcode), { ...skin, tone: skin.tone ?? 1 });
  }
  for (const set of ['noto', 'twemoji', 'fluent-emoji-flat']) {
    const folder = path.dirname(require.resolve(`@iconify-json/${set}/icons.json`));
    for (const [code, name] of Object.entries(json(path.join(folder, 'chars.json')))) {
      const emoji = byCode.get(plain(code));
      if (emoji && !byName.has(squash(name))) byName.set(squash(name), emoji);
    }
    for (const [name, { parent }] of Object.entries(json(path.join(folder, 'icons.json')).aliases ?? {}))
      if (byName.has(squash(parent)) && !byName.has(squash(name))) byName.set(squash(name), byName.get(squash(parent)));
  }
  for (const file of fs.readdirSync(path.join(base, 'en/shortcodes')).filter(file => file.endsWith('.json')).sort())
    for (const [code, names] of Object.entries(json(path.join(base, 'en/shortcodes', file)))) {
      const emoji = byCode.get(plain(code));
      if (!emoji) continue;
      for (const name of [names].flat()) if (!byName.has(squash(name))) byName.set(squash(name), emoji);
    }
  // Names that older sets use for what is called otherwise today.
  const older = { 'cat-face-with-tears-of-joy': 'cat with tears of joy', 'cat-face-with-wry-smile': 'cat with wry smile', 'grinning-cat-face': 'grinning cat',
    'grinning-cat-face-with-smiling-eyes': 'grinning cat with smiling eyes', 'kissing-cat-face': 'kissing cat', 'pouting-cat-face': 'pouting cat',
    'smiling-cat-face-with-heart-eyes': 'smiling cat with heart-eyes', 'weary-cat-face': 'weary cat', 'heavy-large-circle': 'hollow red circle',
    'laptop-computer': 'laptop', 'man-in-suit-levitating': 'person in suit levitating', 'exclamation-mark': 'red exclamation mark', 'up-text-button': 'UP! button',
    'white-heavy-check-mark': 'check mark button', 'a-button': 'A button (blood type)', 'ab-button': 'AB button (blood type)', 'b-button': 'B button (blood type)', 'o-button': 'O button (blood type)' };
  for (const [name, label] of Object.entries(older)) if (byName.has(squash(label)) && !byName.has(squash(name))) byName.set(squash(name), byName.get(squash(label)));

  const library = json(path.join(path.dirname(require.resolve('emojilib/package.json')), 'dist/emoji-en-US.json'));
  const bare = new Map(Object.entries(library).map(([emoji, list]) => [emoji.replaceAll('\ufe0f', ''), list]));
  const keywords = emoji => [...new Set([...(emoji.tags ?? []), ...(bare.get(emoji.emoji.replaceAll('\ufe0f', '')) ?? [])]
    .map(word => word.replaceAll('_', ' ').toLowerCase().trim()).filter(word => /^[a-z][a-z '-]{2,}$/.test(word)))];
  return { byCode, byName, keywords };
}

// Skin tones, hair, country flags, keycaps and regional letters are not drawn; a chequered flag is a thing like others.
function drawable({ group, subgroup }) { return group !== undefined && group !== 2 && ![94, 98, 99].includes(subgroup); }
function plain(code) { return code.toLowerCase().split('-').filter(part => part !== 'fe0f').join('-'); }
function squash(name) { return name.toLowerCase().replace(/[^a-z0-9]/g, ''); }
function slug(name) { return name.normalize('NFD').toLowerCase().replace(/[’']/g, '').replace(/[^a-z0-9\u0300-\u036f]+/g, '-').replace(/[\u0300-\u036f]/g, '').replace(/^-|-$/g, ''); }

// "woman: red hair" is emojibase's order; people say "woman with red hair".
function humanName(label) {
  const [head, tail] = label.replace(/[“”⊛!]/g, '').replace(/\s*\([^)]*\)/g, '').replaceAll('’', "'").trim().split(': ');
  if (!tail) return head === 'mount fuji' ? 'Mount Fuji' : head;
  if (tail.startsWith('facing ')) return `${head} ${tail}`;
  if (tail === 'bald') return `bald ${head}`;
  if (tail === 'beard') return `${head} with a beard`;
  if (tail.endsWith(' hair')) return `${head} with ${tail}`;
  const people = tail.split(', ').map(who => `${/^a/.test(who) ? 'an' : 'a'} ${who}`);
  return `${head}${head === 'kiss' ? ' between' : head === 'family' ? ' of' : ','} ${people.slice(0, -1).join(', ')}${people.length > 1 ? ' and ' : ''}${people.at(-1)}`;
}
