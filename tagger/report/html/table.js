// The table: only the rows in sight exist, however many tracks there are.

const SPARE = 6; // rows beyond the edges
const TALLEST = 8e6; // pixels; browsers give up on taller elements
const PRINTED = 300;

const COLUMNS = [
  ["track", "Track"], ["genre", "Genre heard"], ["sure", "Confidence"], ["type", "Music type"],
  ["file", "Genre in the file"], ["deed", ""], ["length", "Length"],
];

class TrackTable {
  constructor(tracks, choice, open) {
    Object.assign(this, { tracks, choice, open });
    this.by = "run";
    this.down = false;
    this.active = 0;
    this.rows = [];
    this.grid = $("grid");
    this.build();
    choice.listeners.push(() => this.refresh(true));
    new ResizeObserver(() => this.place()).observe(this.scroller);
  }

  build() {
    const columns = COLUMNS.map(([key, label]) => [key, label || this.tracks.whatHappened]);
    this.heads = columns.map(([key, label]) => el("div",
      { role: "columnheader", "aria-sort": "none", class: `${key === "deed" ? "deed-cell" : key}` },
      el("button", { type: "button", onclick: () => this.sortBy(key) }, label)));
    this.spacer = el("div", { class: "spacer", role: "presentation" });
    this.scroller = el("div", { class: "scroller", role: "rowgroup" }, this.spacer);
    this.none = el("p", { class: "none", hidden: "" }, "No track is like that.");
    this.grid.setAttribute("aria-colcount", String(COLUMNS.length));
    this.grid.append(el("div", { role: "rowgroup" }, el("div", { class: "heads", role: "row" }, ...this.heads)),
      this.none, this.scroller);
    this.scroller.addEventListener("scroll", () => this.place(), { passive: true });
    this.scroller.tabIndex = -1;
    this.grid.addEventListener("keydown", (event) => this.key(event));
    const select = $("sort");
    select.append(el("option", { value: "run" }, "order of the run"));
    for (const [key, label] of columns) select.append(el("option", { value: key }, label.toLowerCase()));
    select.addEventListener("change", () => this.sortBy(select.value, select.value === "sure"));
  }

  /** Sorts by a column: up, then down, then as the run came by the tracks. */
  sortBy(key, down = null) {
    if (down !== null) [this.by, this.down] = [key, down];
    else if (this.by !== key) [this.by, this.down] = [key, key === "sure" || key === "length"];
    else if (this.down === (key === "sure" || key === "length")) this.down = !this.down;
    else [this.by, this.down] = ["run", false];
    this.heads.forEach((head, at) => {
      const is = COLUMNS[at][0] === this.by;
      head.setAttribute("aria-sort", is ? (this.down ? "descending" : "ascending") : "none");
    });
    $("sort").value = this.by;
    this.order = null;
    this.refresh(true);
  }

  /** Lists what is chosen, in order. */
  refresh(toTop) {
    this.order ??= timed("sort", () => this.tracks.sorted(this.by, this.down));
    const { chosen } = this.choice;
    this.shown = timed("list", () => this.order.filter((i) => chosen[i]));
    const n = this.shown.length;
    this.grid.setAttribute("aria-rowcount", String(n + 1));
    this.none.hidden = n > 0;
    this.scroller.hidden = n === 0;
    const all = counted(this.tracks.n, "track");
    $("found").textContent = n === this.tracks.n ? all : `${number(n)} of ${all}`;
    this.active = Math.min(this.active, Math.max(0, n - 1));
    if (toTop) { this.active = 0; this.scroller.scrollTop = 0; }
    this.place();
  }

  get rowHigh() { return window.matchMedia("(max-width: 720px)").matches ? 52 : 48; }

  /** First row in sight, in rows and parts of one. */
  get top() {
    const rowHigh = this.rowHigh;
    const real = this.shown.length * rowHigh;
    const inner = this.scroller.clientHeight;
    const tall = Math.min(real, TALLEST);
    if (real <= TALLEST) return this.scroller.scrollTop / rowHigh;
    return (this.scroller.scrollTop / Math.max(1, tall - inner)) * ((real - inner) / rowHigh);
  }

  /** Puts rows where one looks. */
  place() {
    if (!this.shown?.length) return;
    const rowHigh = this.rowHigh;
    const inner = this.scroller.clientHeight;
    const high = Math.min(this.shown.length * rowHigh, TALLEST);
    // The heads stand above the rows, also where a scroll bar takes room beside these.
    this.grid.style.setProperty("--bar", `${this.scroller.offsetWidth - this.scroller.clientWidth}px`);
    if (this.high !== high) this.spacer.style.setProperty("height", `${this.high = high}px`);
    const { top } = this;
    const first = Math.max(0, Math.floor(top) - SPARE);
    const last = Math.min(this.shown.length, Math.ceil(top + inner / rowHigh) + SPARE);
    while (this.rows.length < last - first) this.rows.push(this.newRow());
    this.rows.forEach((row, k) => {
      const at = first + k;
      row.node.hidden = at >= last;
      if (at >= last) return;
      const y = this.scroller.scrollTop + (at - top) * rowHigh;
      row.node.style.setProperty("transform", `translateY(${Math.round(y)}px)`);
      row.node.classList.toggle("active", at === this.active);
      row.node.setAttribute("aria-rowindex", String(at + 2));
      row.node.id = `row-${at}`;
      row.at = at;
      if (row.track !== this.shown[at]) this.fill(row, this.shown[at]);
    });
    this.grid.setAttribute("aria-activedescendant", `row-${this.active}`);
  }

  newRow() {
    const cell = (kind, ...children) => el("div", { class: kind, role: "gridcell" }, ...children);
    const line = (kind) => el("div", { class: `cut ${kind}` });
    const row = { name: line("name"), folder: line("folder"), genre: line(""), type: line(""), file: line(""),
      deed: el("div", { class: "cut" }), length: el("span"), sure: el("span"), bar: el("i", { "aria-hidden": "true" }) };
    row.node = el("div", { class: "row", role: "row", onclick: () => { this.active = row.at; this.place(); this.open(row.track); } },
      cell("track", row.name, row.folder), cell("genre", row.genre), cell("sure", row.sure, row.bar),
      cell("type", row.type), cell("file", row.file), cell("deed-cell", row.deed), cell("length", row.length));
    this.spacer.append(row.node);
    return row;
  }

  fill(row, i) {
    const { tracks } = this;
    const heard = tracks.columns.genre0[i];
    row.track = i;
    row.node.classList.toggle("unheard", !heard);
    row.bar.hidden = !heard;
    row.name.textContent = row.name.title = tracks.names[i];
    row.folder.textContent = row.folder.title = tracks.folder(i) || "";
    row.genre.textContent = heard ? tracks.genre.names[heard] : "—";
    row.sure.textContent = heard ? percent(tracks.p(i)) : "";
    row.bar.style.setProperty("--share", `${100 * tracks.p(i)}%`);
    row.type.textContent = row.type.title = typeWords(tracks, i);
    row.file.textContent = row.file.title = written(tracks, i);
    row.deed.className = `cut dot tone-${tracks.deed(i).tone}`;
    row.deed.textContent = tracks.deed(i).word;
    row.deed.title = tracks.reason(i);
    row.length.textContent = tracks.seconds(i) ? duration(tracks.seconds(i)) : "";
  }

  key(event) {
    if (event.target !== this.grid && event.target !== this.scroller) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHigh) - 1);
    const last = this.shown.length - 1;
    const to = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page,
      PageUp: this.active - page, Home: 0, End: last }[event.key];
    if (to !== undefined) this.go(Math.max(0, Math.min(last, to)));
    else if (event.key === "Enter" && last >= 0) this.open(this.shown[this.active]);
    else return;
    event.preventDefault();
  }

  /** Makes a row the one in hand, and brings it in sight. */
  go(at) {
    this.active = at;
    const rowHigh = this.rowHigh;
    const real = this.shown.length * rowHigh;
    const inner = this.scroller.clientHeight;
    const seen = inner / rowHigh;
    const { top } = this;
    let want = top;
    if (at < top) want = at;
    else if (at + 1 > top + seen) want = at + 1 - seen;
    if (want !== top) {
      this.scroller.scrollTop = real <= TALLEST ? want * rowHigh
        : (want / ((real - inner) / rowHigh)) * (TALLEST - inner);
    }
    this.place();
  }

  /** The first tracks as a plain table, for paper. */
  print() {
    const heads = ["Track", "Genre heard", "Music type", "Genre in the file", this.tracks.whatHappened];
    const rows = [...this.shown.slice(0, PRINTED)].map((i) => el("tr", {}, ...[
      pathBelow(this.tracks, i), heardWords(this.tracks, i), typeWords(this.tracks, i),
      written(this.tracks, i), this.tracks.deed(i).why ? this.tracks.deed(i).word : this.tracks.reason(i),
    ].map((text) => el("td", {}, text))));
    const left = this.shown.length - rows.length;
    if (left > 0) rows.push(el("tr", {}, el("td", { colspan: "5" }, `and ${counted(left, "track")} more`)));
    $("printed").replaceChildren(el("thead", {}, el("tr", {}, ...heads.map((text) => el("th", {}, text)))),
      el("tbody", {}, ...rows));
  }
}

function pathBelow(tracks, i) {
  return tracks.folder(i) ? `${tracks.folder(i)}/${tracks.names[i]}` : tracks.names[i];
}

function heardWords(tracks, i) {
  const [first] = tracks.ranks(i);
  return first ? `${first[0]} ${percent(first[2])}` : "—";
}

function typeWords(tracks, i) {
  const type = tracks.columns.type[i];
  return type ? tracks.type.names[type] : "";
}

/** The genre in the file: "Other → Rock" where it changes, "—" for none. */
function written(tracks, i) {
  const [before, after] = [tracks.before(i) || "—", tracks.after(i) || "—"];
  return before === after ? after : `${before} → ${after}`;
}
