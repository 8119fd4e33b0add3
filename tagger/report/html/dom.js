// Elements and words. Text goes in as text alone: nothing here, or anywhere, reads markup.

const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);

/** An element. Attributes as given, but: class, on… (a listener), vars (custom properties). */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name === "class") node.className = value;
    else if (name === "vars") for (const key of Object.keys(value)) node.style.setProperty(key, value[key]);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** The marks of the map: with the colour, they tell groups apart. Points within -1 to 1. */
const SHAPES = [
  null, // a circle
  [[0, -1.15], [1.1, 0.8], [-1.1, 0.8]],
  [[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]],
  [[0, -1.25], [1.1, 0], [0, 1.25], [-1.1, 0]],
];
const shapeOf = (slot) => SHAPES[slot % SHAPES.length];
const colourOf = (slot) => `var(--slot${slot})`;

function shape(slot) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "-1.5 -1.5 3 3");
  svg.setAttribute("class", "shape");
  svg.setAttribute("aria-hidden", "true");
  const points = shapeOf(slot);
  const mark = document.createElementNS(SVG, points ? "polygon" : "circle");
  if (points) mark.setAttribute("points", points.map((point) => point.join(",")).join(" "));
  else mark.setAttribute("r", "1");
  mark.style.setProperty("fill", colourOf(slot));
  svg.append(mark);
  return svg;
}

const number = (n) => n.toLocaleString("en");
const counted = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;

/** "83 %"; never 100 % for what is not certain. */
function percent(p) {
  return `${p < 1 ? Math.min(99, Math.round(100 * p)) : 100}\u00a0%`;
}

function share(n, all) {
  const part = all ? (100 * n) / all : 0;
  return `${part && part < 1 ? "<1" : Math.round(part)}\u00a0%`;
}

/** 0:42, 7:05, 3:20:11. */
function duration(seconds) {
  const all = Math.round(seconds);
  const [h, m, s] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A length of music in words: "3 hours", "41 minutes". */
function span(seconds) {
  const [n, unit] = seconds >= 48 * 3600 ? [seconds / 86400, "day"]
    : seconds >= 5400 ? [seconds / 3600, "hour"]
      : seconds >= 90 ? [seconds / 60, "minute"] : [seconds, "second"];
  const rounded = n < 10 && unit !== "second" ? Math.round(n * 10) / 10 : Math.round(n);
  return `${rounded.toLocaleString("en")} ${unit}${rounded === 1 ? "" : "s"}`;
}

/** A button that is on or off with a choice of the reader. */
function chooser(choice, kind, value, attributes, ...children) {
  const button = el("button", {
    type: "button", "aria-pressed": "false", ...attributes,
    onclick: () => choice.toggle(kind, value),
  }, ...children);
  choice.listeners.push(() => {
    button.setAttribute("aria-pressed", String(choice.has(kind, value)));
  });
  return button;
}
