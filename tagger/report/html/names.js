// The names of groups on the map.

const MOST_AVOIDED = 2000; // marks that names are kept off; among more there is no room

/** Writes each group's name where its tracks are densest, and where few marks are beneath. */
function drawNames(map, pen, groups, colours) {
  const coarse = 24;
  const seen = new Map();
  const marks = [];
  const few = map.tracks.heard <= MOST_AVOIDED;
  const { chosen } = map.choice;
  for (const i of map.filed) {
    const group = groups.numbers[i];
    if (!group || !chosen[i]) continue;
    const [left, top] = map.at(i);
    if (left < 0 || top < 0 || left > map.wide || top > map.high) continue;
    const cell = Math.floor((left / map.wide) * coarse) * 100 + Math.floor((top / map.high) * coarse);
    if (!seen.has(group)) seen.set(group, new Map());
    const cells = seen.get(group);
    const sum = cells.get(cell) ?? cells.set(cell, [0, 0, 0]).get(cell);
    sum[0] += 1; sum[1] += left; sum[2] += top;
    if (few) marks.push([left, top]);
  }
  pen.font = `600 13px ${getComputedStyle(document.body).fontFamily}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  const taken = [];
  for (const group of groups.ranked) {
    const cells = seen.get(group);
    if (!cells) continue;
    const [n, x, y] = densest(cells);
    const whole = groups.names[group];
    const name = whole.length > 24 ? `${whole.slice(0, 23)}…` : whole;
    const half = pen.measureText(name).width / 2 + 5;
    const moves = [[0, 0], [0, -17], [0, 17], [half + 4, 0], [-half - 4, 0], [0, -30], [0, 30]];
    const places = moves.slice(0, few ? moves.length : 1).map(([dx, dy]) => [
      Math.min(map.wide - half, Math.max(half, x / n + dx)),
      Math.min(map.high - 12, Math.max(12, y / n + dy)),
    ]);
    const near = (boxes, [left, top], aside, above) => boxes.filter(
      (box) => Math.abs(box[0] - left) < aside + (box[2] ?? 0) && Math.abs(box[1] - top) < above).length;
    const free = places.filter((place) => !near(taken, place, half, 18));
    if (!free.length) continue;
    const hidden = free.map((place) => near(marks, place, half, 14));
    const [left, top] = free[hidden.indexOf(Math.min(...hidden))];
    taken.push([left, top, half]);
    pen.lineWidth = 4;
    pen.strokeStyle = colours.halo;
    pen.strokeText(name, left, top);
    pen.fillStyle = colours.text;
    pen.fillText(name, left, top);
  }
}

/** Of cells (100 a column) with the number and summed places of their tracks, those sums around
 *  the cell that has most of them near it. */
function densest(cells) {
  const around = (cell, reach, take) => {
    for (let dx = -reach; dx <= reach; dx += 1) {
      for (let dy = -reach; dy <= reach; dy += 1) {
        const other = cells.get(cell + 100 * dx + dy);
        if (other) take(other, dx * dx + dy * dy);
      }
    }
  };
  let [best, most] = [0, -1];
  for (const cell of cells.keys()) {
    let near = 0;
    around(cell, 4, ([n], far) => { near += n / (1 + far); });
    if (near > most) [best, most] = [cell, near];
  }
  const sum = [0, 0, 0];
  around(best, 1, (other) => other.forEach((value, k) => { sum[k] += value; }));
  return sum;
}
