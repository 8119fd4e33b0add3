// The map: every track a mark on a canvas, and a second canvas above it for the one in hand.

const NEAR = 16; // pixels within which a mark is meant
const CELLS = 80; // of the grid in which marks are looked up
const MOST = 40; // times that the map can be enlarged
const MARGIN = 22;

class LibraryMap {
  constructor(tracks, choice, open) {
    Object.assign(this, { tracks, choice, open });
    this.dots = $("map-dots");
    this.mark = $("map-mark");
    this.tip = $("tip");
    this.by = "genre";
    this.view = { scale: 1, x: 0, y: 0 };
    this.current = -1;
    this.index();
    this.listen();
    choice.listeners.push(() => { this.point(-1); this.soon(); });
    new ResizeObserver(() => this.soon()).observe($("map-frame"));
  }

  /** Puts the tracks that were heard into the cells of a grid, one after another. */
  index() {
    const { x, y, genre0 } = this.tracks.columns;
    const cell = (i) => Math.floor((x[i] / 65536) * CELLS) * CELLS + Math.floor((y[i] / 65536) * CELLS);
    this.starts = new Uint32Array(CELLS * CELLS + 1);
    for (let i = 0; i < this.tracks.n; i += 1) if (genre0[i]) this.starts[cell(i) + 1] += 1;
    for (let c = 0; c < CELLS * CELLS; c += 1) this.starts[c + 1] += this.starts[c];
    this.filed = new Uint32Array(this.tracks.heard);
    const next = this.starts.slice();
    for (let i = 0; i < this.tracks.n; i += 1) if (genre0[i]) this.filed[next[cell(i)]++] = i;
    // A shuffle that is the same every time (Lehmer's generator).
    this.mixed = this.filed.slice();
    for (let k = this.mixed.length - 1, seed = 1; k > 0; k -= 1) {
      seed = (seed * 48271) % 2147483647;
      const other = seed % (k + 1);
      [this.mixed[k], this.mixed[other]] = [this.mixed[other], this.mixed[k]];
    }
  }

  soon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; timed("draw", () => this.draw()); });
  }

  /** Where a track is in pixels of the page. */
  at(i) {
    const { x, y } = this.tracks.columns;
    const { scale, x: left, y: top } = this.view;
    return [
      MARGIN + ((x[i] / 65535 - left) * scale) * (this.wide - 2 * MARGIN),
      MARGIN + ((1 - y[i] / 65535 - top) * scale) * (this.high - 2 * MARGIN),
    ];
  }

  /** Pixels of the canvas to one of the page; paper shows more of them than a screen. */
  get ratio() { return window.matchMedia("print").matches ? 3 : Math.min(3, window.devicePixelRatio || 1); }

  fit(canvas, options = {}) {
    const { ratio } = this;
    canvas.width = Math.round(this.wide * ratio);
    canvas.height = Math.round(this.high * ratio);
    const pen = canvas.getContext("2d", options);
    pen.scale(ratio, ratio);
    return pen;
  }

  draw() {
    const frame = $("map-frame").getBoundingClientRect();
    [this.wide, this.high] = [frame.width, frame.height];
    if (!Math.floor(this.wide) || !Math.floor(this.high)) return; // hidden
    const pen = this.fit(this.dots, { willReadFrequently: true });
    const groups = this.tracks[this.by];
    const { chosen } = this.choice;
    const { numbers, slots } = groups;
    const { mixed, ratio } = this;
    const colours = readColours();
    const radius = ratio * Math.max(1.5, Math.min(5.5, 75 / Math.sqrt(this.tracks.heard + 1) + 1.2))
      * this.view.scale ** 0.35;
    const stamps = colours.slots.map((colour, slot) => makeStamp(slot, radius, colour, 0.85));
    const ghost = makeStamp(0, radius, colours.ghost, 0.7);
    const sheet = new Sheet(this.dots, colours.halo);
    // Those not chosen first, as ghosts; all in an order that lets no group lie on top.
    for (const turn of this.choice.any ? [0, 1] : [1]) {
      for (let k = 0; k < mixed.length; k += 1) {
        const i = mixed[k];
        if (chosen[i] !== turn) continue;
        const [left, top] = this.at(i);
        if (left < -9 || top < -9 || left > this.wide + 9 || top > this.high + 9) continue;
        sheet.stamp(turn ? stamps[slots[numbers[i]]] : ghost, Math.round(left * ratio), Math.round(top * ratio));
      }
    }
    sheet.draw(pen);
    drawNames(this, pen, groups, colours);
    if (this.current >= 0) this.ring(); else this.fit(this.mark);
  }

  ring() {
    const pen = this.fit(this.mark);
    const [left, top] = this.at(this.current);
    const colours = readColours();
    for (const [width, colour] of [[5, colours.halo], [2, colours.text]]) {
      pen.lineWidth = width;
      pen.strokeStyle = colour;
      pen.beginPath();
      pen.arc(left, top, 8, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  /** Takes a track in hand, or none (-1), and says what it is. */
  point(i) {
    if (i === this.current) return;
    this.current = i;
    this.tip.hidden = i < 0;
    if (i < 0) { this.fit(this.mark); return; }
    this.ring();
    this.tip.replaceChildren(...summary(this.tracks, i));
    const [left, top] = this.at(i);
    const [wide, high] = [this.tip.offsetWidth, this.tip.offsetHeight];
    const x = left + 16 + wide < this.wide ? left + 16 : Math.max(4, left - 16 - wide);
    const y = Math.min(Math.max(4, top - high / 2), Math.max(4, this.high - high - 4));
    this.tip.style.setProperty("left", `${Math.max(4, Math.min(x, this.wide - wide - 4))}px`);
    // Where there is no room beside the mark, below or above it.
    const beside = left + 16 + wide < this.wide || left - 16 - wide > 0;
    const below = top + 16 + high < this.high ? top + 16 : Math.max(4, top - 16 - high);
    this.tip.style.setProperty("top", `${beside ? y : below}px`);
  }

  /** The chosen track nearest to a place, or -1. */
  nearest(left, top) {
    const { scale, x, y } = this.view;
    const unit = (pixel, all, from) => (pixel - MARGIN) / (all - 2 * MARGIN) / scale + from;
    const reach = [NEAR / (this.wide - 2 * MARGIN) / scale, NEAR / (this.high - 2 * MARGIN) / scale];
    const u = unit(left, this.wide, x);
    const v = 1 - unit(top, this.high, y);
    const cell = (value) => Math.max(0, Math.min(CELLS - 1, Math.floor(value * CELLS)));
    let [best, least] = [-1, NEAR * NEAR];
    for (let a = cell(u - reach[0]); a <= cell(u + reach[0]); a += 1) {
      for (let b = cell(v - reach[1]); b <= cell(v + reach[1]); b += 1) {
        for (let k = this.starts[a * CELLS + b]; k < this.starts[a * CELLS + b + 1]; k += 1) {
          const i = this.filed[k];
          if (!this.choice.chosen[i]) continue;
          const at = this.at(i);
          const far = (at[0] - left) ** 2 + (at[1] - top) ** 2;
          if (far < least) [best, least] = [i, far];
        }
      }
    }
    return best;
  }

  /** The chosen track that comes next in a direction. */
  next(dx, dy) {
    const from = this.current >= 0 ? this.at(this.current) : [this.wide / 2, this.high / 2];
    let [best, least] = [-1, Infinity];
    for (const i of this.filed) {
      if (!this.choice.chosen[i] || i === this.current) continue;
      const at = this.at(i);
      const [ahead, aside] = [(at[0] - from[0]) * dx + (at[1] - from[1]) * dy,
        Math.abs((at[0] - from[0]) * dy) + Math.abs((at[1] - from[1]) * dx)];
      if (this.current >= 0 && (ahead <= 0.5 || aside > 2 * ahead)) continue;
      const far = Math.abs(ahead) + 2 * aside;
      if (far < least) [best, least] = [i, far];
    }
    return best;
  }

  zoom(factor, left = this.wide / 2, top = this.high / 2) {
    const { scale, x, y } = this.view;
    const now = Math.min(MOST, Math.max(1, scale * factor));
    const u = (left - MARGIN) / (this.wide - 2 * MARGIN);
    const v = (top - MARGIN) / (this.high - 2 * MARGIN);
    this.move(now, x + u / scale - u / now, y + v / scale - v / now);
  }

  move(scale, x, y) {
    const most = 1 - 1 / scale;
    this.view = { scale, x: Math.min(most, Math.max(0, x)), y: Math.min(most, Math.max(0, y)) };
    this.mark.classList.toggle("zoomed", scale > 1);
    this.point(-1);
    this.soon();
  }

  /** Shows one track, wherever it is. */
  show(i) {
    const { x, y } = this.tracks.columns;
    const scale = Math.max(this.view.scale, this.tracks.heard > 2000 ? 4 : 1);
    this.move(scale, x[i] / 65535 - 0.5 / scale, 1 - y[i] / 65535 - 0.5 / scale);
    requestAnimationFrame(() => requestAnimationFrame(() => { this.current = -1; this.point(i); }));
  }

  listen() {
    const { mark } = this;
    const place = (event) => {
      const frame = mark.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    };
    let drag = null;
    mark.addEventListener("pointerdown", (event) => {
      drag = { from: place(event), view: { ...this.view }, far: false, before: this.current };
      if (this.view.scale > 1) mark.setPointerCapture(event.pointerId);
    });
    mark.addEventListener("pointermove", (event) => {
      const [left, top] = place(event);
      if (drag && event.buttons) {
        const [dx, dy] = [left - drag.from[0], top - drag.from[1]];
        drag.far ||= Math.hypot(dx, dy) > 5;
        if (drag.far && this.view.scale > 1) {
          mark.classList.add("dragging");
          const { scale, x, y } = drag.view;
          this.move(scale, x - dx / (this.wide - 2 * MARGIN) / scale, y - dy / (this.high - 2 * MARGIN) / scale);
        }
      } else if (event.pointerType === "mouse") {
        timed("hover", () => this.point(this.nearest(left, top)));
      }
    });
    mark.addEventListener("pointerup", (event) => {
      mark.classList.remove("dragging");
      const tapped = drag && !drag.far;
      const before = drag?.before ?? -1;
      drag = null;
      if (!tapped) return;
      const found = this.nearest(...place(event));
      this.point(found);
      // A finger cannot hover: its first tap says what it is, the second opens it.
      if (found >= 0 && (event.pointerType === "mouse" || before === found)) this.open(found);
    });
    mark.addEventListener("pointercancel", () => { drag = null; mark.classList.remove("dragging"); });
    mark.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.point(-1); });
    mark.addEventListener("blur", () => this.point(-1));
    mark.addEventListener("dblclick", (event) => this.zoom(2, ...place(event)));
    mark.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && this.view.scale === 1) return; // the page scrolls
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 80 : 400)), ...place(event));
    }, { passive: false });
    mark.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      const zoom = { "+": 1.6, "=": 1.6, "-": 1 / 1.6 }[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (way) { const i = this.next(...way); if (i >= 0) this.point(i); }
      else if (zoom) this.zoom(zoom);
      else if (event.key === "0") this.move(1, 0, 0);
      else if (event.key === "Escape") this.point(-1);
      else if (event.key === "Enter" && this.current >= 0) this.open(this.current);
      else return;
      event.preventDefault();
    });
    $("zoom-in").addEventListener("click", () => this.zoom(1.6));
    $("zoom-out").addEventListener("click", () => this.zoom(1 / 1.6));
    $("zoom-all").addEventListener("click", () => this.move(1, 0, 0));
  }
}

/** A track in a few lines, for the map. */
function summary(tracks, i) {
  const lines = [el("b", { class: "name" }, tracks.names[i])];
  if (tracks.folder(i)) lines.push(el("div", { class: "soft cut" }, tracks.folder(i)));
  const ranks = tracks.ranks(i).filter(([, , p]) => p >= 0.01);
  lines.push(el("div", { class: "ranks" }, ranks.map(([name, , p]) => `${name} ${percent(p)}`).join("  ·  ")));
  const type = tracks.columns.type[i];
  if (type) lines.push(el("div", {}, tracks.type.names[type]));
  lines.push(el("div", { class: `soft dot tone-${tracks.deed(i).tone}` }, tracks.reason(i) || tracks.deed(i).word));
  return lines;
}
