// Standard Markdown, as the `markdown` block takes it: a line-based block parser and an inline parser, both to DOM.
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { link, mrkdwnInline, unescape } from "./mrkdwn.js";

const FENCE = /^ {0,3}(```+|~~~+)\s*([\w+-]*)\s*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}(?:&gt;|>) ?(.*)$/;
const DIVIDER_ROW = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** Markdown text to block-level nodes. An unfinished text (a stream) renders as far as it goes. */
export function markdown(text) {
  return blocks(
    String(text ?? "")
      .replaceAll("\r\n", "\n")
      .split("\n"),
  );
}

function blocks(source) {
  const out = [];
  for (let i = 0; i < source.length;) {
    const read = [fence, table, rule, heading, quote, list].find((reader) => reader.starts(source, i)) ?? paragraph;
    const [node, next] = read(source, i);
    if (node) out.push(node);
    i = next;
  }
  return out;
}

function fence(source, start) {
  const close = FENCE.exec(source[start])[1];
  let end = start + 1;
  while (end < source.length && !source[end].trim().startsWith(close)) end += 1;
  return [h("pre.pre", { tabindex: "0" }, h("code", null, unescape(source.slice(start + 1, end).join("\n")))), end + 1];
}
fence.starts = (source, i) => FENCE.test(source[i]);

const rule = (_, start) => [h("hr.divider"), start + 1];
rule.starts = (source, i) => RULE.test(source[i]);

function heading(source, start) {
  // Slack shows every level at one size; the level still reaches screen readers.
  const [, marks, text] = HEADING.exec(source[start]);
  return [
    h(
      "div.md-heading",
      { role: "heading", "aria-level": String(Math.min(6, marks.length + 2)), dir: "auto" },
      inline(text),
    ),
    start + 1,
  ];
}
heading.starts = (source, i) => HEADING.test(source[i]);

function quote(source, start) {
  let end = start;
  while (end < source.length && QUOTE.test(source[end])) end += 1;
  const inner = source.slice(start, end).map((line) => QUOTE.exec(line)[1]);
  return [h("blockquote.quote", { dir: "auto" }, blocks(inner)), end];
}
quote.starts = (source, i) => QUOTE.test(source[i]);

const cells = (line) =>
  line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));

function table(source, start) {
  const head = cells(source[start]);
  const align = cells(source[start + 1]).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : "start",
  );
  let end = start + 2;
  while (end < source.length && source[end].includes("|") && source[end].trim()) end += 1;
  const row = (line, tag) =>
    h(
      "tr",
      null,
      head.map((_, column) =>
        h(
          tag,
          { class: `align-${align[column] ?? "start"}`, dir: "auto", scope: tag === "th" ? "col" : null },
          inline((Array.isArray(line) ? line : cells(line))[column] ?? ""),
        ),
      ),
    );
  const grid = h(
    "table.grid",
    null,
    h("thead", null, row(head, "th")),
    h(
      "tbody",
      null,
      source.slice(start + 2, end).map((line) => row(line, "td")),
    ),
  );
  return [h("div.scroll-x", { role: "region", "aria-label": "Table", tabindex: "0" }, grid), end];
}
table.starts = (source, i) =>
  source[i].includes("|") && i + 1 < source.length && DIVIDER_ROW.test(source[i + 1]) && source[i + 1].includes("-");

const indentOf = (line) => /^\s*/.exec(line.replaceAll("\t", "    "))[0].length;

/** One list; lines indented under an item belong to it, so that nested lists come by recursion. */
function list(source, start) {
  const [, , first] = ITEM.exec(source[start]);
  const ordered = /\d/.test(first);
  const base = indentOf(source[start]);
  const items = [];
  let i = start;
  while (i < source.length) {
    const match = ITEM.exec(source[i]);
    if (!match || indentOf(source[i]) > base + 1 || indentOf(source[i]) < base || /\d/.test(match[2]) !== ordered)
      break;
    const body = [match[3]];
    i += 1;
    while (i < source.length && belongs(source, i, base)) {
      body.push(source[i].replace(/^(\t| {1,4})/, ""));
      i += 1;
    }
    items.push(listItem(body));
    while (i + 1 < source.length && !source[i].trim() && ITEM.test(source[i + 1]) && indentOf(source[i + 1]) === base)
      i += 1;
  }
  return [h(ordered ? "ol.md-list" : "ul.md-list", ordered ? { start: Number.parseInt(first, 10) } : null, items), i];
}
list.starts = (source, i) => ITEM.test(source[i]) && !RULE.test(source[i]);

function belongs(source, i, base) {
  const line = source[i];
  if (!line.trim()) return i + 1 < source.length && indentOf(source[i + 1]) > base + 1 && Boolean(source[i + 1].trim());
  if (indentOf(line) > base + 1) return true;
  return (
    !ITEM.test(line) && !HEADING.test(line) && !FENCE.test(line) && !QUOTE.test(line) && Boolean(source[i - 1].trim())
  );
}

function listItem(body) {
  const task = /^\[([ xX])\]\s+/.exec(body[0]);
  if (!task) return h("li", { dir: "auto" }, blocks(body));
  body[0] = body[0].slice(task[0].length);
  const done = task[1] !== " ";
  const box = h("span.task-box", { role: "img", "aria-label": done ? "Done" : "Not done" }, done ? "☑" : "☐");
  return h("li.task-item", { dir: "auto" }, box, h("div", null, blocks(body)));
}

function paragraph(source, start) {
  if (!source[start].trim()) return [null, start + 1];
  let end = start + 1;
  const interrupts = [fence, rule, heading, quote, list, table];
  while (end < source.length && source[end].trim() && !interrupts.some((reader) => reader.starts(source, end)))
    end += 1;
  return [
    h(
      "p.md-p",
      { dir: "auto" },
      inline(
        source
          .slice(start, end)
          .map((line) => line.trimStart())
          .join("\n"),
      ),
    ),
    end,
  ];
}

const INLINE = [
  [/\\([\\`*_{}[\]()#+\-.!|~>])/y, (match) => match[1]],
  [/(`+)([\s\S]*?[^`])\1(?!`)/y, (match) => h("code.code", null, unescape(match[2].replace(/^ (.*) $/, "$1")))],
  [/!\[([^\]\n]*)\]\(([^)\s]+)(?:\s+"[^"]*")?\)/y, (match) => link(unescape(match[2]), [match[1] || match[2]])],
  [
    /\[((?:[^[\]\n]|\[[^\]]*\])+)\]\(([^)\s]*(?:\([^)\s]*\)[^)\s]*)?)(?:\s+"[^"]*")?\)/y,
    (match) => link(unescape(match[2]), inline(match[1])),
  ],
  [/<(?:https?:\/\/|mailto:|[@#!])[^<>\n]+>/y, (match) => mrkdwnInline(match[0])],
  [/(\*\*\*|___)(?=\S)([\s\S]*?\S)\1/y, (match) => h("strong", null, h("em", null, inline(match[2])))],
  [/(\*\*|__)(?=\S)([\s\S]*?\S)\1(?![*_])/y, (match) => h("strong", null, inline(match[2]))],
  [/~~(?=\S)([\s\S]*?\S)~~/y, (match) => h("s", null, inline(match[1]))],
  [/\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/y, (match) => h("em", null, inline(match[1]))],
  [/_(?=[^\s_])([\s\S]*?[^\s_])_(?![\p{L}\p{N}_])/uy, (match) => h("em", null, inline(match[1]))],
  [/https?:\/\/[^\s<>|)]*[^\s<>|).,;:!?'"*_]/y, (match) => link(unescape(match[0]))],
  [/:([a-z0-9_+'-]+):/y, (match) => emoji(match[1])],
];

function inline(text) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain)
      nodes.push(
        ...unescape(plain)
          .split("\n")
          .flatMap((line, index) => (index ? [h("br"), line] : [line])),
      );
    plain = "";
  };
  for (let i = 0; i < text.length;) {
    const [node, length] = match(text, i);
    if (length) {
      flush();
      nodes.push(...[node].flat());
    } else plain += text[i];
    i += length || 1;
  }
  flush();
  return nodes;
}

function match(text, i) {
  if (/[\p{L}\p{N}]/u.test(text[i - 1] ?? " ") && (text[i] === "_" || text[i] === "h")) return [null, 0];
  for (const [pattern, make] of INLINE) {
    pattern.lastIndex = i;
    const found = pattern.exec(text);
    const node = found && make(found);
    if (node) return [node, found[0].length];
  }
  return [null, 0];
}
