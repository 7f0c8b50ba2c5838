// Reads the data when it has changed, and puts it on the page without taking away what the reader was looking at.

const place = document.getElementById("cards");
const feed = EMBEDDED ? hostFeed() : serverFeed();
const LEAST_PAUSE_MS = 1_000;
const LONGEST_TIMER_MS = 6 * 3_600_000;

let data = null;
const offered = [...document.querySelectorAll("#periods input")].map(({ value }) => value);
let period = [location.hash.slice(1), kept("period")].find((name) => offered.includes(name)) ?? "7d";
let reading = false;
let stale = false;
let resetTimer = 0;
let drawnWidth = 0;

/** What this browser keeps of the reader's choices; a sandboxed page may keep nothing. */
function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // it holds for as long as the page is open
  }
}

async function refresh() {
  stale = true;
  if (reading) return;
  reading = true;
  while (stale) {
    stale = false;
    const began = performance.now();
    const asked = period;
    try {
      const told = await feed.read(asked);
      if (asked === period) {
        data = told;
        trouble("");
        draw();
      }
    } catch (error) {
      trouble(error.message);
    }
    if (asked !== period) continue;
    const took = performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, Math.max(LEAST_PAUSE_MS, 3 * took)));
  }
  reading = false;
}

function trouble(text) {
  const shown = document.getElementById("trouble");
  shown.hidden = !text;
  shown.textContent = text ? `This cannot be shown now: ${text}` : "";
  place.setAttribute("aria-busy", "false");
}

function draw() {
  const looking = where(document.activeElement);
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.id));
  drawnWidth = place.clientWidth;
  place.replaceChildren(...(data.calls.total || data.batches.length ? filled() : empty()));
  for (const one of place.querySelectorAll("details")) one.open = open.has(one.dataset.id);
  for (const one of place.querySelectorAll(".plot")) drawPlot(one);
  back(looking);
  const { since, until } = data.period;
  const from = since.startsWith("1970") ? "the beginning" : moment(since);
  document.getElementById("footer").textContent =
    `From ${from} to ${moment(until)}. Savings and the share are estimates, at list prices; tokens by tier and cost are ` +
    `what services reported. delegate-mcp ${data.version}`;
  clearTimeout(resetTimer);
  const later = nextReset(data);
  if (later !== null) resetTimer = setTimeout(refresh, Math.min(later, LONGEST_TIMER_MS));
}

function filled() {
  const [first, last] = underWay(data) ? [batches(data), null] : [null, batches(data)];
  const [over, below] = [CARDS.slice(0, 5), CARDS.slice(5)].map((rows) => rows.map(card));
  return [figures(data), first, ...over, quota(data), ...below, last].filter(Boolean);
}

function card(row) {
  const table = row.table?.(data);
  return el(
    "section",
    { class: row.wide ? "card wide" : "card", id: row.id, "aria-labelledby": `${row.id}-title` },
    el("h2", { id: `${row.id}-title` }, row.title),
    el("p", { class: "what" }, row.what(data)),
    el("div", { class: "plot" }),
    table ? el("details", { "data-id": row.id }, el("summary", {}, "As a table"), grid(row.title, table.head, table.rows)) : null,
  );
}

function drawPlot(holder) {
  const row = CARDS.find(({ id }) => id === holder.parentElement.id);
  holder.replaceChildren(...[row.plot(data, Math.max(260, holder.clientWidth))].flat());
}

function empty() {
  const usable = Object.entries(data.budget.providers).filter(([, { usable: can }]) => can);
  const never = [
    el("h2", {}, "Nothing was delegated yet"),
    el("p", {}, "As soon as a call is made its tokens, savings and routes stand here, without a reload. To make one:"),
    el(
      "ul",
      {},
      el("li", {}, "in your host: “summarize the files in docs/ with delegate_quick”"),
      el("li", {}, "in a shell: ", el("code", {}, 'delegate-mcp ask "What is a monad?"')),
      el("li", {}, el("code", {}, "delegate-mcp doctor"), " says what can answer, and what is missing"),
    ),
    el("p", {}, usable.length ? `Ready to answer: ${usable.map(([name]) => name).join(", ")}.` : "Nothing is set up to answer yet."),
  ];
  const notNow = [
    el("h2", {}, "Nothing was delegated in this time"),
    el("p", {}, "Choose a longer period above. What is written from now on appears by itself."),
  ];
  return [el("section", { class: "card wide empty" }, data.ever ? notNow : never), quota(data)];
}

/** Which mark, summary or table has the focus, in words that outlive a new drawing. */
function where(active) {
  const card = active?.closest("#cards .card");
  if (!card) return null;
  const kind = ["mark", "scroll"].find((name) => active.classList.contains(name)) ?? "summary";
  return { id: card.id, kind, label: active.getAttribute("aria-label")?.split(":")[0], at: scrollY };
}

function back(looking) {
  if (!looking) return;
  const found = [...place.querySelectorAll(`#${looking.id || "none"} ${looking.kind === "summary" ? "summary" : `.${looking.kind}`}`)];
  const same = found.find((one) => one.getAttribute("aria-label")?.split(":")[0] === looking.label) ?? found[0];
  if (same?.classList.contains("mark")) {
    for (const other of found) other.setAttribute("tabindex", -1);
    same.setAttribute("tabindex", 0);
  }
  same?.focus({ preventScroll: true });
  scrollTo(scrollX, looking.at);
}

// --- The reader's choices ---------------------------------------------------------------------------------------------

const THEMES = ["auto", "light", "dark"];
const themeButton = document.getElementById("theme");

function theme(name) {
  document.documentElement.toggleAttribute("data-theme", false);
  if (name !== "auto") document.documentElement.dataset.theme = name;
  themeButton.textContent = `Theme: ${name}`;
  themeButton.dataset.now = name;
}

themeButton.addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(themeButton.dataset.now) + 1) % THEMES.length];
  theme(next);
  keep("theme", next);
});
theme(THEMES.find((name) => name === kept("theme")) ?? "auto");

for (const choice of document.querySelectorAll("#periods input")) {
  choice.checked = choice.value === period;
  choice.addEventListener("change", () => {
    period = choice.value;
    keep("period", period);
    if (!EMBEDDED) history.replaceState(null, "", `#${period}`);
    refresh();
  });
}

// --- Begin ------------------------------------------------------------------------------------------------------------

/** The colours and fonts of a host, which knows whether it is light or dark. */
function themed({ theme: name, styles }) {
  if (name) theme(name);
  for (const [variable, value] of Object.entries(styles?.variables ?? {})) {
    if (variable.startsWith("--") && value) document.documentElement.style.setProperty(variable, value);
  }
}

function state(live, words) {
  const shown = document.getElementById("state");
  shown.classList.toggle("live", live);
  if (shown.textContent !== words) shown.textContent = words;
}

new ResizeObserver(() => {
  if (data && place.clientWidth !== drawnWidth) {
    drawnWidth = place.clientWidth;
    for (const one of place.querySelectorAll(".plot")) drawPlot(one);
  }
}).observe(place);
addEventListener("scroll", followScroll, { passive: true });

if (EMBEDDED) {
  document.documentElement.classList.add("app");
  themeButton.hidden = true; // the host's theme is the page's
}
Promise.resolve(feed.begin({ changed: refresh, state, themed })).catch((error) => trouble(error.message));
