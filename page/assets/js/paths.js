// How series become shapes on uPlot's canvas.

// bars draws each series' own part of the stack. The data of series i reaches up to the sum
// of the series 1 to i, so the part starts where the data of the series before it ends. Of 300
// environments most do nothing in most intervals, and what is 0 costs nothing here.
//
//	   +--+
//	   |2 |  <- u.data[2]
//	   +--+
//	   |1 |  <- u.data[1]
//	---+--+--- 0
export function bars(step, stacked) {
  return (u, i, from, to) => {
    const fill = new Path2D();
    const [x, y] = [u.data[0], u.data[i]];
    const below = stacked && i > 1 ? u.data[i - 1] : null;
    const width = Math.max(1, u.valToPos(x[0] + step(), "x", true) - u.valToPos(x[0], "x", true));
    const gap = width >= 8 ? Math.max(1, Math.round(width * 0.1)) : 0;
    for (let k = from; k <= to; k++) {
      const base = below ? below[k] ?? 0 : 0;
      if (y[k] == null || y[k] === base) continue;
      const left = Math.round(u.valToPos(x[k], "x", true));
      const right = Math.round(u.valToPos(x[k] + step(), "x", true));
      const top = Math.round(u.valToPos(y[k], "y", true));
      const foot = Math.round(u.valToPos(base, "y", true));
      // Where there is room, a line of the ground tells neighbours of one colour apart.
      const parted = gap > 0 && base > 0 && foot - top > 7 ? 1 : 0;
      fill.rect(left, top, Math.max(1, right - left - gap), Math.max(1, foot - top - parted));
    }
    return { stroke: null, fill, clip: null, band: null, gaps: null, flags: 0 };
  };
}

// cells paints a heat map: one row of cells per series, the first lowest, each the darker the more it
// counts. The root keeps few visible beside many.
export function cells(u, color, step) {
  const [x, ...rows] = u.data;
  const most = Math.max(...rows.map((row) => row.reduce((a, v) => Math.max(a, v ?? 0), 0)));
  u.ctx.save();
  u.ctx.fillStyle = color;
  rows.forEach((row, i) => {
    const foot = Math.round(u.valToPos(i, "y", true)), top = Math.round(u.valToPos(i + 1, "y", true));
    for (let k = 0; k < x.length; k++) {
      if (!row[k]) continue;
      const left = Math.max(u.bbox.left, Math.round(u.valToPos(x[k], "x", true)));
      const right = Math.min(u.bbox.left + u.bbox.width, Math.round(u.valToPos(x[k] + step, "x", true)));
      if (right <= left) continue;
      u.ctx.globalAlpha = 0.15 + 0.85 * Math.sqrt(row[k] / most);
      u.ctx.fillRect(left, top + 1, Math.max(1, right - left - 1), Math.max(1, foot - top - 1));
    }
  });
  u.ctx.restore();
}

// spanned keeps of the gaps in a line those that are longer than so many milliseconds.
export function spanned(longest) {
  return (u, i, from, to, gaps) => {
    if (!longest) return gaps;
    const x = u.data[0];
    return gaps.filter(([a, b]) => u.posToVal(b, "x", true) - u.posToVal(a, "x", true) > longest + (x[1] - x[0]));
  };
}

// lonely are the points that no line reaches: they are drawn as points, or nobody would see them.
export function lonely(longest) {
  return (u, i, show, gaps) => {
    const [x, y] = [u.data[0], u.data[i]];
    const found = [];
    let last = -1; // the point before, and whether a line comes from it
    let joined = true;
    for (let k = 0; k < y.length; k++) {
      if (y[k] == null) continue;
      const near = last >= 0 && (k - last === 1 || (longest && x[k] - x[last] <= longest));
      if (last >= 0 && !near && !joined) found.push(last);
      joined = near;
      last = k;
    }
    if (last >= 0 && !joined) found.push(last);
    return found.length ? found : null;
  };
}

// pile adds series up, one upon the other, for drawing.
export function pile(columns, length) {
  const sum = new Float64Array(length);
  return columns.map((values) => {
    const out = new Array(length);
    for (let k = 0; k < length; k++) {
      sum[k] += values[k] ?? 0;
      out[k] = sum[k];
    }
    return out;
  });
}
