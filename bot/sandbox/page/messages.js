// The list of messages of a channel or a thread: grouped, kept in place while it changes, walked with the arrow keys.
import { fill, h, hiddenText, icon, iconButton, swap } from "./dom.js";
import { renderBlocks, renderText } from "./blocks.js";
import { ownAddress } from "./elements.js";
import { emoji } from "./emoji.js";
import { avatar, clockTime, dayKey, dayTitle, fullTime, plural } from "./format.js";
import { link, mrkdwn } from "./mrkdwn.js";
import { menu } from "./overlay.js";
import { repliesTo, store, userName } from "./store.js";
import { Surface } from "./surface.js";

const GROUP_MS = 5 * 60_000;
const surfaces = new Map();

/** The input state of a message; it outlives the message's drawn form. */
function surfaceOf(channel, message, actions) {
  const key = `${store.me.id}:${channel}:${message.ts}`;
  if (!surfaces.has(key)) {
    const send = (blockId, actionId, value, state) =>
      actions.act({ type: "message", channel, ts: message.ts }, blockId, actionId, value, state);
    surfaces.set(key, new Surface({ kind: "message", channel, send }));
  }
  const surface = surfaces.get(key);
  surface.adopt(message.blocks);
  return surface;
}

const msOf = (message) => Number(message.ts) * 1000;

/** Draws messages into `scroller`. `actions` are the page's deeds: openThread, shortcut, edit, remove, act, editor. */
export class MessageList {
  constructor(scroller, { label, actions, inThread = false }) {
    Object.assign(this, { scroller, actions, inThread, drawn: new Map(), place: null, stuck: true, fresh: 0 });
    this.intro = h("div.intro");
    this.list = h("div.messages", { role: "list", "aria-label": label });
    this.status = h("div.status-line", { "aria-live": "polite" });
    this.jump = h(
      "button.jump",
      { type: "button", hidden: true, onclick: () => this.toBottom() },
      icon("arrow", 16),
      "New messages",
    );
    fill(scroller, [inThread ? null : h("div.spring"), this.intro, this.list, this.status, this.jump]);
    scroller.addEventListener("scroll", () => this.noteScroll(), { passive: true });
    new ResizeObserver(() => this.stuck && this.toBottom()).observe(this.list);
    this.list.addEventListener("keydown", (event) => this.walk(event));
    this.list.addEventListener("focusin", (event) => this.rove(event.target.closest(".message")));
  }

  noteScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.stuck = scrollHeight - scrollTop - clientHeight < 90;
    if (this.stuck) this.jump.hidden = true;
  }

  toBottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.jump.hidden = true;
    this.stuck = true;
  }

  /** Show `messages` of `channel`; only what changed is drawn anew. */
  show(channel, messages, { place = channel, label } = {}) {
    const moved = place !== this.place;
    if (moved) this.reset(place, label);
    const before = this.drawn.size;
    const items = this.items(messages);
    const wanted = new Map(items.map((item) => [item.key, item]));
    for (const [key, entry] of this.drawn) {
      if (wanted.has(key)) continue;
      if (entry.node.contains(document.activeElement)) (entry.node.previousElementSibling ?? this.scroller).focus?.();
      entry.node.remove();
      this.drawn.delete(key);
    }
    let cursor = this.list.firstElementChild;
    for (const item of items) {
      const node = this.node(item, channel);
      if (node === cursor) cursor = cursor.nextElementSibling;
      else this.list.insertBefore(node, cursor);
    }
    this.rove(this.list.querySelector(".message[tabindex='0']") ?? this.list.querySelector(".message:last-child"));
    if (moved || this.stuck) this.toBottom();
    else if (this.drawn.size > before) this.jump.hidden = false;
  }

  reset(place, label) {
    this.place = place;
    this.drawn.clear();
    this.list.replaceChildren();
    if (label) this.list.setAttribute("aria-label", label);
  }

  items(messages) {
    const items = [];
    let last = null;
    messages.forEach((message, index) => {
      const ms = msOf(message);
      if (!this.inThread && (!last || dayKey(msOf(last)) !== dayKey(ms))) {
        items.push({ key: `day-${dayKey(ms)}`, signature: dayTitle(ms), day: dayTitle(ms) });
        last = null;
      }
      const first =
        !last ||
        last.user !== message.user ||
        ms - msOf(last) > GROUP_MS ||
        Boolean(last.ephemeral) !== Boolean(message.ephemeral) ||
        Boolean(this.footer(last));
      const replies = this.inThread ? [] : repliesTo(store.channel, message.ts).map((reply) => [reply.ts, reply.user]);
      const editing = this.actions.isEditing(message.ts);
      items.push({
        key: message.ts,
        message,
        first,
        rootOfThread: this.inThread && index === 0,
        editing,
        signature: JSON.stringify([message, first, replies, editing, store.me.id]),
      });
      last = message;
      if (this.inThread && index === 0 && messages.length > 1) {
        const count = plural(messages.length - 1, "reply", "replies");
        items.push({ key: "replies", signature: count, day: count });
        last = null;
      }
    });
    return items;
  }

  footer = (message) => !this.inThread && (message.reply_count || repliesTo(store.channel, message.ts).length);

  node(item, channel) {
    const known = this.drawn.get(item.key);
    if (known?.signature === item.signature) return known.node;
    if (known?.editing && item.editing) return known.node; // drawn anew, it would lose what is being typed
    if (item.day) {
      const node = known?.node ?? h("div.day", { role: "listitem" });
      node.replaceChildren(h("span", null, item.day));
      this.drawn.set(item.key, { node, signature: item.signature });
      return node;
    }
    const node = known?.node ?? h("div.message", { role: "listitem", tabindex: "-1", data: { ts: item.message.ts } });
    const held = known && document.activeElement !== node && node.contains(document.activeElement);
    swap(node, () => this.draw(node, item, channel));
    if (held && !node.contains(document.activeElement)) node.focus({ preventScroll: true });
    this.drawn.set(item.key, { node, signature: item.signature, editing: item.editing });
    return node;
  }

  draw(node, { message, first, editing }, channel) {
    const { ephemeral, streaming } = message;
    node.className = `message${first ? " first" : ""}${ephemeral ? " ephemeral" : ""}${streaming ? " streaming" : ""}${editing ? " editing" : ""}`;
    const ms = msOf(message);
    const user = store.users.get(message.user);
    const time = h("time.time", { datetime: new Date(ms).toISOString(), title: fullTime(ms) }, clockTime(ms));
    const head = first
      ? h(
          "div.message-head",
          null,
          h("span.author", null, userName(message.user)),
          message.bot_id || user?.is_bot ? h("span.badge", null, "APP") : null,
          time,
        )
      : h("div.sr-only", null, `${userName(message.user)}, ${clockTime(ms)}`);
    node.replaceChildren();
    fill(node, [
      ephemeral ? h("div.only-you", null, icon("eye", 14), "Only visible to you") : null,
      h(
        "div.gutter",
        null,
        first ? avatar(user) : h("span.gutter-time", { "aria-hidden": "true" }, clockTime(ms).replace(/ [AP]M$/, "")),
      ),
      h(
        "div.message-main",
        null,
        head,
        editing ? this.actions.editor(channel, message) : this.content(message, channel),
        editing ? null : this.thread(message),
      ),
      editing || streaming ? null : this.tools(message, channel),
    ]);
  }

  content(message, channel) {
    if (message.subtype === "tombstone") return h("div.tombstone", null, message.text);
    const surface = message.blocks?.length ? surfaceOf(channel, message, this.actions) : null;
    return h(
      "div.content",
      null,
      surface ? renderBlocks(message.blocks, surface) : message.text ? renderText(message.text) : null,
      (message.attachments ?? []).map((attachment) => this.attachment(attachment, message, channel)),
      (message.files ?? []).map(fileCard),
      message.edited && !message.streaming ? h("span.edited", null, "(edited)") : null,
      message.streaming
        ? h("span.writing", { role: "img", "aria-label": "still writing" }, h("i"), h("i"), h("i"))
        : null,
      message.reactions?.length
        ? h(
            "div.reactions",
            null,
            message.reactions.map((one) =>
              h(
                "span.reaction",
                { title: one.users?.map(userName).join(", ") },
                emoji(one.name) ?? `:${one.name}:`,
                ` ${one.count}`,
              ),
            ),
          )
        : null,
    );
  }

  attachment(attachment, message, channel) {
    const body = attachment.blocks
      ? renderBlocks(
          attachment.blocks,
          surfaceOf(channel, { ...message, ts: message.ts, blocks: attachment.blocks }, this.actions),
        )
      : mrkdwn(attachment.text ?? attachment.fallback ?? "");
    return h("div.attachment", null, attachment.title ? h("div.card-title", null, attachment.title) : null, body);
  }

  thread(message) {
    if (this.inThread) return null;
    const replies = repliesTo(store.channel, message.ts);
    const count = Math.max(replies.length, message.reply_count ?? 0);
    if (!count) return null;
    const people = [...new Set(replies.map((reply) => reply.user))].slice(0, 4);
    const latest = replies.at(-1);
    return h(
      "button.thread-link",
      { type: "button", "data-fk": `thread-${message.ts}`, onclick: () => this.actions.openThread(message.ts) },
      people.map((id) => avatar(store.users.get(id), "tiny")),
      h("span.count", null, plural(count, "reply", "replies")),
      latest
        ? h(
            "span.latest",
            null,
            `Last reply ${dayKey(msOf(latest)) === dayKey(msOf(message)) ? `at ${clockTime(msOf(latest))}` : dayTitle(msOf(latest))}`,
          )
        : null,
    );
  }

  tools(message, channel) {
    if (message.subtype === "tombstone") return null;
    if (message.ephemeral) {
      return h(
        "div.tools",
        { role: "group", "aria-label": "Message actions" },
        iconButton("close", "Dismiss message", { onclick: () => this.actions.dismiss(channel, message) }),
      );
    }
    const more = iconButton("more", "More actions", {
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-fk": `more-${message.ts}`,
      onclick: () => menu(more, "More actions", this.moreItems(message, channel), { align: "end" }),
    });
    return h(
      "div.tools",
      { role: "group", "aria-label": "Message actions" },
      this.inThread
        ? null
        : iconButton("thread", "Reply in thread", {
            "data-fk": `reply-${message.ts}`,
            onclick: () => this.actions.openThread(message.thread_ts ?? message.ts),
          }),
      more,
    );
  }

  moreItems(message, channel) {
    const own = message.user === store.me.id;
    const shortcuts = store.shortcuts
      .filter((shortcut) => shortcut.type === "message")
      .map((shortcut) => ({
        label: shortcut.name,
        description: shortcut.description || "ISP Coach",
        icon: "bolt",
        run: () => this.actions.shortcut(shortcut.callback_id, { channel, ts: message.ts }),
      }));
    return [
      this.inThread
        ? null
        : {
            label: "Reply in thread",
            icon: "thread",
            run: () => this.actions.openThread(message.thread_ts ?? message.ts),
          },
      { label: "Copy text", icon: "copy", run: () => this.actions.copy(message) },
      shortcuts.length ? { divider: true } : null,
      ...shortcuts,
      own ? { divider: true } : null,
      own ? { label: "Edit message", icon: "edit", run: () => this.actions.edit(channel, message) } : null,
      own
        ? { label: "Delete message…", icon: "trash", danger: true, run: () => this.actions.remove(channel, message) }
        : null,
    ];
  }

  /** One message at a time is a tab stop; arrow keys go to the others. */
  rove(target) {
    if (!target) return;
    for (const node of this.list.querySelectorAll(".message[tabindex='0']")) if (node !== target) node.tabIndex = -1;
    target.tabIndex = 0;
  }

  walk(event) {
    const here = event.target;
    if (!here.classList.contains("message") || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = [...this.list.querySelectorAll(".message")];
    const at = all.indexOf(here);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, to))].focus();
      return;
    }
    const message = here.dataset.ts;
    const press = { t: `reply-${message}`, m: `more-${message}` }[event.key.toLowerCase()];
    if (press) here.querySelector(`[data-fk="${press}"]`)?.click();
    else if (event.key.toLowerCase() === "e") this.actions.editTs(message);
    else return;
    event.preventDefault();
  }

  focus() {
    (this.list.querySelector(".message[tabindex='0']") ?? this.scroller).focus();
  }

  setStatus(text) {
    if (this.status.textContent === (text ? `${text}` : "")) return;
    this.status.replaceChildren(
      ...(text ? [h("span.writing", { "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", null, text)] : []),
    );
    if (this.stuck) this.toBottom();
  }
}

function fileCard(file) {
  const alt = file.alt_txt || file.title || file.name;
  const url = ownAddress(file.url ?? "") ?? `/files/${file.id}`;
  if (file.mimetype?.startsWith("image/")) {
    const picture = h("img.picture", { src: url, alt, loading: "lazy" });
    picture.addEventListener("error", () =>
      picture.replaceWith(h("span.image-away", null, icon("warning", 16), `Picture not available: ${alt}`)),
    );
    return h(
      "figure.image-block",
      null,
      h("div.image-title", null, file.title || file.name),
      h("a", { href: url, target: "_blank", rel: "noopener" }, picture, hiddenText(" (opens in a new tab)")),
    );
  }
  return h(
    "div.file-card",
    null,
    icon("file"),
    h(
      "div",
      null,
      link(new URL(url, location.href).href, [file.title || file.name]),
      h("small", null, file.mimetype ?? "File"),
    ),
  );
}
