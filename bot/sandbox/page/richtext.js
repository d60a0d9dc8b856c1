// rich_text blocks to DOM: what Slack's own composer makes, and the safest form for echoed words.
import { h, s } from "./dom.js";
import { emoji } from "./emoji.js";
import { slackDate } from "./format.js";
import { broadcast, link, mentionChannel, mentionUser } from "./mrkdwn.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", underline: "u", highlight: "mark", code: "code" };

function styled(node, style) {
  return Object.entries(STYLES).reduce(
    (inner, [name, tag]) => (style?.[name] ? h(tag === "code" ? "code.code" : tag, null, inner) : inner),
    node,
  );
}

const words = (text) =>
  String(text ?? "")
    .split("\n")
    .flatMap((line, index) => (index ? [h("br"), line] : [line]));

const PARTS = {
  text: (part) => words(part.text),
  link: (part) => link(part.url, part.text ? words(part.text) : null),
  user: (part) => mentionUser(part.user_id),
  usergroup: (part) => h("span.mention", null, `@${part.usergroup_id}`),
  team: (part) => h("span.mention", null, `@${part.team_id}`),
  channel: (part) => mentionChannel(part.channel_id),
  broadcast: (part) => broadcast(part.range),
  emoji: (part) => {
    const symbol = part.unicode
      ? String.fromCodePoint(...part.unicode.split("-").map((code) => Number.parseInt(code, 16)))
      : emoji(part.name, part.skin_tone);
    return symbol ? h("span.emoji", { role: "img", "aria-label": part.name ?? "emoji" }, symbol) : `:${part.name}:`;
  },
  date: (part) => {
    const text = slackDate(part.timestamp, part.format ?? "{date_short} {time}") ?? part.fallback ?? "";
    return part.url ? link(part.url, [text]) : h("time", null, text);
  },
  color: (part) => {
    const swatch = s(
      "svg",
      { viewBox: "0 0 10 10", class: "swatch", "aria-hidden": "true" },
      s("rect", { width: 10, height: 10, fill: /^#[0-9a-f]{3,8}$/i.test(part.value) ? part.value : "none" }),
    );
    return h("span", null, h("code.code", null, part.value), " ", swatch);
  },
  citation: (part) => h("sup", null, part.text ?? "source"),
};

function richParts(elements) {
  return (elements ?? []).map((part) => {
    const node = PARTS[part.type]?.(part) ?? `[can't show “${part.type}”]`;
    return part.style && typeof part.style === "object" ? styled(h("span", null, node), part.style) : node;
  });
}

const ELEMENTS = {
  rich_text_section: (element) => h("div.para", { dir: "auto" }, richParts(element.elements)),
  rich_text_preformatted: (element) =>
    h(
      "pre.pre",
      { tabindex: "0" },
      h(
        "code",
        null,
        (element.elements ?? []).map((part) => part.text ?? part.url ?? ""),
      ),
    ),
  rich_text_quote: (element) => h("blockquote.quote", { dir: "auto" }, richParts(element.elements)),
  rich_text_list: richList,
};

function richList(element) {
  const ordered = element.style === "ordered";
  const depth = Math.min(8, element.indent ?? 0);
  const items = (element.elements ?? []).map((item) =>
    h("li", { dir: "auto" }, item.elements ? richParts(item.elements) : ""),
  );
  return h(
    ordered ? "ol.rich-list" : "ul.rich-list",
    {
      class: `indent-${depth} style-${depth % 3}${element.border ? " bordered" : ""}`,
      start: ordered && element.offset ? element.offset + 1 : null,
    },
    items,
  );
}

export function richText(block) {
  return (block?.elements ?? []).map(
    (element) =>
      ELEMENTS[element.type]?.(element) ?? h("div.unknown", null, `Can't show rich text of type “${element.type}”.`),
  );
}

/** The words of a rich_text block, for sorting a table or naming a row. */
export const richWords = (block) => h("div", null, richText(block)).textContent;
