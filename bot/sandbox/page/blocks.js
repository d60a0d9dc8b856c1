// Block Kit's layout blocks to DOM. One function a block type; an unknown type says so.
import { h, hiddenText, icon, iconButton, uid } from "./dom.js";
import { chart } from "./charts.js";
import { element, image } from "./elements.js";
import { markdown } from "./markdown.js";
import { asWords, link, mrkdwn, mrkdwnInline, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { blockIdOf } from "./surface.js";
import { dataTable, plainTable } from "./tables.js";

const LONG = 700; // Slack folds long section text behind "See more"

/** Draw all blocks of a surface. */
export function renderBlocks(blocks, surface) {
  return (blocks ?? []).map((block, index) => renderBlock(block, surface, index));
}

function renderBlock(block, surface, index) {
  const blockId = blockIdOf(block, index);
  const draw = BLOCKS[block?.type];
  if (!draw) return unknown(block?.type);
  try {
    return h(
      "div.block",
      { class: `block-${block.type}`, data: { block: blockId } },
      draw(block, { surface, blockId }),
    );
  } catch (error) {
    console.error("block", block.type, error);
    return h("div.unknown", { role: "note" }, `This ${block.type} block is damaged and can't be shown.`);
  }
}

const unknown = (type) =>
  h("div.unknown", { role: "note" }, icon("info", 16), `Can't show block type “${type ?? "none"}”.`);

function section(block, at) {
  const accessory = block.accessory
    ? h("div.accessory", null, element(block.accessory, { ...at, labelledby: null }))
    : null;
  const text = block.text ? foldable(h("div.text", { dir: "auto" }, textObject(block.text)), block) : null;
  const fields = block.fields?.length
    ? h(
        "div.fields",
        null,
        block.fields.map((field) => h("div.field-cell", { dir: "auto" }, textObject(field))),
      )
    : null;
  return h("div.section", null, h("div.section-main", null, text, fields), accessory);
}

function foldable(node, block) {
  const long =
    !block.expand && ((block.text?.text ?? "").length > LONG || (block.text?.text ?? "").split("\n").length > 12);
  if (!long) return node;
  node.classList.add("folded");
  const more = h(
    "button.see-more",
    {
      type: "button",
      "aria-expanded": "false",
      onclick: () => {
        const folded = node.classList.toggle("folded");
        more.textContent = folded ? "See more" : "See less";
        more.setAttribute("aria-expanded", String(!folded));
      },
    },
    "See more",
  );
  return [node, more];
}

function actions(block, at) {
  return h(
    "div.actions",
    null,
    (block.elements ?? []).map((item) => element(item, at)),
  );
}

function context(block) {
  return h(
    "div.context",
    null,
    (block.elements ?? []).map((item) =>
      item.type === "image" ? image(item, "context-image") : h("div.context-text", { dir: "auto" }, textObject(item)),
    ),
  );
}

function input(block, at) {
  const [labelId, hintId, errorId] = [uid("label"), uid("hint"), uid("error")];
  const error = at.surface.errors[at.blockId];
  const described = [block.hint ? hintId : null, error ? errorId : null].filter(Boolean).join(" ") || null;
  const item = block.element ?? {};
  const control = element(item, {
    ...at,
    input: true,
    dispatch: block.dispatch_action,
    optional: block.optional,
    required: !block.optional,
    labelledby: labelId,
    describedby: described,
    invalid: Boolean(error),
  });
  const field = control.matches?.("input,textarea") ? control : control.querySelector?.("input.field,textarea.field");
  if (field) field.id ||= uid("field");
  return h(
    "div.input",
    { class: error ? "has-error" : "" },
    h(
      field ? "label.input-label" : "div.input-label",
      { id: labelId, for: field?.id ?? null, dir: "auto" },
      textObject(block.label),
      block.optional ? h("span.optional", null, " (optional)") : null,
    ),
    control,
    error ? h("div.input-error", { id: errorId, dir: "auto" }, icon("error", 16), error) : null,
    block.hint ? h("div.hint", { id: hintId, dir: "auto" }, textObject(block.hint)) : null,
  );
}

function imageBlock(block) {
  const title = block.title ? h("div.image-title", { dir: "auto" }, textObject(block.title)) : null;
  return h("figure.image-block", null, title, image(block, "picture"));
}

function contextActions(block, at) {
  return h(
    "div.context-actions",
    null,
    (block.elements ?? []).map((item) => element(item, at)),
  );
}

const ALERT_ICON = { info: "info", warning: "warning", error: "error", success: "check", default: "info" };

function alertBlock(block) {
  const level = block.level in ALERT_ICON ? block.level : "default";
  return h(
    "div.alert",
    { class: `alert-${level}`, role: level === "error" ? "alert" : "note" },
    icon(ALERT_ICON[level], 18),
    level === "default" ? null : hiddenText(`${level}: `),
    h("div", { dir: "auto" }, textObject(block.text)),
  );
}

function card(block, at) {
  return h(
    "article.card",
    { "aria-label": asWords(block.title ?? block.body ?? "Card") },
    block.hero_image ? h("div.card-hero", null, image(block.hero_image, "hero")) : null,
    h(
      "div.card-body",
      null,
      block.icon ? image(block.icon, "card-icon") : null,
      h(
        "div.card-words",
        null,
        block.title ? h("div.card-title", { dir: "auto" }, textObject(block.title)) : null,
        block.subtitle ? h("div.card-subtitle", { dir: "auto" }, textObject(block.subtitle)) : null,
        block.body ? h("div.card-text", { dir: "auto" }, textObject(block.body)) : null,
      ),
    ),
    block.actions?.length
      ? h(
          "div.actions",
          null,
          block.actions.map((item) => element(item, at)),
        )
      : null,
  );
}

function carousel(block, at) {
  const cards = (block.elements ?? []).map((item, index) =>
    h("li.slide", null, card(item, { ...at, blockId: blockIdOf(item, index) })),
  );
  const strip = h("ul.slides", { tabindex: "0", "aria-label": `${cards.length} cards, scrolls sideways` }, cards);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const step = (direction) =>
    strip.scrollBy({ left: direction * strip.clientWidth * 0.8, behavior: calm ? "auto" : "smooth" });
  return h(
    "div.carousel",
    { role: "group", "aria-roledescription": "carousel", "aria-label": "Cards" },
    strip,
    h(
      "div.carousel-steps",
      null,
      iconButton("back", "Earlier cards", { onclick: () => step(-1) }),
      iconButton("next", "Later cards", { onclick: () => step(1) }),
    ),
  );
}

function container(block, at) {
  const words = block.rich_text_title ? richText(block.rich_text_title) : textObject(block.title);
  const head = [
    block.icon ? image(block.icon, "card-icon") : null,
    h(
      "div",
      null,
      h("div.container-title", { dir: "auto" }, words),
      block.subtitle ? h("div.card-subtitle", { dir: "auto" }, textObject(block.subtitle)) : null,
    ),
  ];
  const body = h("div.container-body", null, renderBlocks(block.child_blocks, at.surface));
  const cls = `width-${["narrow", "standard", "wide", "full"].includes(block.width) ? block.width : "standard"}${block.has_header_divider ? " ruled" : ""}`;
  if (!block.is_collapsible)
    return h(
      "section.container",
      { class: cls },
      block.title || block.rich_text_title ? h("div.container-head", null, head) : null,
      body,
    );
  at.surface.folds ??= {};
  const open = at.surface.folds[at.blockId] ?? !block.default_collapsed;
  const details = h(
    "details.container",
    { class: cls, open },
    h("summary.container-head", { "data-fk": `${at.blockId}/fold` }, icon("chevron", 16), head),
    body,
  );
  details.addEventListener("toggle", () => {
    at.surface.folds[at.blockId] = details.open;
  });
  return details;
}

const TASK = {
  pending: ["Waiting", "○"],
  in_progress: ["In progress", "◐"],
  complete: ["Done", "●"],
  error: ["Failed", "✕"],
};

function task(block) {
  const [words, mark] = TASK[block.status] ?? TASK.pending;
  const more = [
    block.details ? h("div.task-details", null, richText(block.details)) : null,
    block.output ? h("div.task-details", null, richText(block.output)) : null,
    block.sources?.length
      ? h(
          "ul.task-sources",
          null,
          block.sources.map((source) => h("li", null, link(source.url, [source.text || source.url]))),
        )
      : null,
  ].filter(Boolean);
  return h(
    "div.task",
    { class: `task-${block.status ?? "pending"}` },
    h("span.task-mark", { role: "img", "aria-label": words, title: words }, mark),
    h("div.task-main", null, h("div.task-title", { dir: "auto" }, mrkdwnInline(asString(block.title))), more),
  );
}

const asString = (value) => (typeof value === "string" ? value : (value?.text ?? ""));

function plan(block) {
  const done = (block.tasks ?? []).filter((one) => one.status === "complete").length;
  return h(
    "section.plan",
    { "aria-label": asString(block.title) },
    h(
      "div.plan-title",
      { dir: "auto" },
      asString(block.title),
      h("span.plan-count", null, `${done} of ${(block.tasks ?? []).length} done`),
    ),
    (block.tasks ?? []).map((one) => task(one)),
  );
}

function file(block) {
  const info = block.file ?? {};
  return h(
    "div.file-card",
    null,
    icon("file"),
    h(
      "div",
      null,
      h("div.file-name", null, info.title || info.name || block.external_id || "Remote file"),
      h("small", null, "Remote file"),
    ),
  );
}

function video(block) {
  return h(
    "div.card",
    null,
    h(
      "div.card-body",
      null,
      h(
        "div.card-words",
        null,
        h("div.card-title", null, textObject(block.title)),
        block.description ? h("div.card-text", null, textObject(block.description)) : null,
        h(
          "div.card-subtitle",
          null,
          "Videos are not played here. ",
          block.title_url ? link(block.title_url, ["Open it elsewhere"]) : null,
        ),
      ),
    ),
  );
}

const BLOCKS = {
  section,
  header: (block) => h("h3.header", { dir: "auto" }, textObject(block.text)),
  actions,
  context,
  divider: () => h("hr.divider"),
  input,
  image: imageBlock,
  rich_text: (block) => h("div.rich", null, richText(block)),
  markdown: (block) => h("div.md", null, markdown(block.text)),
  table: plainTable,
  data_table(block, at) {
    at.surface.tables ??= {};
    at.surface.tables[at.blockId] ??= {};
    return dataTable(block, at.surface.tables[at.blockId]);
  },
  data_visualization: chart,
  context_actions: contextActions,
  alert: alertBlock,
  card,
  carousel,
  container,
  plan,
  task_card: task,
  file,
  video,
};

/** A message's own text, where it has no blocks. */
export const renderText = (text) => h("div.text", { dir: "auto" }, mrkdwn(text));
