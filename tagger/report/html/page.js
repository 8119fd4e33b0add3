// Puts the page together.

function main() {
  const tracks = timed("read", () => new Tracks(JSON.parse($("data").textContent)));
  const choice = new Choice(tracks);
  const open = (i) => openDetail(tracks, i, map);
  drawTop(tracks);
  timed("charts", () => {
    drawCounts(tracks, choice);
    drawBars($("genres"), tracks, choice, "genre", "Nothing was heard.");
    drawBars($("types"), tracks, choice, "type", "The model has no music types.");
    drawHistogram(tracks, choice);
    drawDeeds(tracks, choice);
    drawExamples(tracks, open);
  });
  const map = new LibraryMap(tracks, choice, open);
  const table = new TrackTable(tracks, choice, open);
  if (!tracks.heard) $("map-card").hidden = true;
  if (!tracks.type.ranked.length) $("colour-by").hidden = true;
  drawLegend(tracks, choice, map.by);
  choice.listeners.push(() => $("legend").classList.toggle("chosen-some", choice.sets[map.by].size > 0),
    () => drawChips(tracks, choice));
  wire(tracks, choice, map, table);
  choice.changed();
}

function wire(tracks, choice, map, table) {
  $("colour-by").addEventListener("change", (event) => {
    map.by = event.target.value;
    drawLegend(tracks, choice, map.by);
    choice.changed();
  });
  $("theme").addEventListener("change", (event) => {
    document.documentElement.dataset.theme = event.target.value;
    map.soon();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map.soon());
  let typing = 0;
  $("search").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => choice.find(event.target.value), 80);
  });

  window.addEventListener("beforeprint", () => { table.print(); map.draw(); });
  window.addEventListener("afterprint", () => { $("printed").replaceChildren(); map.soon(); });
  // The sheet of paper has another width than the window, and is white.
  window.matchMedia("print").addEventListener("change", () => map.draw());
}

function drawTop(tracks) {
  const { run } = tracks;
  $("place").textContent = tracks.root;
  const when = new Date(run.finished).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  const rate = run.seconds > 0 ? `, ${run.tracks_per_second.toFixed(1)} tracks a second` : "";
  $("facts").textContent = `${when} · took ${duration(run.seconds)}${rate} · model ${run.model} · genretag ${run.version}`;
  const badge = (text, warn) => $("badges").append(el("span", { class: warn ? "badge warn" : "badge" }, text));
  if (run.dry_run) badge("Dry run: nothing was written");
  if (run.interrupted) badge("Interrupted: the tracks here were done before", true);
  if (run.left) badge(`${counted(run.left, "track")} left for the next run (time limit)`, true);
}

/** What is chosen, each with a way to take it back. */
function drawChips(tracks, choice) {
  const names = {
    genre: (group) => tracks.genre.names[group],
    type: (group) => tracks.type.names[group],
    bin: (bin) => `${(bin * 100) / BINS} to ${((bin + 1) * 100) / BINS} %`,
    deed: (deed) => tracks.deeds[deed].word,
    reason: (reason) => reason.slice(reason.indexOf(" ") + 1),
  };
  const chip = (text, takeBack) => el("button", { type: "button", class: "chip cut", title: "Take this back", onclick: takeBack }, text, " ✕");
  const chips = Object.entries(choice.sets).flatMap(([kind, set]) =>
    [...set].map((value) => chip(names[kind](value), () => choice.toggle(kind, value))));
  if (choice.query) chips.push(chip(`“${choice.query}”`, () => { $("search").value = ""; choice.find(""); }));
  if (chips.length > 1) chips.push(chip("everything", () => { $("search").value = ""; choice.clear(); }));
  $("chips").replaceChildren(...chips);
}

/** The word for it and the reason, which may begin with that very word. */
function happened(tracks, i) {
  const [word, reason] = [tracks.deed(i).word, tracks.reason(i)];
  return !reason || reason.startsWith(`${word}:`) ? reason || word : `${word}: ${reason}`;
}

function openDetail(tracks, i, map) {
  const dialog = $("detail");
  const facts = [["Path", el("span", { class: "name" }, tracks.path(i))]];
  for (const [name, group, p] of tracks.ranks(i)) {
    facts.push([facts.length > 1 ? "" : "Heard", el("div", { class: "bar", vars: { "--share": `${100 * p}%`, "--colour": colourOf(tracks.genre.slots[group]) } },
      el("span", {}, name), el("span", { class: "soft" }, percent(p)), el("i"))]);
  }
  if (tracks.columns.type[i]) facts.push(["Music type", tracks.type.names[tracks.columns.type[i]]]);
  facts.push(["Genre in the file", written(tracks, i)]);
  facts.push([tracks.whatHappened, el("span", { class: `dot tone-${tracks.deed(i).tone}` }, happened(tracks, i))]);
  if (tracks.seconds(i)) facts.push(["Length", duration(tracks.seconds(i))]);
  dialog.replaceChildren(
    el("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => dialog.close() }, "×"),
    el("h2", { id: "detail-head", class: "name" }, tracks.names[i]),
    el("dl", {}, ...facts.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)])));
  if (tracks.columns.genre0[i]) {
    dialog.append(el("button", { type: "button", class: "plain", onclick: () => {
      dialog.close();
      $("map-card").scrollIntoView({ block: "start" });
      map.show(i);
    } }, "Show on the map"));
  }
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  dialog.showModal();
}

timed("start", main);
