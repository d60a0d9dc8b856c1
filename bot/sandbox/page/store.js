// What the page knows, and who wants to hear when it changes.

export const store = {
  ready: false,
  me: null, // user object of the person looking at the page
  team: { id: "", name: "" },
  users: new Map(),
  channels: [],
  messages: new Map(), // channel id -> Map(ts -> message)
  home: null,
  commands: [],
  shortcuts: [],
  prompts: [],
  bot: { status: "starting", detail: "" },
  clock: { now: null, offset_seconds: 0, readAt: 0 },
  status: new Map(), // "channel" or "channel:thread" -> "is thinking…"
  connection: "connecting",
  channel: null,
  tab: "messages", // messages | home | about, only in the DM with the app
  thread: null, // ts of the root message shown in the thread pane
};

const listeners = new Map();

export function on(topic, callback) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(callback);
}

export function emit(topic, detail) {
  for (const callback of listeners.get(topic) ?? []) callback(detail);
}

export const botUser = () => [...store.users.values()].find((user) => user.is_bot) ?? null;
export const userName = (id) => store.users.get(id)?.real_name || store.users.get(id)?.name || id || "Somebody";
export const channelOf = (id) => store.channels.find((channel) => channel.id === id) ?? null;
export const myDm = () => store.channels.find((channel) => channel.is_im) ?? null;
export const channelName = (id) => {
  const channel = channelOf(id);
  if (!channel) return id;
  return channel.is_im ? userName(botUser()?.id) : channel.name;
};

/** Simulated time now, in milliseconds. */
export function now() {
  const { now: iso, readAt } = store.clock;
  return iso ? Date.parse(iso) + (performance.now() - readAt) : Date.now();
}

function setClock(clock) {
  store.clock = { ...clock, readAt: performance.now() };
  emit("clock");
}

export function readState(state) {
  store.team = state.team ?? store.team;
  store.users = new Map((state.users ?? []).map((user) => [user.id, user]));
  store.me = store.users.get(typeof state.me === "string" ? state.me : state.me?.id) ?? state.me;
  store.channels = state.channels ?? [];
  store.messages = new Map(
    Object.entries(state.messages ?? {}).map(([id, list]) => [id, new Map(list.map((item) => [item.ts, item]))]),
  );
  store.home = state.home ?? null;
  store.commands = state.commands ?? [];
  store.shortcuts = state.shortcuts ?? [];
  store.prompts = state.suggested_prompts ?? [];
  store.bot = state.bot ?? store.bot;
  if (state.clock) setClock(state.clock);
  if (!channelOf(store.channel)) store.channel = myDm()?.id ?? store.channels[0]?.id ?? null;
  store.ready = true;
  emit("state");
}

export function messagesIn(channel) {
  if (!store.messages.has(channel)) store.messages.set(channel, new Map());
  return store.messages.get(channel);
}

const byTime = (a, b) => Number(a.ts) - Number(b.ts);
const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

export const topLevel = (channel) =>
  [...messagesIn(channel).values()].filter((message) => !isReply(message)).sort(byTime);

export const repliesTo = (channel, ts) =>
  [...messagesIn(channel).values()].filter((message) => isReply(message) && message.thread_ts === ts).sort(byTime);

const handlers = {
  message({ channel, message }) {
    const known = messagesIn(channel);
    const isNew = !known.has(message.ts);
    known.set(message.ts, message);
    if (isNew && message.bot_id) handlers.status({ channel, thread_ts: message.thread_ts, text: "" });
    const seen = channel === store.channel && store.tab === "messages" && document.visibilityState === "visible";
    const entry = channelOf(channel);
    if (isNew && entry && !seen && message.user !== store.me.id) entry.unread = (entry.unread ?? 0) + 1;
    emit("messages", { channel, message, isNew, seen });
  },
  message_deleted({ channel, ts }) {
    messagesIn(channel).delete(ts);
    emit("messages", { channel, deleted: ts });
  },
  home({ view }) {
    store.home = view;
    emit("home");
  },
  status({ channel, thread_ts: thread, text }) {
    const key = thread ? `${channel}:${thread}` : channel;
    if (text) store.status.set(key, text);
    else store.status.delete(key);
    emit("status");
  },
  bot({ status, detail }) {
    store.bot = { status, detail };
    emit("bot");
  },
  clock: ({ now: iso, offset_seconds: offset }) => setClock({ now: iso, offset_seconds: offset }),
};

/** Apply one server event; the ones that open windows or toasts go on to whoever listens for them. */
export function apply(event) {
  if (handlers[event.type]) handlers[event.type](event);
  else emit(event.type, event);
}
