// The frame around the conversation: top bar, sidebar, header with tabs, banner.
import { fill, h, hiddenText, icon, iconButton, swap } from "./dom.js";
import { clockMenu, paintClock } from "./clock.js";
import { avatar } from "./format.js";
import { menu, openDialog } from "./overlay.js";
import { botUser, channelOf, myDm, now, store, userName } from "./store.js";

const $ = (id) => document.getElementById(id);

/** `go` has: channel(id), tab(name), user(id). */
export function drawTopbar(go) {
  const clock = h("button.top-button.clock", {
    type: "button",
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    "data-fk": "clock",
    onclick: () => clockMenu(clock),
  });
  const user = h("button.top-button.who", {
    type: "button",
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    "data-fk": "who",
    onclick: () => userMenu(user, go),
  });
  const theme = h("button.top-button.square", {
    type: "button",
    "data-fk": "theme",
    onclick: () => {
      window.flipTheme();
      paintTheme(theme);
    },
  });
  fill($("topbar"), [
    h(
      "button.top-button.square.drawer-button",
      {
        type: "button",
        "aria-label": "Channels and direct messages",
        "aria-controls": "sidebar",
        "aria-expanded": "false",
        "data-fk": "drawer",
        onclick: () => drawer(),
      },
      icon("menu"),
    ),
    h(
      "div.brand",
      null,
      h("h1", null, "ISP Coach sandbox"),
      h("p", null, "A local stand-in for Slack. Nothing leaves this machine."),
    ),
    h("span.spring"),
    clock,
    theme,
    user,
  ]);
  paintTheme(theme);
  new MutationObserver(() => paintTheme(theme)).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  paintClock();
  setInterval(paintClock, 10_000);
}

function paintTheme(button) {
  const dark = document.documentElement.dataset.theme === "dark";
  const label = dark ? "Switch to the light theme" : "Switch to the dark theme";
  if (button.getAttribute("aria-label") === label) return;
  button.setAttribute("aria-label", label);
  button.title = label;
  button.replaceChildren(icon(dark ? "sun" : "moon"));
}

/** Narrow pages: the sidebar as a drawer. Without an argument it turns over. */
export function drawer(open = !document.body.classList.contains("drawer-open")) {
  const was = document.body.classList.contains("drawer-open");
  document.body.classList.toggle("drawer-open", open);
  $("veil").hidden = !open;
  document.querySelector(".drawer-button").setAttribute("aria-expanded", String(open));
  if (open) ($("sidebar").querySelector("[aria-current]") ?? $("sidebar").querySelector("button")).focus();
  else if (was && $("sidebar").contains(document.activeElement)) document.querySelector(".drawer-button").focus();
}

export function paintWho() {
  const button = document.querySelector(".who");
  if (!store.me || !button) return;
  button.replaceChildren(avatar(store.me, "small"), h("span.who-name", null, store.me.real_name), icon("chevron", 14));
  button.setAttribute("aria-label", `You are ${store.me.real_name}. Switch person`);
}

function clockTimeIn(zone) {
  try {
    return new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", timeZone: zone }).format(now());
  } catch {
    return "";
  }
}

function userMenu(anchor, go) {
  const people = [...store.users.values()].filter((user) => !user.is_bot);
  menu(
    anchor,
    "Switch person",
    [
      { heading: "Be somebody else" },
      ...people.map((user) => ({
        label: user.real_name,
        description: `${clockTimeIn(user.tz)}, ${user.tz.replaceAll("_", " ")}`,
        node: avatar(user, "small"),
        checked: user.id === store.me.id,
        run: () => go.user(user.id),
      })),
    ],
    { align: "end" },
  );
}

/** Sidebar: channels, then the conversation with the app. */
export function drawSidebar(go) {
  const channels = store.channels.filter((channel) => !channel.is_im);
  const dms = store.channels.filter((channel) => channel.is_im);
  swap($("sidebar"), () => {
    $("sidebar").replaceChildren(
      h(
        "div.team",
        null,
        h("span.team-tile", { "aria-hidden": "true" }, initials(store.team.name)),
        h("span.team-name", null, store.team.name),
        iconButton("close", "Close", { class: "drawer-close", onclick: () => drawer(false) }),
      ),
      h(
        "div.side-scroll",
        null,
        h("h2", { id: "side-channels" }, "Channels"),
        h(
          "ul",
          { "aria-labelledby": "side-channels" },
          channels.map((channel) => sideRow(channel, icon("hash", 18), channel.name, go)),
        ),
        h("h2", { id: "side-apps" }, "Apps"),
        h(
          "ul",
          { "aria-labelledby": "side-apps" },
          dms.map((channel) =>
            sideRow(
              channel,
              h(
                "span.presence-avatar",
                null,
                avatar(botUser(), "tiny"),
                h("span.presence", { class: store.bot.status === "ready" ? "online" : "" }),
              ),
              userName(botUser()?.id),
              go,
            ),
          ),
        ),
      ),
      h(
        "div.side-foot",
        null,
        h("p.tagline", null, "A local stand-in for Slack. Nothing leaves this machine."),
        h(
          "button.side-row",
          { type: "button", "data-fk": "keys", onclick: keyboardHelp },
          icon("keyboard", 18),
          h("span.side-name", null, "Keyboard"),
        ),
      ),
    );
  });
}

const initials = (name) =>
  name
    .split(/\s+/)
    .map((word) => word[0])
    .join("")
    .slice(0, 2)
    .toUpperCase();

function sideRow(channel, mark, name, go) {
  const here = channel.id === store.channel;
  const unread = here ? 0 : (channel.unread ?? 0);
  return h(
    "li",
    null,
    h(
      "button.side-row",
      {
        type: "button",
        class: unread ? "unread" : "",
        "aria-current": here ? "page" : null,
        "data-fk": `side-${channel.id}`,
        onclick: () => {
          drawer(false);
          go.channel(channel.id);
        },
      },
      mark,
      h("span.side-name", null, name),
      unread ? h("span.unread-count", null, String(unread), hiddenText(" unread")) : null,
    ),
  );
}

const TABS = [
  ["home", "Home"],
  ["messages", "Messages"],
  ["about", "About"],
];

/** Header over the conversation; the DM with the app has tabs. */
export function header(go) {
  const channel = channelOf(store.channel);
  const isDm = channel?.id === myDm()?.id;
  const title = h(
    "div.conversation-title",
    null,
    isDm ? avatar(botUser(), "small") : icon("hash"),
    h("h2", null, isDm ? userName(botUser()?.id) : (channel?.name ?? "")),
    isDm ? h("span.badge", null, "APP") : null,
    channel?.topic && !isDm ? h("span.topic", { dir: "auto" }, channel.topic) : null,
  );
  return h("header.conversation-head", null, title, isDm ? tabs(go) : null);
}

function tabs(go) {
  const row = h(
    "div.tabs",
    { role: "tablist", "aria-label": "ISP Coach" },
    TABS.map(([name, label]) => {
      const on = store.tab === name;
      return h(
        "button.tab",
        {
          type: "button",
          role: "tab",
          id: `tab-${name}`,
          "aria-selected": String(on),
          "aria-controls": "panel",
          tabindex: on ? "0" : "-1",
          "data-fk": `tab-${name}`,
          onclick: () => go.tab(name),
        },
        label,
      );
    }),
  );
  row.addEventListener("keydown", (event) => {
    const stops = [...row.children];
    const at = stops.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: stops.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = stops[(to + stops.length) % stops.length];
    next.focus();
    next.click();
  });
  return row;
}

const BOT_WORDS = {
  starting: ["info", "The coach is getting ready…"],
  stopped: ["warning", "The coach is not running. Messages wait here until it is back."],
  failed: ["error", "The coach could not start."],
};

/** The line under the top bar: lost connection first, then how the bot is. */
export function drawBanner() {
  const banner = $("banner");
  const [level, words] =
    store.connection === "lost"
      ? ["warning", "The connection to the sandbox is lost. Trying again…"]
      : (BOT_WORDS[store.bot.status] ?? []);
  const detail = store.connection === "lost" ? "" : store.bot.detail;
  const text = words ? `${words}${detail ? ` ${detail}` : ""}` : "";
  if (banner.dataset.text === text) return;
  banner.dataset.text = text;
  banner.hidden = !text;
  banner.className = `banner-${level}`;
  banner.setAttribute("role", level === "error" ? "alert" : "status");
  banner.replaceChildren(
    ...(text
      ? [
          level === "info" ? h("span.spinner", { "aria-hidden": "true" }) : icon(level, 18),
          h("span", { dir: "auto" }, text),
        ]
      : []),
  );
}

const KEYS = [
  ["F6, Shift + F6", "Next, previous part of the page"],
  ["↑ ↓ on a message", "Other messages"],
  ["T, M, E on a message", "Reply in thread, more actions, edit"],
  ["Enter, Shift + Enter", "Send, new line"],
  ["/ @ # : while writing", "Commands, people, channels, emoji"],
  ["↑ in an empty box", "Edit your last message"],
  ["Esc", "Close the window, menu or thread"],
];

function keyboardHelp() {
  const close = () => end();
  const node = h(
    "div.dialog.dialog-small",
    { role: "dialog", "aria-modal": "true", "aria-labelledby": "keys-title", tabindex: "-1" },
    h(
      "header.dialog-head",
      null,
      h("h2", { id: "keys-title" }, "Keyboard"),
      iconButton("close", "Close", { onclick: close }),
    ),
    h(
      "div.dialog-body",
      null,
      h(
        "dl.keys",
        null,
        KEYS.map(([keys, what]) => [h("dt", null, keys), h("dd", null, what)]),
      ),
    ),
    h(
      "footer.dialog-foot",
      null,
      h("button.btn.btn-primary", { type: "button", autofocus: true, onclick: close }, "Done"),
    ),
  );
  const end = openDialog(node, { onEscape: close, onBackdrop: close, small: true });
}
