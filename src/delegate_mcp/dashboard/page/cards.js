// What the page shows of the data, a row a card. A card is { id, title, wide, what, plot, table }: `what` says in words
// what is to be seen, `plot(data, width)` gives elements, `table(data)` the same values as { head, rows }.

const TIERS = ["local", "free", "subscription", "paid"];
const TIER_NAMES = { local: "this machine", free: "free services", subscription: "your plan", paid: "paid by the token" };
const LOW = 0.1;

const names = (data) => data.steps.map(({ since }) => stepNames(data.step, since));
const stepHead = (data) => ({ hour: "hour", day: "day", month: "month" })[data.step];
const tierTokens = (sums, tier) => (sums.tiers[tier]?.input_tokens ?? 0) + (sums.tiers[tier]?.output_tokens ?? 0);
const tiersOf = (data) => TIERS.filter((tier) => data.tiers[tier]);
/** `groq gpt-oss-20b`, or `gemini-3.8-flash` where the model's name has its provider's already. */
function shortModel(id) {
  const [, provider, name] = id.match(/^([^:]+):(?:.*\/)?(.+)$/);
  return name.startsWith(provider) ? name : `${provider} ${name}`;
}
const unanswered = "nobody";

function key(rows) {
  return el(
    "ul",
    { class: "key" },
    rows.map(([colour, name, value, note]) =>
      el("li", {}, el("i", { class: `c-${colour}` }), `${name} `, el("b", {}, value), note ? el("span", {}, ` ${note}`) : null),
    ),
  );
}

/** Calls of a step as they ended: the name of the end, its colour, its words. */
const ends = ({ calls: made, answers }) => ({ ...answers, failed: made.failed, other: made.refused + made.cancelled });
const ENDS = [
  ["first", "first", "by the first model asked"],
  ["fallback", "fallback", "by a fallback"],
  ["cached", "cached", "from the cache"],
  ["failed", "failed", "failed"],
  ["other", "none", "refused or cancelled"],
];

const tokens = {
  id: "tokens",
  title: "Tokens by tier",
  wide: true,
  what: ({ free_share: share }) =>
    `Where the models ran. ${percentShort(share.value)} of all tokens, the director's own spending on us among them, ` +
    "ran on free inference: this machine and free services.",
  plot(data, width) {
    const shown = tiersOf(data);
    const series = shown.map((tier) => ({
      name: TIER_NAMES[tier],
      colour: tier,
      values: data.steps.map((step) => tierTokens(step, tier)),
    }));
    return [
      key(
        shown.map((tier) => [
          tier,
          TIER_NAMES[tier],
          brief(tierTokens(data, tier)),
          `(${percent(tierTokens(data, tier) / (data.tokens || 1))})`,
        ]),
      ),
      columns({ width, names: names(data), series, write: count, tick: brief, title: "Tokens by tier over time", total: "all" }),
    ];
  },
  table: (data) => ({
    head: [stepHead(data), ...tiersOf(data).map((tier) => TIER_NAMES[tier]), "all tokens"],
    rows: data.steps.map((step, index) => [
      names(data)[index].full,
      ...tiersOf(data).map((tier) => count(tierTokens(step, tier))),
      count(step.tokens),
    ]),
  }),
};

const savings = {
  id: "savings",
  title: "Net savings, USD",
  what: ({ net, director: spent, director_model: model }) =>
    `Estimate at the price of ${model}: what it was spared, less what it spent on us and what calls cost. ` +
    `Spared ${brief(spent.spared_input_tokens + spent.spared_output_tokens)} tokens, spent ` +
    `${brief(spent.written_tokens + spent.read_tokens + spent.listing_tokens)}: ${brief(net.tokens)} saved.`,
  plot: (data, width) =>
    columns({
      width,
      names: names(data),
      series: [{ name: "net savings, about", colour: "net", values: data.steps.map((step) => Number(step.net.saved_usd)) }],
      write: usd,
      tick: usdTick,
      title: "Net savings over time, USD",
    }),
  table: (data) => ({
    head: [stepHead(data), "net USD, about", "net tokens, about"],
    rows: data.steps.map((step, index) => [names(data)[index].full, usd(step.net.saved_usd), count(step.net.tokens)]),
  }),
};

const calls = {
  id: "calls",
  title: "How calls ended",
  what: (data) =>
    `${percentShort(data.success_rate)} of calls were answered; ${percentShort(data.fallback_rate)} of the answers came ` +
    "from a fallback, after another model had failed.",
  plot(data, width) {
    const found = data.steps.map(ends);
    const all = Object.fromEntries(ENDS.map(([end]) => [end, found.reduce((sum, step) => sum + step[end], 0)]));
    const shown = ENDS.filter(([end]) => end === "first" || all[end]);
    return [
      key(shown.map(([end, colour, name]) => [colour, name, count(all[end])])),
      columns({
        width,
        names: names(data),
        series: shown.map(([end, colour, name]) => ({ name, colour, values: found.map((step) => step[end]) })),
        write: count,
        tick: (value) => (Number.isInteger(value) ? brief(value) : ""),
        title: "Calls by how they ended, over time",
        total: "calls",
      }),
    ];
  },
  table: (data) => ({
    head: [stepHead(data), ...ENDS.map(([, , name]) => name), "answered", "by a fallback"],
    rows: data.steps.map((step, index) => [
      names(data)[index].full,
      ...ENDS.map(([end]) => count(ends(step)[end])),
      percentShort(step.success_rate),
      percentShort(step.fallback_rate),
    ]),
  }),
};

const latency = {
  id: "latency",
  title: "Latency of answered calls",
  what: ({ latency_ms: all }) =>
    `From the request to the reply, in seconds. Half of all answers came within ${seconds(all.p50)} (p50), ` +
    `95 % within ${seconds(all.p95)} (p95).`,
  plot: (data, width) =>
    lines({
      width,
      names: names(data),
      series: [
        { name: "p95", colour: "ink", dashed: true, values: data.steps.map((step) => step.latency_ms.p95) },
        { name: "p50", colour: "ink", values: data.steps.map((step) => step.latency_ms.p50) },
      ],
      write: seconds,
      tick: (ms) => `${ms / 1000} s`,
      title: "Latency over time, 50th and 95th percentile",
    }),
  table: (data) => ({
    head: [stepHead(data), "p50", "p95"],
    rows: data.steps.map((step, index) => [
      names(data)[index].full,
      seconds(step.latency_ms.p50),
      seconds(step.latency_ms.p95),
    ]),
  }),
};

const routes = {
  id: "routes",
  title: "Routes: which work went to which model",
  what: () => "Calls by task type (left) and the model that answered (right), in the colours of the tiers.",
  plot: (data, width) =>
    flow({
      width,
      title: "Calls from task types to models",
      flows: data.routes.map(({ task_type: task, model, tier, calls: made }) => ({
        from: task,
        to: model === null ? unanswered : shortModel(model),
        colour: tier ?? "none",
        value: made,
        rows: [
          ["model", model ?? "nobody answered"],
          ["tier", TIER_NAMES[tier] ?? "–"],
          ["calls", count(made)],
        ],
      })),
    }),
  table(data) {
    const models = [...new Set(data.routes.map(({ model }) => model))];
    const tasks = [...new Set(data.routes.map(({ task_type: task }) => task))];
    const made = (task, model) =>
      data.routes.filter((row) => row.task_type === task && row.model === model).reduce((sum, row) => sum + row.calls, 0);
    return {
      head: ["task type", ...models.map((model) => (model === null ? unanswered : shortModel(model)))],
      rows: tasks.map((task) => [task, ...models.map((model) => (made(task, model) ? count(made(task, model)) : "·"))]),
    };
  },
};

const models = {
  id: "models",
  title: "Models",
  what: () => "Tokens are those of every attempt; calls and latency those that the model answered.",
  plot(data) {
    const rows = Object.entries(data.groups)
      .filter(([name]) => name !== "(no model)")
      .sort(([, one], [, other]) => other.tokens - one.tokens)
      .map(([name, sums]) => [
        shortModel(name),
        count(sums.calls.total),
        brief(sums.tokens),
        seconds(sums.latency_ms.p50),
        seconds(sums.latency_ms.p95),
        usd(sums.cost_usd),
      ]);
    return grid("Models", ["model", "calls", "tokens", "p50", "p95", "cost"], rows);
  },
};

const cost = {
  id: "cost",
  title: "Cost, USD",
  what: ({ cost_usd: all, budget: { money } }) =>
    Number(all)
      ? `${usd(all)} in all. ` +
        (money.daily_usd ? `Today ${usd(money.paid_today_usd)} of the ${usd(money.daily_usd)} you allow a day.` : "")
      : "Nothing was billed: all of it ran on this machine, on free services or on plans that you have.",
  plot(data, width) {
    const shown = TIERS.filter((tier) => Number(data.tiers[tier]?.cost_usd ?? 0));
    if (!shown.length) return [];
    const at = (step, tier) => Number(step.tiers[tier]?.cost_usd ?? 0);
    return [
      key(shown.map((tier) => [tier, TIER_NAMES[tier], usd(data.tiers[tier].cost_usd)])),
      columns({
        width,
        names: names(data),
        series: shown.map((tier) => ({ name: TIER_NAMES[tier], colour: tier, values: data.steps.map((step) => at(step, tier)) })),
        write: usd,
        tick: usdTick,
        title: "Cost over time, USD",
      }),
    ];
  },
  table: (data) =>
    Number(data.cost_usd) && {
      head: [stepHead(data), "USD"],
      rows: data.steps.map((step, index) => [names(data)[index].full, usd(step.cost_usd)]),
    },
};

const CARDS = [tokens, savings, calls, latency, routes, models, cost];

function figures(data) {
  const { net, latency_ms: took } = data;
  const rows = [
    ["On free inference", percentShort(data.free_share.value), "of all tokens, an estimate"],
    ["Net savings", usd(net.saved_usd), `about ${brief(net.tokens)} of the director's tokens`],
    ["Delegated", `${brief(data.tokens)}`, `tokens in ${count(data.calls.total)} calls`],
    ["Answered", percentShort(data.success_rate), `${percentShort(data.fallback_rate)} by a fallback`],
    ["Half answered within", seconds(took.p50), `95 % within ${seconds(took.p95)}`],
    ["Cost", usd(data.cost_usd), Number(data.cost_usd) ? "billed by the token or the hour" : "nothing was billed"],
  ];
  return el(
    "dl",
    { class: "figures" },
    rows.map(([name, value, note]) => {
      const [, amount, unit] = value.match(/^(.*?)( USD| %| s| ms| min)?$/);
      const shown = el("dd", { class: "value" }, amount, unit ? el("small", {}, unit) : null);
      return el("div", { class: "figure" }, el("dt", {}, name), shown, el("dd", { class: "note" }, note));
    }),
  );
}

function grid(caption, head, rows) {
  const cell = (tag, scope) => (text) => el(tag, scope ? { scope } : {}, text);
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": `${caption}, table` },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, head.map(cell("th", "col")))),
      el("tbody", {}, rows.map(([first, ...rest]) => el("tr", {}, cell("th", "row")(first), rest.map(cell("td"))))),
    ),
  );
}
