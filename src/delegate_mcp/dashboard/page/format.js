// How values and times are written, and how elements are made. Times are those of UTC, as the report's days are.

const SVG = "http://www.w3.org/2000/svg";

const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const count = (value) => whole.format(value);
const brief = (value) => (Math.abs(value) < 1000 ? whole.format(value) : short.format(value));
const percent = (value) => (value === null ? "none yet" : `${(value * 100).toFixed(1)} %`);
const percentShort = (value) => (value === null ? "–" : `${(value * 100).toFixed(1)} %`);

function usd(value) {
  const amount = Number(value);
  if (!amount) return "0 USD";
  const digits = Math.abs(amount) >= 1000 ? 0 : Math.abs(amount) >= 0.1 ? 2 : 4;
  return `${amount.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} USD`;
}

function usdTick(value) {
  return `${value.toLocaleString("en", { maximumSignificantDigits: 3, notation: "compact" })}`;
}

function seconds(ms) {
  if (ms === null) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

function span(from, to) {
  const minutes = Math.ceil((new Date(to) - from) / 60_000);
  if (minutes <= 1) return "in a minute";
  if (minutes < 120) return `in ${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `in ${hours} h` : `in ${Math.round(hours / 24)} days`;
}

const dated = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const DAY = dated({ day: "numeric", month: "short" });
const FULL_DAY = dated({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const MONTH = dated({ month: "short", year: "numeric" });
const CLOCK = dated({ hour: "2-digit", minute: "2-digit" });
const moment = (iso) => `${DAY.format(new Date(iso))} ${CLOCK.format(new Date(iso))} UTC`;

/** A step's name on an axis, and in full. */
function stepNames(kind, since) {
  const at = new Date(since);
  if (kind === "hour") return { tick: CLOCK.format(at), full: `${DAY.format(at)} ${CLOCK.format(at)} UTC` };
  if (kind === "month") return { tick: MONTH.format(at), full: MONTH.format(at) };
  return { tick: DAY.format(at), full: FULL_DAY.format(at) };
}
