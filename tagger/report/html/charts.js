// Counts, bars, the histogram, what happened, and examples.

function drawCounts(tracks, choice) {
  const { run, deeds } = tracks;
  const box = $("counts");
  const tile = (value, label) => [el("b", {}, value), el("span", {}, label)];
  box.append(el("div", { class: "count" }, ...tile(number(tracks.n), tracks.n === 1 ? "track" : "tracks")));
  if (run.audio_s) {
    const [n, ...unit] = span(run.audio_s).split(" ");
    box.append(el("div", { class: "count" }, ...tile(n, `${unit.join(" ")} of music`)));
  }
  const changed = `${run.changed === 1 ? "file" : "files"} ${run.dry_run ? "would change" : "changed"}, in any field`;
  box.append(el("div", { class: "count", title: "genretag's own fields included" }, ...tile(number(run.changed), changed)));
  for (const [deed, n] of countedDeeds(tracks)) {
    box.append(chooser(choice, "deed", deed, { class: "count" },
      el("b", {}, number(n)), el("span", { class: `dot tone-${deeds[deed].tone}` }, deeds[deed].word)));
  }
}

/** What became of tracks, as [number of the deed, tracks], in the order in which reports name it. */
function countedDeeds(tracks) {
  const counts = new Uint32Array(tracks.deeds.length);
  for (const deed of tracks.columns.deed) counts[deed] += 1;
  return [...counts].map((n, deed) => [deed, n]).sort((a, b) => tracks.deeds[a[0]].place - tracks.deeds[b[0]].place);
}

function drawLegend(tracks, choice, by) {
  const groups = tracks[by];
  const box = $("legend");
  box.replaceChildren();
  const rows = groups.ranked.slice(0, SLOTS).map((group) => chooser(choice, by, group, { class: "key" },
    shape(groups.slots[group]), el("span", { class: "cut" }, groups.names[group]),
    el("span", { class: "soft" }, number(groups.counts[group]))));
  const rest = groups.ranked.slice(SLOTS);
  if (rest.length) {
    const n = rest.reduce((sum, group) => sum + groups.counts[group], 0);
    rows.push(el("div", { class: "key" }, shape(SLOTS), el("span", {}, `${rest.length} others`),
      el("span", { class: "soft" }, number(n))));
  }
  box.append(...rows);
  box.classList.toggle("chosen-some", choice.sets[by].size > 0);
}

function drawBars(box, tracks, choice, by, none) {
  const groups = tracks[by];
  const most = groups.ranked.length ? groups.counts[groups.ranked[0]] : 0;
  for (const group of groups.ranked) {
    const n = groups.counts[group];
    box.append(chooser(choice, by, group,
      { class: "bar", vars: { "--share": `${(100 * n) / most}%`, "--colour": colourOf(groups.slots[group]) } },
      el("span", { class: "cut" }, groups.names[group]),
      el("span", {}, number(n), " ", el("span", { class: "soft" }, share(n, tracks.heard))), el("i")));
  }
  if (!groups.ranked.length) box.append(el("p", { class: "soft" }, none));
}

function drawHistogram(tracks, choice) {
  const { genre0, deed } = tracks.columns;
  const unsure = tracks.deeds.findIndex(({ key }) => key === "abstained");
  const counts = Array.from({ length: BINS }, () => [0, 0]);
  for (let i = 0; i < tracks.n; i += 1) if (genre0[i]) counts[tracks.bin[i]][Number(deed[i] === unsure)] += 1;
  const most = Math.max(1, ...counts.map(([a, b]) => a + b));
  const step = 100 / BINS;
  const bars = el("div", { class: "histogram", role: "group", "aria-label": "Tracks by probability" });
  counts.forEach(([sure, not], bin) => {
    const words = `${bin * step} to ${(bin + 1) * step} %: ${counted(sure + not, "track")}`
      + (not ? `, ${number(not)} of them unsure` : "");
    bars.append(chooser(choice, "bin", bin, { class: "bin", "aria-label": words, title: words },
      el("i", { class: "unsure", "data-n": String(not), vars: { "--share": `${(100 * not) / most}%` } }),
      el("i", { vars: { "--share": `${(100 * sure) / most}%` } })));
  });
  const scale = el("div", { class: "scale", "aria-hidden": "true" },
    ...["0", "25", "50", "75", "100 %"].map((text) => el("span", {}, text)));
  const keys = el("div", { class: "keys" }, el("span", {}, el("i"), "sure enough, or decided otherwise"));
  if (unsure >= 0) keys.append(el("span", {}, el("i", { class: "unsure" }), "unsure: no genre written"));
  keys.append(el("span", {}, `tallest bar: ${counted(most, "track")}`));
  $("sure").append(bars, scale, keys);
}

function drawDeeds(tracks, choice) {
  const box = $("deeds");
  $("deeds-head").textContent = tracks.whatHappened;
  const reasons = new Map();
  for (let i = 0; i < tracks.n; i += 1) {
    const deed = tracks.columns.deed[i];
    if (!reasons.has(deed)) reasons.set(deed, new Map());
    const group = tracks.group(i);
    const counts = reasons.get(deed);
    counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  for (const [deed, n] of countedDeeds(tracks)) {
    const { word, why, tone } = tracks.deeds[deed];
    const ranked = [...reasons.get(deed)].filter(([reason]) => reason).sort((a, b) => b[1] - a[1]);
    const line = ([reason, count]) => el("li", {}, chooser(choice, "reason", `${deed} ${reason}`, { class: "reason" },
      el("span", { class: "cut", title: reason }, reason), el("span", { class: "soft" }, number(count))));
    const part = el("div", { class: `deed tone-${tone}` },
      chooser(choice, "deed", deed, {}, el("b", {}, word),
        el("span", {}, number(n), " ", el("span", { class: "soft" }, share(n, tracks.n)))));
    if (why) part.append(el("p", { class: "sub" }, why));
    part.append(el("ul", { class: "reasons" }, ...ranked.slice(0, 5).map(line)));
    if (ranked.length > 5) {
      const rest = ranked.slice(5, 105);
      const left = ranked.length - 5 - rest.length;
      const more = el("details", {}, el("summary", {}, `${number(ranked.length - 5)} more reasons`));
      more.append(el("ul", { class: "reasons" }, ...rest.map(line)));
      if (left) more.append(el("p", { class: "sub" }, `and ${number(left)} rarer ones`));
      part.append(more);
    }
    box.append(part);
  }
  if (!tracks.n) {
    const stopped = tracks.run.interrupted || tracks.run.left;
    box.append(el("p", { class: "soft" }, stopped ? "Nothing yet." : "Nothing: no audio files were found."));
  }
}

/** The tracks of a group that the model is surest of, of different folders if those are about as sure. */
function surest(tracks, group, most) {
  const { genre0, p0, folder } = tracks.columns;
  const all = [];
  for (let i = 0; i < tracks.n; i += 1) if (genre0[i] === group) all.push(i);
  const down = (a, b) => p0[b] - p0[a] || a - b;
  all.sort(down);
  const least = p0[all[Math.min(most, all.length) - 1]] - SURE / 10;
  const folders = new Set();
  const apart = all.filter((i) => p0[i] >= least && !folders.has(folder[i]) && folders.add(folder[i]));
  return [...new Set([...apart.slice(0, most), ...all])].slice(0, most).sort(down);
}

function drawExamples(tracks, open) {
  const groups = tracks.genre;
  for (const group of groups.ranked) {
    $("examples").append(el("div", { class: "example" },
      el("h3", {}, shape(groups.slots[group]), groups.names[group]),
      ...surest(tracks, group, 5).map((i) => el("button", { type: "button", onclick: () => open(i) },
        el("span", { class: "cut" }, tracks.names[i]), el("span", { class: "soft" }, percent(tracks.p(i))),
        el("span", { class: "soft cut" }, tracks.folder(i) || "")))));
  }
  if (!groups.ranked.length) $("examples").append(el("p", { class: "soft" }, "Nothing was heard."));
}
