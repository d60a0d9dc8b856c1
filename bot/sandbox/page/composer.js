// The box one writes in: Enter sends, "/" completes commands, "@" names, "#" channels, ":" emoji.
import { h, icon, iconButton, uid } from "./dom.js";
import { emoji, emojiNames } from "./emoji.js";
import { avatar } from "./format.js";
import { menu, toast } from "./overlay.js";
import { botUser, store } from "./store.js";
import { asCommand, encode } from "./typed.js";

const drafts = new Map(); // what was typed and not sent, by place

/** What can be completed at the caret: {start, items: [{insert, node}]} or null. */
function completions(text, caret, inThread) {
  const before = text.slice(0, caret);
  if (!inThread && /^\/\S*$/.test(before)) {
    const items = store.commands
      .filter((one) => one.command.startsWith(before.toLowerCase()))
      .map((one) => ({
        insert: `${one.command} `,
        value: one.command,
        node: h(
          "span.menu-text",
          null,
          h("span", null, h("b", null, one.command), " ", h("span.muted", null, one.usage_hint ?? "")),
          h("small", null, one.description ?? ""),
        ),
      }));
    return items.length ? { start: 0, items } : null;
  }
  const match = /(?:^|[\s(])([@#:])([\p{L}\p{N} ._'+-]*)$/u.exec(before);
  if (!match) return null;
  const [, sign, typed] = match;
  const items = { "@": people, "#": channels, ":": smileys }[sign](typed.toLowerCase());
  return items.length ? { start: caret - typed.length - 1, items: items.slice(0, 8) } : null;
}

function people(typed) {
  if (/ {2}$|^ /.test(typed)) return [];
  const users = [...store.users.values()].sort((a, b) => Number(b.is_bot) - Number(a.is_bot));
  return users
    .filter((user) =>
      `${user.real_name} ${user.name}`
        .toLowerCase()
        .split(" ")
        .some((_, index, words) => words.slice(index).join(" ").startsWith(typed)),
    )
    .filter((user) => typed !== user.real_name.toLowerCase())
    .map((user) => ({
      insert: `@${user.real_name} `,
      node: [
        avatar(user, "tiny"),
        h(
          "span.menu-text",
          null,
          h(
            "span",
            null,
            user.real_name,
            user.is_bot
              ? h("span.badge", null, "APP")
              : user.id === store.me.id
                ? h("span.muted", null, " (you)")
                : null,
          ),
        ),
      ],
    }));
}

const channels = (typed) =>
  store.channels
    .filter((one) => !one.is_im && one.name.startsWith(typed) && one.name !== typed)
    .map((one) => ({ insert: `#${one.name} `, node: [icon("hash", 16), one.name] }));

const smileys = (typed) =>
  typed.length < 2 || typed.includes(" ")
    ? []
    : emojiNames()
        .filter((name) => name.includes(typed))
        .sort((a, b) => a.indexOf(typed) - b.indexOf(typed) || a.length - b.length)
        .map((name) => ({ insert: `${emoji(name)} `, node: [h("span.emoji", null, emoji(name)), `:${name}:`] }));

const FORMATS = [
  ["bold", "Bold", "*", "b"],
  ["italic", "Italic", "_", "i"],
  ["strike", "Strikethrough", "~"],
  ["code", "Code", "`"],
  ["quote", "Quote", "> "],
  ["list", "Bulleted list", "• "],
];

export class Composer {
  /** `deeds`: send(text, thread), command(command, text), globalShortcut(callback_id), editLast(thread). */
  constructor(root, { thread = false, deeds }) {
    Object.assign(this, { root, inThread: thread, deeds, place: null, found: null, active: 0, busy: false });
    const id = uid("composer");
    this.box = h("textarea.composer-text", {
      rows: "1",
      dir: "auto",
      "aria-autocomplete": "list",
      "aria-controls": `${id}-list`,
      "aria-describedby": `${id}-help`,
      "data-fk": thread ? "thread-box" : "box",
      enterkeyhint: "send",
      autocomplete: "off",
      spellcheck: "true",
      oninput: () => this.changed(),
      onkeydown: (event) => this.key(event),
      onclick: () => this.complete(),
      onblur: () => setTimeout(() => this.hide(), 150),
    });
    this.list = h("div.completions", { role: "listbox", id: `${id}-list`, "aria-label": "Suggestions", hidden: true });
    this.hint = h("div.usage", { id: `${id}-help` });
    this.note = h("div.composer-note", { hidden: true });
    this.sendButton = iconButton("send", "Send now", { class: "send", disabled: true, onclick: () => this.send() });
    this.plus = thread
      ? null
      : iconButton("plus", "Shortcuts", {
          "aria-haspopup": "menu",
          "aria-expanded": "false",
          "data-fk": "plus",
          onclick: () => this.shortcuts(),
        });
    root.append(
      this.note,
      this.list,
      h(
        "div.composer-box",
        null,
        h(
          "div.formats",
          { role: "group", "aria-label": "Formatting" },
          FORMATS.map(([name, label, mark, key]) =>
            iconButton(name, key ? `${label} (Ctrl+${key.toUpperCase()})` : label, { onclick: () => this.wrap(mark) }),
          ),
        ),
        this.box,
        h(
          "div.composer-foot",
          null,
          this.plus,
          iconButton("at", "Mention someone", { onclick: () => this.insert("@") }),
          thread ? null : iconButton("slash", "Slash command", { onclick: () => this.startCommand() }),
          h("span.spring"),
          this.sendButton,
        ),
      ),
      this.hint,
    );
  }

  /** Show the draft of another place (a channel or a thread). */
  moveTo(place, label, note = "") {
    this.box.placeholder = label;
    this.box.setAttribute("aria-label", label);
    this.note.hidden = !note;
    this.note.textContent = note;
    if (place === this.place) return;
    if (this.place) drafts.set(this.place, this.box.value);
    this.place = place;
    this.box.value = drafts.get(place) ?? "";
    this.hide();
    this.changed({ quiet: true });
  }

  focus() {
    this.box.focus();
  }

  set(text) {
    this.box.value = text;
    this.box.setSelectionRange(text.length, text.length);
    this.changed();
    this.box.focus();
  }

  changed({ quiet = false } = {}) {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, innerHeight * 0.35)}px`;
    this.sendButton.disabled = !this.box.value.trim();
    const command = asCommand(this.box.value);
    const known = command && !this.inThread ? store.commands.find((one) => one.command === command[0]) : null;
    this.hint.textContent = known ? `${known.command} ${known.usage_hint ?? ""}` : "";
    if (!quiet) this.complete();
  }

  complete() {
    this.found = completions(this.box.value, this.box.selectionStart, this.inThread);
    if (!this.found) return this.hide();
    this.active = 0;
    this.list.replaceChildren(
      ...this.found.items.map((item, index) =>
        h(
          "div.option",
          {
            role: "option",
            id: `${this.list.id}-${index}`,
            onpointerdown: (event) => event.preventDefault(),
            onclick: () => this.take(index),
          },
          item.node,
        ),
      ),
    );
    this.list.hidden = false;
    this.box.setAttribute("aria-expanded", "true");
    this.box.setAttribute("role", "combobox");
    return this.mark(0);
  }

  mark(to) {
    const rows = [...this.list.children];
    this.active = (to + rows.length) % rows.length;
    rows.forEach((row, index) => {
      row.classList.toggle("is-active", index === this.active);
      row.setAttribute("aria-selected", String(index === this.active));
    });
    rows[this.active].scrollIntoView({ block: "nearest" });
    this.box.setAttribute("aria-activedescendant", rows[this.active].id);
  }

  hide() {
    this.found = null;
    this.list.hidden = true;
    for (const name of ["aria-activedescendant", "aria-expanded", "role"]) this.box.removeAttribute(name);
  }

  take(index) {
    const { start, items } = this.found;
    const after = this.box.value.slice(this.box.selectionStart);
    const text = this.box.value.slice(0, start) + items[index].insert;
    this.box.value = text + after.replace(/^ /, "");
    this.box.setSelectionRange(text.length, text.length);
    this.hide();
    this.changed({ quiet: true });
    this.box.focus();
  }

  key(event) {
    if (event.isComposing) return;
    if (this.found && this.completionKey(event)) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const format = (event.ctrlKey || event.metaKey) && FORMATS.find(([, , , key]) => key === event.key.toLowerCase());
    if (format) {
      event.preventDefault();
      this.wrap(format[2]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "ArrowUp" && !this.box.value && this.deeds.editLast(this.inThread)) event.preventDefault();
  }

  completionKey(event) {
    const to = { ArrowDown: this.active + 1, ArrowUp: this.active - 1 }[event.key];
    if (to !== undefined) this.mark(to);
    else if (event.key === "Escape") this.hide();
    else if (event.key === "Tab" && !event.shiftKey) this.take(this.active);
    else if (event.key === "Enter" && !event.shiftKey) {
      // A command that stands there in full is sent by Enter; anything else is completed first.
      if (this.found.items[this.active].value === this.box.value.trim()) return false;
      this.take(this.active);
    } else return false;
    return true;
  }

  wrap(mark) {
    const { selectionStart: from, selectionEnd: to, value } = this.box;
    const chosen = value.slice(from, to);
    const lines = mark.endsWith(" ");
    const text = lines
      ? (chosen || "")
          .split("\n")
          .map((line) => mark + line)
          .join("\n")
      : `${mark}${chosen}${mark}`;
    this.box.setRangeText(text, from, to, "end");
    if (!chosen && !lines) this.box.setSelectionRange(from + 1, from + 1);
    this.box.focus();
    this.changed();
  }

  insert(text) {
    const { selectionStart: at, value } = this.box;
    this.box.setRangeText((at && !/\s/.test(value[at - 1]) ? " " : "") + text, at, this.box.selectionEnd, "end");
    this.box.focus();
    this.changed();
  }

  startCommand() {
    if (!this.box.value.startsWith("/")) this.box.value = `/${this.box.value.trimStart()}`;
    this.box.setSelectionRange(1, 1);
    this.box.focus();
    this.changed();
  }

  shortcuts() {
    const items = store.shortcuts
      .filter((one) => one.type === "global")
      .map((one) => ({
        label: one.name,
        description: one.description,
        node: avatar(botUser(), "tiny"),
        run: () => this.deeds.globalShortcut(one.callback_id),
      }));
    const commands = store.commands.map((one) => ({
      label: one.command,
      description: one.description,
      icon: "slash",
      run: () => this.set(`${one.command} `),
    }));
    menu(
      this.plus,
      "Shortcuts",
      [
        { heading: items.length ? "Shortcuts" : "No shortcuts yet" },
        ...items,
        commands.length ? { heading: "Commands" } : null,
        ...commands,
      ],
      { prefer: "above" },
    );
  }

  async send() {
    const text = this.box.value.trim();
    if (!text || this.busy) return;
    const command = text.startsWith("/") ? asCommand(text) : null;
    if (command && this.inThread) {
      toast(
        `${command[0]} doesn't work in threads, here as in Slack. Use it in the box of the conversation itself.`,
        "warning",
      );
      return;
    }
    this.busy = true;
    this.sendButton.setAttribute("aria-busy", "true");
    const typed = this.box.value;
    const sent = command
      ? await this.deeds.command(command[0], encode(command[1]))
      : await this.deeds.send(encode(text), this.inThread);
    this.busy = false;
    this.sendButton.removeAttribute("aria-busy");
    if (!sent || this.box.value !== typed) return; // not taken: the words stay where they are
    this.box.value = "";
    drafts.delete(this.place);
    this.changed();
  }
}
