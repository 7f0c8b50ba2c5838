// What is left now: a bar for each window of a quota, and batches under way.

/** A bar of parts, whose values stand beside it in words. */
function bar(parts) {
  const made = el("div", { class: "bar", "aria-hidden": "true" }, parts.map(([, colour]) => el("i", colour ? { class: `c-${colour}` } : {})));
  parts.forEach(([part], index) => made.children[index].style.setProperty("width", `${Math.min(100, part * 100)}%`));
  return made;
}

const used = ({ used: taken, reserved }) => taken + reserved > 0;

function gauge(now, window) {
  const { limit, left, metric, period } = window;
  const share = limit ? left / limit : 0;
  const state = left === 0 ? "used up" : share <= LOW ? "low" : "";
  const reset = window.resets_at && left < limit ? `full again ${span(now, window.resets_at)}` : "";
  return el(
    "div",
    { class: state ? "window low" : "window" },
    bar([[limit ? window.used / limit : 1], [limit ? window.reserved / limit : 0]]),
    el(
      "span",
      { class: "left" },
      el("b", {}, count(left)),
      ` of ${count(limit)} ${metric} left this ${period}`,
      state ? el("span", { class: "badge" }, state) : null,
    ),
    el("span", { class: "reset" }, reset),
  );
}

function troubles(now, held) {
  const found = [];
  if (held.cooldown) found.push(`not asked again before ${moment(held.cooldown.until)}: ${held.cooldown.why.replaceAll("_", " ")}`);
  if (held.breaker) found.push(`failed ${held.breaker.failures} times in a row; tried again ${span(now, held.breaker.until)}`);
  if (held.key_refused_at) found.push(`key refused ${moment(held.key_refused_at)}: set another one`);
  if (held.gone_since) found.push(`gone since ${moment(held.gone_since)}`);
  if (held.waiting) found.push(`${held.waiting} calls wait in line`);
  return found.map((text) => el("p", {}, text));
}

function provider(now, [name, facts]) {
  const rows = Object.entries(facts.models);
  const shared = rows.flatMap(([, { windows = [] }]) => windows).filter((window) => window.scope === "account" && used(window));
  const mine = ({ windows = [] }) => windows.filter((window) => window.scope !== "account" && used(window));
  const busy = rows.filter(([, model]) => mine(model).length || model.cooldown || model.gone_since || model.waiting);
  if (!busy.length && !shared.length && !facts.breaker && !facts.key_refused_at && !facts.cooldown) return null;
  const once = [...new Map(shared.map((window) => [`${window.metric} ${window.period}`, window])).values()];
  return el(
    "section",
    { class: "provider" },
    el("h3", {}, name),
    troubles(now, facts),
    once.length ? el("div", { class: "model" }, el("p", {}, "all its models together"), once.map((one) => gauge(now, one))) : null,
    busy.map(([model, facts]) =>
      el("div", { class: "model" }, el("p", {}, model), mine(facts).map((one) => gauge(now, one)), troubles(now, facts)),
    ),
  );
}

function quota({ budget }) {
  const now = new Date(budget.at);
  const all = Object.entries(budget.providers);
  const shown = all.map((row) => provider(now, row)).filter(Boolean);
  const full = all.flatMap(([name, { models, usable }]) =>
    Object.entries(models)
      .filter(([, { windows = [] }]) => usable && windows.length && !windows.some(used))
      .map(([model, { windows }]) => [shortModel(`${name}:${model}`), windows.map(({ limit, metric, period }) => `${brief(limit)} ${metric} a ${period}`).join(", ")]),
  );
  return el(
    "section",
    { class: "card wide", "aria-labelledby": "quota-title" },
    el("h2", { id: "quota-title" }, "Quotas now"),
    el("p", { class: "what" }, shown.length ? "What is left of each window that something was used of; a bar is filled by what was used." : "No limit that we know of was touched in its window."),
    shown.length ? el("div", { class: "providers" }, shown) : null,
    full.length
      ? el("details", { "data-id": "full" }, el("summary", {}, `${full.length} untouched models`), grid("Untouched models", ["model", "limits"], full))
      : null,
  );
}

const underWay = ({ batches: rows }) => rows.some(({ state: now }) => now === "running");

function batches({ batches: rows, budget }) {
  if (!rows.length) return null;
  const now = new Date(budget.at);
  return el(
    "section",
    { class: "card wide", "aria-labelledby": "batches-title" },
    el("h2", { id: "batches-title" }, "Batches"),
    rows.map((row) => {
      const settled = row.answered + row.failed;
      const when = { done: "done", cancelled: "cancelled" }[row.state] ?? "under way";
      const next = row.waits_until
        ? `, waits for room until ${moment(row.waits_until)}`
        : row.expected_at && row.state === "running" ? `, ready ${span(now, row.expected_at)}` : "";
      const failed = row.failed ? `, ${count(row.failed)} failed` : "";
      return el(
        "div",
        { class: "batch" },
        el("b", {}, row.id),
        ` ${when}: ${count(settled)} of ${count(row.total)} items${failed}${next}; began ${moment(row.created_at)}`,
        bar([[row.answered / (row.total || 1), "soft"], [row.failed / (row.total || 1), "failed"]]),
      );
    }),
  );
}

/** The next time at which something shown here changes by itself. */
function nextReset({ budget }) {
  const times = Object.values(budget.providers)
    .flatMap(({ models }) => Object.values(models))
    .flatMap(({ windows = [] }) => windows.filter(used))
    .map(({ resets_at: at }) => Date.parse(at) - Date.parse(budget.at))
    .filter((later) => later >= 0);
  return times.length ? Math.min(...times) + 1_000 : null;
}
