// Times and names as Slack writes them, always in the zone of the person looking.
import { h } from "./dom.js";
import { now, store } from "./store.js";

const formats = new Map();

function format(options, timeZone = store.me?.tz) {
  const key = JSON.stringify([options, timeZone]);
  if (!formats.has(key)) {
    let made;
    try {
      made = new Intl.DateTimeFormat("en-US", { ...options, timeZone });
    } catch {
      made = new Intl.DateTimeFormat("en-US", options); // a zone this browser doesn't know
    }
    formats.set(key, made);
  }
  return formats.get(key);
}

export const clockTime = (ms) => format({ hour: "numeric", minute: "2-digit" }).format(ms);
export const weekday = (ms) => format({ weekday: "short" }).format(ms);
export const shortDay = (ms) => format({ month: "short", day: "numeric" }).format(ms);
export const fullTime = (ms) =>
  format({
    weekday: "long",
    year: "numeric",
    month: "long",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
  }).format(ms);
export const dayKey = (ms) => format({ year: "numeric", month: "2-digit", day: "2-digit" }).format(ms);

const DAY = 86_400_000;
function relativeDay(ms) {
  const key = dayKey(ms);
  if (key === dayKey(now())) return "today";
  if (key === dayKey(now() - DAY)) return "yesterday";
  if (key === dayKey(now() + DAY)) return "tomorrow";
  return null;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function ordinal(day) {
  const tens = day % 100;
  if (tens >= 11 && tens <= 13) return `${day}th`;
  return `${day}${{ 1: "st", 2: "nd", 3: "rd" }[day % 10] ?? "th"}`;
}

function longDate(ms, weekday) {
  const part = (options) => format(options).format(ms);
  const day = `${part({ month: "long" })} ${ordinal(Number(part({ day: "numeric" })))}`;
  return weekday
    ? `${part({ weekday: "long" })}, ${day}, ${part({ year: "numeric" })}`
    : `${day}, ${part({ year: "numeric" })}`;
}

export const dayTitle = (ms) => {
  const relative = relativeDay(ms);
  return relative === "today" || relative === "yesterday"
    ? capital(relative)
    : longDate(ms, true).replace(/, \d{4}$/, "");
};

function ago(ms) {
  const minutes = Math.round((now() - ms) / 60_000);
  const span = Math.abs(minutes);
  const [count, unit] =
    span < 60 ? [span, "minute"] : span < 1440 ? [Math.round(span / 60), "hour"] : [Math.round(span / 1440), "day"];
  if (count === 0) return "just now";
  const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return minutes >= 0 ? `${words} ago` : `in ${words}`;
}

const SHORT = { month: "short", day: "numeric", year: "numeric" };
const TOKENS = {
  date_num: (ms) =>
    format({ year: "numeric", month: "2-digit", day: "2-digit" })
      .formatToParts(ms)
      .filter((part) => part.type !== "literal")
      .sort((a, b) => "ymd".indexOf(a.type[0]) - "ymd".indexOf(b.type[0]))
      .map((part) => part.value)
      .join("-"),
  date_slash: (ms) => dayKey(ms),
  date: (ms) => longDate(ms, false),
  date_short: (ms) => format(SHORT).format(ms),
  date_long: (ms) => longDate(ms, true),
  date_pretty: (ms) => relativeDay(ms) ?? longDate(ms, false),
  date_short_pretty: (ms) => relativeDay(ms) ?? format(SHORT).format(ms),
  date_long_pretty: (ms) => relativeDay(ms) ?? longDate(ms, true),
  day_divider_pretty: (ms) => relativeDay(ms) ?? format({ weekday: "long", month: "long", day: "numeric" }).format(ms),
  time: (ms) => clockTime(ms),
  time_secs: (ms) => format({ hour: "numeric", minute: "2-digit", second: "2-digit" }).format(ms),
  ago,
};

/** Slack's `<!date^…>` format string; null where a token is unknown, so that the fallback is shown. */
export function slackDate(seconds, pattern) {
  const ms = Number(seconds) * 1000;
  if (!Number.isFinite(ms)) return null;
  let known = true;
  const text = pattern.replace(/\{(\w+)\}/g, (_, name) => {
    known &&= name in TOKENS;
    return known ? TOKENS[name](ms) : "";
  });
  return known ? capital(text) : null;
}

/** Seconds since 1970 of a wall-clock "YYYY-MM-DDTHH:MM" in the person's zone, and back. */
export function wallToEpoch(wall) {
  const guess = Date.parse(`${wall}:00Z`);
  if (Number.isNaN(guess)) return null;
  let ms = guess;
  for (let pass = 0; pass < 2; pass += 1) ms += guess - Date.parse(`${epochToWall(ms / 1000)}:00Z`);
  return Math.round(ms / 1000);
}

export function epochToWall(seconds) {
  const options = {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  };
  const parts = Object.fromEntries(
    format(options)
      .formatToParts(seconds * 1000)
      .map((part) => [part.type, part.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

export function avatar(user, size = "") {
  const given = user?.avatar ?? {};
  const initials = given.initials ?? (user?.real_name || user?.name || "?").slice(0, 2).toUpperCase();
  const node = h(
    "span.avatar",
    { class: `${size} ${user?.is_bot ? "avatar-bot" : ""}`, "aria-hidden": "true" },
    initials,
  );
  if (given.colour) node.style.backgroundColor = given.colour;
  return node;
}

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
