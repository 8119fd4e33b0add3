// Marks as pixels: a canvas without a graphics card takes half a second to put down 50,000
// images, and a few milliseconds to take one picture into which they were stamped.

/** The style sheet's colours as a canvas wants them. */
function readColours() {
  const probe = el("i", { hidden: "" });
  document.body.append(probe);
  const read = (name) => {
    probe.style.setProperty("color", `var(--${name})`);
    return getComputedStyle(probe).color;
  };
  const slots = Array.from({ length: SLOTS + 1 }, (_, slot) => read(`slot${slot}`));
  const found = { slots, ghost: read("ghost"), text: read("text"), halo: read("fill") };
  probe.remove();
  return found;
}

/** A mark: which pixels it covers, seen from its middle, how far (0 to 1), and with what. */
function makeStamp(slot, radius, colour, alpha) {
  const half = Math.ceil(1.25 * radius + 1);
  const side = 2 * half + 1;
  const canvas = el("canvas", { width: String(side), height: String(side) });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.translate(half + 0.5, half + 0.5);
  pen.fillStyle = colour;
  pen.beginPath();
  const points = shapeOf(slot);
  if (points) points.forEach(([left, top]) => pen.lineTo(left * radius, top * radius));
  else pen.arc(0, 0, radius, 0, 2 * Math.PI);
  pen.fill();
  const { data } = pen.getImageData(0, 0, side, side);
  const pixels = [];
  for (let at = 0; at < side * side; at += 1) {
    if (data[4 * at + 3]) pixels.push((at % side) - half, Math.floor(at / side) - half, (data[4 * at + 3] / 255) * alpha);
  }
  pen.fillRect(-half, -half, side, side);
  const [red, green, blue] = pen.getImageData(half, half, 1, 1).data;
  return { pixels: Float32Array.from(pixels), red, green, blue };
}

/** A picture that stamps go onto; a canvas of its own, as browsers that print leave out what was
 * put into a canvas as pixels, and not what was drawn from another one. */
class Sheet {
  constructor({ width, height }, colour) {
    this.canvas = el("canvas", { width: String(width), height: String(height) });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.pen.fillStyle = colour;
    this.pen.fillRect(0, 0, width, height);
    this.picture = this.pen.getImageData(0, 0, width, height);
  }

  stamp({ pixels, red, green, blue }, left, top) {
    const { data, width, height } = this.picture;
    for (let k = 0; k < pixels.length; k += 3) {
      const x = left + pixels[k];
      const y = top + pixels[k + 1];
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      const at = 4 * (y * width + x);
      const cover = pixels[k + 2];
      data[at] += (red - data[at]) * cover;
      data[at + 1] += (green - data[at + 1]) * cover;
      data[at + 2] += (blue - data[at + 2]) * cover;
    }
  }

  /** Draws the picture with another pen. */
  draw(pen) {
    this.pen.putImageData(this.picture, 0, 0);
    pen.save();
    pen.resetTransform();
    pen.drawImage(this.canvas, 0, 0);
    pen.restore();
  }
}
