// The page: what is shown where, and what each click, key and server event does.
import { post } from "./api.js";
import { fill, h, icon, iconButton, swap } from "./dom.js";
import { paintClock } from "./clock.js";
import { Composer } from "./composer.js";
import { MessageList } from "./messages.js";
import { ModalHost } from "./modal.js";
import { asWords, mrkdwn } from "./mrkdwn.js";
import { announce, confirmDialog, dialogOpen, toast } from "./overlay.js";
import { aboutContent, homeContent, intro, showPrompts } from "./places.js";
import { openSession } from "./session.js";
import { drawBanner, drawSidebar, drawTopbar, drawer, header, paintWho } from "./shell.js";
import {
  botUser,
  channelName,
  channelOf,
  messagesIn,
  myDm,
  on,
  readState,
  repliesTo,
  store,
  topLevel,
  userName,
} from "./store.js";
import { Surface } from "./surface.js";
import { decode, encode, placeholder } from "./typed.js";

const $ = (id) => document.getElementById(id);
const FIRST_USER = "U0ANA";

let endStream = () => {};
let editing = null; // ts of the message being edited

/** Run something that may be refused: what went wrong is said, and false comes back. */
async function attempt(work) {
  try {
    return (await work()) ?? true;
  } catch (error) {
    toast(error.message ?? "Something went wrong.", "error");
    return false;
  }
}

const as = (body) => ({ user: store.me.id, ...body });

function act(container, blockId, actionId, value, state) {
  return attempt(() =>
    post("/ui/action", as({ container, block_id: blockId, action_id: actionId, value, state: state.values })),
  );
}

// --- where we are: "#D0ANA", "#D0ANA/home", "#C0GENERAL/t/1700000000.000100" ---

function go(channel, { tab = "messages", thread = null } = {}) {
  const place = `#${channel}${tab === "messages" ? "" : `/${tab}`}${thread ? `/t/${thread}` : ""}`;
  if (location.hash === place) route();
  else location.hash = place;
}

const navigate = {
  channel: (id) => go(id),
  tab: (tab) => go(store.channel, { tab }),
  user: (id) => start(id),
};

function route() {
  if (!store.ready) return;
  const [channel, ...rest] = decodeURIComponent(location.hash.slice(1)).split("/");
  const isKnown = Boolean(channelOf(channel));
  const tab = ["home", "about"].includes(rest[0]) && channel === myDm()?.id ? rest[0] : "messages";
  const before = { channel: store.channel, tab: store.tab, thread: store.thread };
  store.channel = isKnown ? channel : (myDm()?.id ?? store.channels[0]?.id ?? null);
  store.tab = isKnown ? tab : "messages";
  const at = rest.indexOf("t");
  store.thread = isKnown && at >= 0 && messagesIn(channel).has(rest[at + 1]) ? rest[at + 1] : null;
  show();
  if (before.channel !== store.channel || before.tab !== store.tab || !route.done) opened();
  if (store.thread && store.thread !== before.thread) threadComposer.focus();
  else if (before.thread && !store.thread && before.channel === store.channel) composer.focus();
  route.done = true;
}

/** Tell the server what was opened: unread counts, and app_home_opened for the app's tabs. */
function opened() {
  markRead();
  if (store.channel !== myDm()?.id || store.tab === "about") return;
  attempt(() => post(store.tab === "home" ? "/ui/home" : "/ui/dm", as({})));
}

/** `fresh`: a message came while one was looking; the server counted it, this page didn't. */
function markRead({ fresh = false } = {}) {
  const channel = channelOf(store.channel);
  if (!(fresh || channel?.unread) || store.tab !== "messages" || document.visibilityState !== "visible") return;
  if (channel.unread) {
    channel.unread = 0;
    drawSidebar(navigate);
  }
  post("/ui/read", as({ channel: channel.id })).catch(() => {}); // only a counter; the next read tries again
}

// --- what people do ---

const deeds = {
  async send(text, inThread) {
    const body = { channel: store.channel, text, ...(inThread ? { thread_ts: store.thread } : {}) };
    list.stuck ||= !inThread;
    return attempt(() => post("/ui/message", as(body)));
  },
  command: (command, text) => attempt(() => post("/ui/command", as({ channel: store.channel, command, text }))),
  globalShortcut: (id) => attempt(() => post("/ui/shortcut", as({ callback_id: id }))),
  editLast(inThread) {
    const all = inThread ? repliesTo(store.channel, store.thread) : topLevel(store.channel);
    const own = all.findLast((message) => message.user === store.me.id && !message.ephemeral);
    if (own) startEdit(own.ts);
    return Boolean(own);
  },
};

function startEdit(ts) {
  if (messagesIn(store.channel).get(ts)?.user !== store.me.id) return;
  editing = ts;
  showMessages();
  document.querySelector(".message.editing textarea")?.focus();
}

function stopEdit() {
  editing = null;
  showMessages();
  composer.focus();
}

function editor(channel, message) {
  const box = h("textarea.field.edit-box", {
    dir: "auto",
    "aria-label": "Edit your message",
    rows: String(Math.min(8, message.text.split("\n").length + 1)),
    value: decode(message.text),
    "data-fk": "edit-box",
  });
  const save = async () => {
    if (!box.value.trim()) return;
    if (await attempt(() => post("/ui/edit", as({ channel, ts: message.ts, text: encode(box.value.trim()) }))))
      stopEdit();
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stopEdit();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return h(
    "div.editor",
    null,
    box,
    h(
      "div.editor-foot",
      null,
      h("button.btn.btn-small", { type: "button", onclick: stopEdit }, "Cancel"),
      h("button.btn.btn-small.btn-primary", { type: "button", onclick: save }, "Save"),
    ),
  );
}

const actions = {
  act,
  editor,
  isEditing: (ts) => ts === editing,
  openThread: (ts) => go(store.channel, { thread: ts }),
  shortcut: (id, at) => attempt(() => post("/ui/shortcut", as({ callback_id: id, ...at }))),
  edit: (_, message) => startEdit(message.ts),
  editTs: (ts) => startEdit(ts),
  dismiss: (channel, message) => attempt(() => post("/ui/delete", as({ channel, ts: message.ts }))),
  async copy(message) {
    await attempt(() => navigator.clipboard.writeText(decode(message.text)));
    announce("Copied");
  },
  async remove(channel, message) {
    const preview = h("div.preview", null, mrkdwn(message.text));
    const sure = await confirmDialog({
      title: "Delete message",
      text: "Are you sure you want to delete this message? This cannot be undone.",
      confirm: "Delete",
      style: "danger",
      preview,
    });
    if (sure) await attempt(() => post("/ui/delete", as({ channel, ts: message.ts })));
  },
};

// --- drawing ---

const scroller = h("div.scroller", { tabindex: "-1" });
const list = new MessageList(scroller, { label: "Messages", actions });
const composerRoot = h("div.composer", { id: "composer", role: "group", "aria-label": "Write a message" });
const composer = new Composer(composerRoot, { deeds });
const threadScroller = h("div.scroller", { tabindex: "-1" });
const threadList = new MessageList(threadScroller, { label: "Messages in the thread", actions, inThread: true });
const threadRoot = h("div.composer", { role: "group", "aria-label": "Reply in the thread" });
const threadComposer = new Composer(threadRoot, { deeds, thread: true });
const head = h("div.head-slot");
const panel = h("div.panel", { id: "panel" });
const homePanel = h("div.home", { tabindex: "-1" });
const modal = new ModalHost({ act });
const homeSurface = new Surface({
  kind: "view",
  send: (blockId, actionId, value, state) =>
    act({ type: "view", view_id: store.home.id }, blockId, actionId, value, state),
});

function show() {
  swap(head, () => head.replaceChildren(header(navigate)));
  drawSidebar(navigate);
  const isDm = store.channel === myDm()?.id;
  panel.setAttribute("role", isDm ? "tabpanel" : "presentation");
  if (isDm) panel.setAttribute("aria-labelledby", `tab-${store.tab}`);
  else panel.removeAttribute("aria-labelledby");
  if (panel.dataset.tab !== store.tab) {
    panel.dataset.tab = store.tab;
    panel.replaceChildren(...(store.tab === "messages" ? [scroller, composerRoot] : [homePanel]));
    list.stuck = true; // what is taken out of the page forgets how far it was scrolled
  }
  document.title = `${isDm ? userName(botUser()?.id) : `#${channelName(store.channel)}`} · ISP Coach sandbox`;
  if (store.tab === "messages") showMessages();
  else showHome();
  showThread();
}

function showMessages() {
  const channel = channelOf(store.channel);
  if (!channel || store.tab !== "messages") return;
  const isDm = channel.is_im;
  const messages = topLevel(channel.id);
  const place = `${store.me.id}:${channel.id}`;
  if (place !== list.place) list.intro.replaceChildren(...intro(channel));
  list.show(channel.id, messages, {
    place,
    label: isDm ? `Messages with ${channelName(channel.id)}` : `Messages in #${channel.name}`,
  });
  showPrompts(list.intro, isDm && !messages.some((message) => message.user === store.me.id), deeds.send);
  composer.moveTo(
    place,
    placeholder(channel),
    channel.is_member_bot === false ? "ISP Coach is not in this channel: it doesn't hear mentions here." : "",
  );
  showStatus();
  showThread();
}

function showStatus() {
  const here = [...store.status].filter(([key]) => key === store.channel || key.startsWith(`${store.channel}:`));
  const sentence = (text) => `${userName(botUser()?.id)} ${text}`;
  list.setStatus(here.length ? sentence(here[0][1]) : "");
  const inThread = store.status.get(`${store.channel}:${store.thread}`);
  threadList.setStatus(inThread ? sentence(inThread) : "");
}

function showThread() {
  const pane = $("thread");
  const root = store.thread ? messagesIn(store.channel).get(store.thread) : null;
  pane.hidden = !root;
  document.body.classList.toggle("thread-open", Boolean(root));
  if (!root) return;
  if (!pane.firstChild) {
    fill(pane, [
      h(
        "header.thread-head",
        null,
        h("h2", null, "Thread"),
        h("span.topic", { id: "thread-place" }),
        iconButton("close", "Close thread", { onclick: () => go(store.channel) }),
      ),
      threadScroller,
      threadRoot,
    ]);
  }
  $("thread-place").textContent = channelOf(store.channel).is_im
    ? channelName(store.channel)
    : `#${channelName(store.channel)}`;
  const place = `${store.me.id}:${store.channel}:${store.thread}`;
  threadList.show(store.channel, [root, ...repliesTo(store.channel, store.thread)], { place });
  threadComposer.moveTo(place, placeholder(null, true));
  showStatus();
}

function showHome() {
  if (store.tab === "messages") return;
  const draw = store.tab === "home" ? homeContent : aboutContent;
  const top = homePanel.scrollTop;
  swap(homePanel, () => homePanel.replaceChildren(h("div.home-inner", null, draw(homeSurface))));
  homePanel.scrollTop = top;
}

// --- server events ---

function hear({ channel, message, isNew, seen }) {
  if (channel === store.channel) {
    showMessages();
    if (isNew && seen && message.user !== store.me.id) markRead({ fresh: true });
  }
  if (isNew && !seen) drawSidebar(navigate);
  if (!message || message.user === store.me.id) return;
  const spoke = hear.streams.delete(message.ts) && !message.streaming;
  if (message.streaming) hear.streams.add(message.ts);
  if ((isNew && !message.streaming) || spoke)
    announce(
      `${userName(message.user)}${channel === store.channel ? "" : ` in ${channelName(channel)}`}: ${asWords({ type: "mrkdwn", text: message.text ?? "" }).slice(0, 600)}`,
    );
}
hear.streams = new Set();

on("messages", hear);
on("status", showStatus);
on("home", showHome);
on("bot", () => {
  drawBanner();
  drawSidebar(navigate);
  if (store.tab === "home") showHome();
});
on("clock", () => {
  paintClock();
  if (store.ready) showMessages();
});
on("connection", drawBanner);
on("state", () => {
  paintWho();
  drawBanner();
  route();
});
on("modal", ({ view }) => modal.show(view));
on("modal_closed", () => modal.hide());
on("notice", ({ text, level }) => toast(text, level));

// --- starting, switching person, losing and finding the server ---

function start(user) {
  endStream();
  modal.hide();
  editing = null;
  route.done = false;
  Object.assign(store, { ready: false, thread: null, home: null });
  store.status.clear();
  history.replaceState(null, "", `?user=${encodeURIComponent(user)}${location.hash}`);
  endStream = openSession(user, {
    onState(state) {
      mount();
      readState(state);
    },
    onTrouble: (error) => failed(user, error),
  });
}

function failed(user, error) {
  if (store.ready) {
    toast(error.message, "error");
    return;
  }
  const unknown = error.code === "unknown_user" && user !== FIRST_USER;
  $("main").replaceChildren(
    h(
      "div.loading",
      { role: "alert" },
      icon("warning", 28),
      h("p", null, error.message),
      h("p.muted", null, "The page keeps trying."),
      h(
        "button.btn.btn-primary",
        { type: "button", onclick: () => start(unknown ? FIRST_USER : user) },
        unknown ? "Open it as Ana Ruiz" : "Try again",
      ),
    ),
  );
}

function mount() {
  if (head.isConnected) return;
  $("main").replaceChildren(head, panel);
}

// --- keys that work everywhere ---

function regions() {
  const main = store.tab === "messages" ? [() => list.focus(), () => composer.focus()] : [() => homePanel.focus()];
  const parts = [
    ["topbar", () => $("topbar").querySelector(".clock").focus()],
    ["sidebar", () => ($("sidebar").querySelector("[aria-current]") ?? $("sidebar")).focus()],
    ["head", () => head.querySelector(".tab[tabindex='0']")?.focus()],
    ["panel", main[0]],
    ["composer", main[1]],
    ["thread", store.thread ? () => threadComposer.focus() : null],
  ];
  const narrow = matchMedia("(max-width: 760px)").matches;
  return parts.filter(
    ([name, focus]) => focus && !(name === "sidebar" && narrow) && !(name === "head" && !head.querySelector(".tab")),
  );
}

const regionOf = (node) =>
  ["thread", "composer", "panel", "sidebar", "topbar"].find((id) => $(id)?.contains(node)) ??
  (head.contains(node) ? "head" : "composer");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || dialogOpen()) return;
  if (event.key === "F6") {
    event.preventDefault();
    const parts = regions();
    const at = parts.findIndex(([name]) => name === regionOf(document.activeElement));
    parts[(at + (event.shiftKey ? -1 : 1) + parts.length) % parts.length][1]();
  } else if (event.key === "Escape") {
    if (document.body.classList.contains("drawer-open")) drawer(false);
    else if (store.thread && $("thread").contains(document.activeElement)) go(store.channel);
  }
});

$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  if (store.tab === "messages") list.focus();
  else homePanel.focus();
});
$("veil").addEventListener("click", () => drawer(false));
window.addEventListener("hashchange", route);
document.addEventListener("visibilitychange", () => store.ready && markRead());

drawTopbar(navigate);
drawBanner();
start(new URLSearchParams(location.search).get("user") ?? FIRST_USER);
