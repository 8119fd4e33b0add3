"use strict";
// The tracks as columns: what they hold, and how they are chosen, found and sorted.

const SLOTS = 11; // colours; what is rarer than that many groups shares one more
const SURE = 10000; // a probability of one
const BINS = 20;

/** Measures a piece of work; the figures are there for performance.getEntriesByType("measure"). */
function timed(name, work) {
  const start = performance.now();
  const result = work();
  performance.measure(`genretag ${name}`, { start, end: performance.now() });
  return result;
}

function column([size, text]) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k += 1) bytes[k] = raw.charCodeAt(k);
  const Numbers = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[size];
  return new Numbers(bytes.buffer);
}

const LETTERS = { "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i" };

/** Text as it is searched: without accents and capitals. */
function plain(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/[ßæœøłđðþı]/g, (letter) => LETTERS[letter]);
}

class Tracks {
  constructor(raw) {
    this.run = raw.run;
    this.names = raw.names;
    this.texts = raw.texts;
    this.deeds = raw.deeds;
    this.n = raw.names.length;
    this.columns = {};
    for (const name of Object.keys(raw.columns)) this.columns[name] = column(raw.columns[name]);
    const { genre0, type, p0 } = this.columns;
    this.genre = new Groups(["nothing heard", ...raw.genres], genre0);
    this.type = new Groups(["no music type", ...raw.types], type);
    this.heard = this.n - this.genre.counts[0];
    this.bin = Uint8Array.from(p0, (p) => Math.min(BINS - 1, Math.floor((p * BINS) / SURE)));
    this.whatHappened = this.run.dry_run ? "What would happen" : "What happened";
    this.findFolders();
  }

  /** The folder that all tracks lie below, and every folder without it. */
  findFolders() {
    const used = [...new Set(this.columns.folder)];
    let common = used.length ? this.texts[used[0]].split("/") : [];
    for (const number of used) {
      const parts = this.texts[number].split("/");
      let same = 0;
      while (same < common.length && common[same] === parts[same]) same += 1;
      common = common.slice(0, same);
    }
    this.root = common.join("/") || (common.length ? "/" : "");
    const cut = this.root.length + (this.root && this.root !== "/" ? 1 : 0);
    this.below = new Map(used.map((number) => [number, this.texts[number].slice(cut)]));
  }

  folder(i) { return this.below.get(this.columns.folder[i]); }
  path(i) {
    const folder = this.texts[this.columns.folder[i]];
    return folder ? `${folder.replace(/\/$/, "")}/${this.names[i]}` : this.names[i];
  }
  before(i) { return this.texts[this.columns.before[i]]; }
  after(i) { return this.texts[this.columns.after[i]]; }
  reason(i) { return this.texts[this.columns.reason[i]]; }
  deed(i) { return this.deeds[this.columns.deed[i]]; }
  p(i) { return this.columns.p0[i] / SURE; }
  seconds(i) { return this.columns.seconds[i]; }

  /** The most probable genres of a track, as [name, number of the genre, probability]. */
  ranks(i) {
    const found = [];
    for (let rank = 0; rank < 3; rank += 1) {
      const genre = this.columns[`genre${rank}`][i];
      if (genre) found.push([this.genre.names[genre], genre, this.columns[`p${rank}`][i] / SURE]);
    }
    return found;
  }

  /** What a track's reason is counted under. */
  group(i) {
    const text = this.reason(i);
    const key = this.deed(i).key;
    if (key === "failed" || key === "skipped") return text.split(/: | \(/, 1)[0];
    return text.replace(/^as before: /, "").replace(/(?<!below) [01]\.\d+/g, "");
  }

  /** Which tracks have all the words of a query: an array of 0 and 1, or null for all. */
  search(query) {
    const words = plain(query).split(/\s+/).filter(Boolean);
    if (!words.length) return null;
    this.plainNames ??= this.names.map(plain);
    this.plainTexts ??= this.texts.map(plain);
    const { folder, before, after, genre0, type } = this.columns;
    const found = new Uint8Array(this.n).fill(1);
    for (const word of words) {
      const has = (text) => plain(text).includes(word);
      const texts = Uint8Array.from(this.plainTexts, (text) => text.includes(word));
      const genres = Uint8Array.from(this.genre.names, has);
      const types = Uint8Array.from(this.type.names, has);
      genres[0] = types[0] = 0;
      for (let i = 0; i < this.n; i += 1) {
        found[i] &= this.plainNames[i].includes(word) | texts[folder[i]] | texts[before[i]]
          | texts[after[i]] | genres[genre0[i]] | types[type[i]];
      }
    }
    return found;
  }

  /** All tracks in the order of a key; those that are equal in it as the run came by them. */
  sorted(by, down) {
    const key = this.keys(by);
    const order = Uint32Array.from({ length: this.n }, (_, i) => i);
    if (!key) return down ? order.reverse() : order;
    const sign = down ? -1 : 1;
    return order.sort((a, b) => sign * (key[a] - key[b]) || a - b);
  }

  keys(by) {
    this.cachedKeys ??= new Map();
    if (!this.cachedKeys.has(by)) this.cachedKeys.set(by, this.makeKeys(by));
    return this.cachedKeys.get(by);
  }

  makeKeys(by) {
    const { genre0, type, p0, after, deed, seconds } = this.columns;
    switch (by) {
      case "track": return places(this.names);
      case "genre": {
        const rank = places(this.genre.names);
        return Float64Array.from(genre0, (g, i) => (g ? rank[g] + 1 : this.n) * 2 - p0[i] / SURE);
      }
      case "sure": return p0;
      case "type": { const rank = places(this.type.names); return Uint32Array.from(type, (t) => rank[t]); }
      case "file": { const rank = places(this.texts); return Uint32Array.from(after, (t) => rank[t]); }
      case "deed": return deed;
      case "length": return seconds;
      default: return null;
    }
  }
}

/** Where each text comes in the alphabet, numbers in it by their value. */
function places(texts) {
  const { compare } = new Intl.Collator("en", { numeric: true });
  const order = Uint32Array.from(texts, (_, i) => i);
  order.sort((a, b) => compare(texts[a], texts[b]));
  const rank = new Uint32Array(texts.length);
  let place = 0;
  for (let k = 0; k < order.length; k += 1) {
    if (k && compare(texts[order[k]], texts[order[k - 1]])) place = k;
    rank[order[k]] = place;
  }
  return rank;
}

/** The values of a column that tracks are grouped by, the most frequent first; 0 stands for none. */
class Groups {
  constructor(names, numbers) {
    this.names = names;
    this.numbers = numbers;
    this.counts = new Uint32Array(names.length);
    for (const number of numbers) this.counts[number] += 1;
    this.ranked = names.map((_, number) => number).slice(1)
      .filter((number) => this.counts[number])
      .sort((a, b) => this.counts[b] - this.counts[a] || a - b);
    this.slots = new Uint8Array(names.length).fill(SLOTS);
    this.ranked.slice(0, SLOTS).forEach((number, slot) => { this.slots[number] = slot; });
  }
}

/** What the reader has chosen to see. Within a kind any choice will do, of several kinds each. */
class Choice {
  constructor(tracks) {
    this.tracks = tracks;
    this.sets = { genre: new Set(), type: new Set(), bin: new Set(), deed: new Set(), reason: new Set() };
    this.query = "";
    this.listeners = [];
  }

  get any() { return this.query !== "" || Object.values(this.sets).some((set) => set.size); }
  has(kind, value) { return this.sets[kind].has(value); }

  toggle(kind, value) {
    if (!this.sets[kind].delete(value)) this.sets[kind].add(value);
    this.changed();
  }

  find(query) {
    this.query = query.trim();
    this.changed();
  }

  clear() {
    for (const set of Object.values(this.sets)) set.clear();
    this.query = "";
    this.changed();
  }

  changed() {
    timed("choose", () => { this.chosen = this.choose(); });
    for (const listener of this.listeners) listener();
  }

  choose() {
    const { tracks, sets } = this;
    const chosen = tracks.search(this.query) ?? new Uint8Array(tracks.n).fill(1);
    const keep = (set, value) => {
      if (!set.size) return;
      for (let i = 0; i < tracks.n; i += 1) if (chosen[i] && !set.has(value(i))) chosen[i] = 0;
    };
    keep(sets.genre, (i) => tracks.columns.genre0[i]);
    keep(sets.type, (i) => tracks.columns.type[i]);
    keep(sets.bin, (i) => (tracks.columns.genre0[i] ? tracks.bin[i] : -1));
    keep(sets.deed, (i) => tracks.columns.deed[i]);
    keep(sets.reason, (i) => `${tracks.columns.deed[i]} ${tracks.group(i)}`);
    return chosen;
  }
}
