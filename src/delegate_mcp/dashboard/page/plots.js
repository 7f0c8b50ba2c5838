// Plots over time as SVG: axes from zero, one mark a step that tells its values to mouse, touch, keyboard and reader.

const HEIGHT = 200;
const LEFT = 46;
const BOTTOM = 24;
const TOP = 8;
const WIDEST_BAR = 44;
const GAP = 1.5;

const tip = document.getElementById("tip");

/** Round values from `low` to `high`, zero among them. */
function ticks(low, high, wanted = 4) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((part) => part * power).find((part) => part >= rough);
  const found = [];
  for (let at = Math.floor(low / step); at <= Math.ceil(high / step - 1e-9); at++) found.push(at * step);
  return found;
}

/** The axes; gives the drawing, and where a step and a value stand. */
function axes({ width, names, low, high, write, title, right = 8 }) {
  const marks = ticks(low, high);
  const [bottom, top] = [marks[0], marks.at(-1)];
  const floor = HEIGHT - BOTTOM;
  const y = (value) => floor - ((value - bottom) / (top - bottom)) * (floor - TOP);
  const step = (width - LEFT - right) / names.length;
  const x = (index) => LEFT + step * (index + 0.5);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "group", "aria-label": title });
  for (const at of marks) {
    drawing.append(
      svg("line", { class: at === 0 ? "zero" : "grid", x1: LEFT, x2: width - right, y1: y(at), y2: y(at) }),
      svg("text", { x: LEFT - 8, y: y(at) + 4, "text-anchor": "end", "aria-hidden": "true" }, write(at)),
    );
  }
  const every = Math.ceil((names.length * 58) / (width - LEFT - right));
  names.forEach(({ tick }, index) => {
    if ((names.length - 1 - index) % every) return; // the newest always has its name
    drawing.append(
      svg("text", { x: x(index), y: HEIGHT - 6, "text-anchor": "middle", "aria-hidden": "true" }, tick),
    );
  });
  return { drawing, x, y, step, floor, top: TOP };
}

/** A part of a drawing that can be pointed at and stepped to; `rows` are [name, value, class]. */
function mark(title, rows, ...shapes) {
  const said = rows.map(([name, value]) => `${name} ${value}`).join(", ");
  const made = svg("g", { class: "mark", role: "img", tabindex: -1, "aria-label": `${title}: ${said}` }, ...shapes);
  const show = () => showTip(made, title, rows);
  made.addEventListener("pointerenter", show);
  made.addEventListener("focus", show);
  made.addEventListener("pointerleave", () => document.activeElement !== made && hideTip());
  made.addEventListener("blur", hideTip);
  return made;
}

/** One stop of the Tab key for a whole drawing; arrows go from mark to mark, Escape takes the values away. */
function steppable(drawing, first = 0) {
  const marks = [...drawing.querySelectorAll(".mark")];
  if (!marks.length) return drawing;
  marks.at(first).setAttribute("tabindex", 0);
  const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  drawing.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
    const at = marks.indexOf(document.activeElement);
    if (!(event.key in moves) || at < 0) return;
    event.preventDefault();
    const next = marks[Math.max(0, Math.min(marks.length - 1, at + moves[event.key]))];
    marks[at].setAttribute("tabindex", -1);
    next.setAttribute("tabindex", 0);
    next.focus();
  });
  return drawing;
}

let tipOf = null;

function showTip(of, title, rows) {
  const swatch = (name) => (name ? el("i", { class: `c-${name}` }) : null);
  tip.replaceChildren(
    el("p", {}, title),
    ...rows.map(([name, value, colour]) => el("div", {}, el("span", {}, swatch(colour), name), value)),
  );
  tip.hidden = false;
  tipOf = of;
  placeTip();
}

function placeTip() {
  const around = tipOf.getBoundingClientRect();
  const own = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, around.left + around.width / 2 - own.width / 2), innerWidth - own.width - 8);
  const above = around.top - own.height - 6;
  tip.style.left = `${left}px`;
  tip.style.top = `${above >= 4 ? above : Math.min(around.top + 28, innerHeight - own.height - 4)}px`;
}

/** Focus may scroll a mark into view: its values go along; a mark that was only pointed at has moved away. */
function followScroll() {
  if (tip.hidden) return;
  if (document.activeElement === tipOf) placeTip();
  else hideTip();
}

function hideTip() {
  tip.hidden = true;
}

/** Stacked columns; `series` are { name, colour, values } from the baseline up. One series may go below zero. */
function columns({ width, names, series, write, tick = write, title, total = null }) {
  const sums = names.map((_, index) => series.reduce((sum, { values }) => sum + values[index], 0));
  const high = Math.max(0, ...sums);
  const plot = axes({ width, names, low: Math.min(0, ...sums), high: high || 1, write: tick, title });
  const bar = Math.min(WIDEST_BAR, Math.max(2, plot.step * 0.72));
  names.forEach(({ full }, index) => {
    const { x, y, step, floor, top } = plot;
    let base = 0;
    const shapes = [svg("rect", { class: "hit", x: x(index) - step / 2, width: step, y: top, height: floor - top })];
    for (const { colour, values } of series) {
      const value = values[index];
      if (!value) continue;
      const [from, to] = [y(base), y(base + value)];
      const gap = base && Math.abs(to - from) > 3 * GAP ? GAP : 0;
      const height = Math.max(1, Math.abs(to - from) - gap);
      const begin = value < 0 ? from : from - gap - height;
      shapes.push(svg("rect", { class: `c-${colour}`, x: x(index) - bar / 2, width: bar, y: begin, height }));
      base += value;
    }
    const rows = series.toReversed().map(({ name, colour, values }) => [name, write(values[index]), colour]);
    if (total) rows.push([total, write(sums[index])]);
    plot.drawing.append(mark(full, rows, ...shapes));
  });
  return steppable(plot.drawing, -1);
}

/** Lines, broken where there is no value; the name stands at a line's end. */
function lines({ width, names, series, write, tick = write, title }) {
  const known = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const plot = axes({ width, names, low: 0, high: Math.max(1, ...known), write: tick, title, right: 44 });
  const { drawing, x, y, step, floor, top } = plot;
  const ends = [];
  for (const { name, colour, dashed, values } of series) {
    let path = "";
    values.forEach((value, index) => {
      if (value !== null) path += `${path && values[index - 1] !== null ? "L" : "M"}${x(index)} ${y(value)}`;
    });
    drawing.append(svg("path", { class: `rule s-${colour}${dashed ? " dashed" : ""}`, d: path }));
    const last = values.findLastIndex((value) => value !== null);
    if (last >= 0) ends.push({ name, at: y(values[last]), x: x(last) });
  }
  ends.sort((one, other) => one.at - other.at);
  ends.forEach((end, index) => {
    if (index) end.at = Math.max(end.at, ends[index - 1].at + 14);
    drawing.append(svg("text", { class: "direct", x: end.x + 8, y: end.at + 4, "aria-hidden": "true" }, end.name));
  });
  names.forEach(({ full }, index) => {
    const dots = series
      .filter(({ values }) => values[index] !== null)
      .map(({ colour, values }) => svg("circle", { class: `c-${colour}`, cx: x(index), cy: y(values[index]), r: step < 10 ? 1.8 : 3 }));
    const hit = svg("rect", { class: "hit", x: x(index) - step / 2, width: step, y: top, height: floor - top });
    drawing.append(mark(full, series.map(({ name, values }) => [name, write(values[index])]), hit, ...dots));
  });
  return steppable(drawing, -1);
}
