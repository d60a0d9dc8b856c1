// The clock in the top bar: what time it is here, and how to move it.
import { get, post } from "./api.js";
import { h, icon } from "./dom.js";
import { clockTime, fullTime, plural, shortDay, weekday } from "./format.js";
import { menu, toast } from "./overlay.js";
import { now, store } from "./store.js";

function offsetWords(seconds) {
  const minutes = Math.round(Math.abs(seconds) / 60);
  const parts = [
    [Math.floor(minutes / 1440), "day"],
    [Math.floor((minutes % 1440) / 60), "hour"],
    [minutes % 60, "minute"],
  ];
  const words = parts
    .filter(([count]) => count)
    .slice(0, 2)
    .map(([count, unit]) => plural(count, unit))
    .join(" ");
  return words ? `${words} ${seconds > 0 ? "ahead" : "behind"}` : "";
}

export function paintClock() {
  const button = document.querySelector(".clock");
  if (!button) return;
  const moved = Math.abs(store.clock.offset_seconds ?? 0) >= 30;
  const words = moved ? `${weekday(now())}, ${shortDay(now())}, ${clockTime(now())}` : clockTime(now());
  const label = moved
    ? `Clock moved: ${words}, ${offsetWords(store.clock.offset_seconds)}. Move the clock`
    : `Clock: ${words}. Move the clock`;
  if (button.getAttribute("aria-label") === label) return;
  button.classList.toggle("moved", moved);
  button.replaceChildren(
    icon("clock", 18),
    h(
      "span",
      null,
      moved ? [h("span.clock-weekday", null, `${weekday(now())}, `), `${shortDay(now())}, `] : null,
      clockTime(now()),
    ),
  );
  button.setAttribute("aria-label", label);
  button.title = label;
}

async function move(body) {
  try {
    await post("/ui/clock", body);
  } catch (error) {
    toast(error.message, "error");
  }
}

/** The menu that moves the clock. */
export async function clockMenu(anchor) {
  const next = await get("/ui/next_nudge").then(
    (answer) => answer.at,
    () => null,
  );
  const nextMs = next ? Date.parse(next) : null;
  const offset = store.clock.offset_seconds ?? 0;
  menu(
    anchor,
    "Move the clock",
    [
      { heading: `${fullTime(now())}${offsetWords(offset) ? ` (${offsetWords(offset)})` : ""}` },
      { label: "1 hour forward", icon: "clock", run: () => move({ advance_seconds: 3600 }) },
      { label: "1 day forward", icon: "clock", run: () => move({ advance_seconds: 86_400 }) },
      {
        label: "To the next nudge",
        icon: "bolt",
        description: nextMs ? fullTime(nextMs) : "No nudge is planned",
        run: () =>
          nextMs
            ? move({ to: new Date(nextMs).toISOString() })
            : toast("No nudge is planned. Switch on reflections or self-checks on the coach's Home tab first.", "info"),
      },
      { divider: true },
      { label: "Back to the real time", icon: "close", run: () => move({ reset: true }) },
    ],
    { align: "end" },
  );
}
