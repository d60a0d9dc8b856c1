// Slack's own markup (mrkdwn) to DOM. Nothing here ever parses HTML.
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { slackDate } from "./format.js";
import { channelName, store, userName } from "./store.js";

export const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const SAFE = /^(https?:|mailto:|tel:)/i;

/** A link that opens elsewhere, or its plain words where the address isn't one that is safe to open. */
export function link(url, children) {
  const content = children?.length ? children : [url];
  if (!SAFE.test(url)) return h("span", null, content);
  return h("a.link", { href: url, target: "_blank", rel: "noopener noreferrer" }, content);
}

export function mentionUser(id) {
  return h("span.mention", { class: id === store.me?.id ? "mention-me" : "" }, `@${userName(id)}`);
}

export const mentionChannel = (id, label) => h("span.mention", null, `#${label || channelName(id)}`);
export const broadcast = (range) => h("span.mention.mention-all", null, `@${range}`);

function control(body) {
  const [head, ...rest] = body.split("|");
  const label = rest.join("|");
  if (head.startsWith("@"))
    return store.users.has(head.slice(1)) || !label ? mentionUser(head.slice(1)) : h("span.mention", null, `@${label}`);
  if (head.startsWith("#")) return mentionChannel(head.slice(1), unescape(label));
  if (!head.startsWith("!")) return link(unescape(head), label ? plainNodes(unescape(label)) : null);
  const [command, ...args] = head.slice(1).split("^");
  if (command === "date") return date(args, unescape(label));
  if (command === "subteam") return h("span.mention", null, unescape(label) || `@${args[0]}`);
  if (["here", "channel", "everyone"].includes(command)) return broadcast(command);
  return h("span", null, unescape(label) || `<${command}>`);
}

function date([seconds, pattern = "", url], fallback) {
  const text = slackDate(seconds, pattern) ?? fallback;
  const stamp = h(
    "time",
    { datetime: Number.isFinite(Number(seconds)) ? new Date(seconds * 1000).toISOString() : null },
    text,
  );
  return url ? link(url, [stamp]) : stamp;
}

const EMOJI_CODE = /:([a-z0-9_+'-]+):(?::skin-tone-([2-6]):)?/y;
const BARE_URL = /https?:\/\/[^\s<>|]+/y;
const MARKS = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;

function stickyMatch(pattern, text, index) {
  pattern.lastIndex = index;
  return pattern.exec(text);
}

/** Where the run opened at `start` closes: same line, not inside <…> or `…`, with a word's edge on both sides. */
function closing(text, start) {
  const mark = text[start];
  const before = text[start - 1] ?? " ";
  const after = text[start + 1] ?? " ";
  if (WORD.test(before) || /\s/.test(after) || after === mark) return -1;
  for (let i = start + 1; i < text.length && text[i] !== "\n"; i += 1) {
    if (text[i] === "<" || text[i] === "`") {
      const end = text.indexOf(text[i] === "<" ? ">" : "`", i + 1);
      if (end > 0 && !text.slice(i, end).includes("\n")) i = end;
    } else if (text[i] === mark && !/\s/.test(text[i - 1]) && !WORD.test(text[i + 1] ?? " ")) {
      return i > start + 1 ? i : -1;
    }
  }
  return -1;
}

/** One token of inline text at `i`: [node, next index] or null for an ordinary character. */
function token(text, i, options) {
  const char = text[i];
  if (char === "<") {
    const end = text.indexOf(">", i);
    const body = text.slice(i + 1, end);
    return end > 0 && body && !/[<\n]/.test(body) ? [control(body), end + 1] : null;
  }
  if (char === "`") {
    const end = text.indexOf("`", i + 1);
    const body = text.slice(i + 1, end);
    return end > i + 1 && !body.includes("\n") ? [h("code.code", null, literal(body)), end + 1] : null;
  }
  if (MARKS[char]) {
    const end = closing(text, i);
    return end > 0 ? [h(MARKS[char], null, inline(text.slice(i + 1, end), options)), end + 1] : null;
  }
  if (char === ":") return emojiAt(text, i);
  if (char === "h" && !options?.verbatim && !WORD.test(text[i - 1] ?? " ")) return bareUrl(text, i);
  return null;
}

function emojiAt(text, i) {
  const match = stickyMatch(EMOJI_CODE, text, i);
  const symbol = match && emoji(match[1], Number(match[2] ?? 0));
  if (!symbol) return null;
  return [h("span.emoji", { role: "img", "aria-label": match[1].replaceAll("_", " ") }, symbol), i + match[0].length];
}

function bareUrl(text, i) {
  const match = stickyMatch(BARE_URL, text, i);
  if (!match) return null;
  const url = match[0].replace(/(&gt;|&lt;|[.,;:!?'")\]*_~])+$/, "");
  return [link(unescape(url)), i + url.length];
}

/** Code keeps its characters; only Slack's <…> wrapping and escapes are taken off. */
function literal(text) {
  return unescape(
    text.replace(/<([^<>\n]+)>/g, (_, body) => {
      const [head, label] = body.split("|");
      if (head.startsWith("@")) return `@${userName(head.slice(1))}`;
      if (head.startsWith("#")) return `#${label || channelName(head.slice(1))}`;
      return label || head.replace(/^!/, "@");
    }),
  );
}

function inline(text, options) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(...lines(unescape(plain)));
    plain = "";
  };
  for (let i = 0; i < text.length;) {
    const found = token(text, i, options);
    if (found) {
      flush();
      nodes.push(found[0]);
      i = found[1];
    } else {
      plain += text[i];
      i += 1;
    }
  }
  flush();
  return nodes;
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line]));
}

/** Emoji shortcodes in otherwise plain words (plain_text objects, labels). */
function plainNodes(text, withEmoji = true) {
  if (!withEmoji) return lines(text);
  const nodes = [];
  let last = 0;
  for (let i = text.indexOf(":"); i >= 0; i = text.indexOf(":", i + 1)) {
    const found = emojiAt(text, i);
    if (!found) continue;
    nodes.push(...lines(text.slice(last, i)), found[0]);
    last = found[1];
    i = last - 1;
  }
  return [...nodes, ...lines(text.slice(last))];
}

const QUOTE = /^(?:&gt;|>) ?/;

/** Paragraphs and quotes of text that holds no code fence. */
function prose(text, options) {
  const out = [];
  const source = text.split("\n");
  for (let i = 0; i < source.length;) {
    const quoted = QUOTE.test(source[i]);
    if (quoted && /^(?:&gt;|>){3}/.test(source[i])) {
      const rest = [source[i].replace(/^(?:&gt;|>){3} ?/, ""), ...source.slice(i + 1)].join("\n");
      out.push(h("blockquote.quote", { dir: "auto" }, inline(rest, options)));
      break;
    }
    let end = i;
    while (end < source.length && QUOTE.test(source[end]) === quoted) end += 1;
    const part = source
      .slice(i, end)
      .map((line) => (quoted ? line.replace(QUOTE, "") : line))
      .join("\n");
    if (quoted) out.push(h("blockquote.quote", { dir: "auto" }, inline(part, options)));
    else out.push(h("div.para", { dir: "auto" }, inline(part, options)));
    i = end;
  }
  return out;
}

/** mrkdwn to block-level nodes. `verbatim` leaves bare addresses alone. */
export function mrkdwn(text, options = {}) {
  return String(text ?? "")
    .split(/```\n?([\s\S]+?)```/)
    .flatMap((part, index, all) => {
      if (index % 2)
        return [h("pre.pre", { dir: "auto", tabindex: "0" }, h("code", null, literal(part.replace(/\n$/, ""))))];
      let body = index ? part.replace(/^\n/, "") : part;
      if (index < all.length - 1) body = body.replace(/\n$/, "");
      return body || all.length === 1 ? prose(body, options) : [];
    });
}

/** Inline nodes only, for places where a block element can't stand (table cells, titles). */
export const mrkdwnInline = (text, options = {}) => inline(String(text ?? ""), options);

/** A text object (`plain_text` or `mrkdwn`), or a bare string, to nodes. */
export function textObject(object, options = {}) {
  if (object === null || object === undefined) return [];
  if (typeof object === "string") return plainNodes(object);
  if (object.type === "mrkdwn") return mrkdwn(object.text, { verbatim: object.verbatim, ...options });
  return plainNodes(object.text ?? "", object.emoji !== false);
}

/** The words alone, for announcements, labels and previews. */
export function asWords(object) {
  const text = typeof object === "string" ? object : (object?.text ?? "");
  const isPlain = object?.type === "plain_text";
  const words = h("div", null, isPlain ? plainNodes(text) : mrkdwn(text));
  return words.textContent.replace(/\s+/g, " ").trim();
}
