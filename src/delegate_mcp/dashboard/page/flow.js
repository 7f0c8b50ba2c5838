// Which kind of work went to which model: ribbons as wide as their calls, from task types to models.

const NODE = 8;
const APART = 13;
const CHARACTER = 6.7; // the width of most in the drawing's font, in pixels

/** `flows` are { from, to, colour, value, rows }; ends are ordered by size. */
function flow({ width, flows, title }) {
  const side = (end) => {
    const sizes = new Map();
    for (const one of flows) sizes.set(one[end], (sizes.get(one[end]) ?? 0) + one.value);
    return [...sizes].sort((one, other) => other[1] - one[1]);
  };
  const [sources, targets] = [side("from"), side("to")];
  const most = Math.max(sources.length, targets.length);
  const height = Math.max(200, most * 30);
  const all = flows.reduce((sum, { value }) => sum + value, 0);
  const scale = Math.min(...[sources, targets].map((ends) => (height - APART * (ends.length - 1)) / all));
  const place = (ends) => {
    let at = (height - (all * scale + APART * (ends.length - 1))) / 2;
    return new Map(
      ends.map(([name, size]) => {
        const node = { name, size, at, used: 0, height: Math.max(1, size * scale) };
        at += size * scale + APART;
        return [name, node];
      }),
    );
  };
  const [from, to] = [place(sources), place(targets)];
  const [left, room] = [Math.min(width * 0.31, 150), Math.min(width * 0.37, 210)];
  const right = width - room;
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": title });
  const order = [...flows].sort(
    (one, other) => from.get(one.from).at - from.get(other.from).at || to.get(one.to).at - to.get(other.to).at,
  );
  for (const { from: start, to: end, colour, value, rows } of order) {
    const [source, target] = [from.get(start), to.get(end)];
    const thick = value * scale;
    const [a, b, middle] = [source.at + source.used, target.at + target.used, (left + right) / 2];
    source.used += thick;
    target.used += thick;
    const least = Math.max(thick, 1.5);
    const path =
      `M${left + NODE} ${a}C${middle} ${a} ${middle} ${b} ${right - NODE} ${b}` +
      `v${least}C${middle} ${b + least} ${middle} ${a + least} ${left + NODE} ${a + least}z`;
    drawing.append(mark(`${start} to ${end}`, rows, svg("path", { class: `ribbon c-${colour}`, d: path })));
  }
  const colours = new Map(flows.map(({ to: end, colour }) => [end, colour]));
  const label = ({ name, size, at, height: tall }, x, anchor, colour, edge) => {
    const fits = Math.floor(((anchor === "end" ? left : room) - 10) / CHARACTER) - count(size).length - 1;
    const least = name.length > fits ? name.split(" ").at(-1) : name; // a model's own name says more than its provider's
    const text = least.length > fits ? `${least.slice(0, fits - 1)}…` : least;
    drawing.append(
      svg("rect", { class: `c-${colour}`, x: edge, y: at, width: NODE, height: tall }),
      svg(
        "text",
        { class: "direct", x, y: at + tall / 2 + 4, "text-anchor": anchor, "aria-hidden": "true" },
        svg("title", {}, name),
        `${text} ${count(size)}`,
      ),
    );
  };
  for (const node of from.values()) label(node, left - 6, "end", "soft", left);
  for (const node of to.values()) label(node, right + 6, "start", colours.get(node.name), right - NODE);
  return steppable(drawing);
}
