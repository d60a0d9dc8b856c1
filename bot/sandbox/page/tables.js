// table and data_table blocks. Wide tables scroll inside their own box, never the page.
import { h, hiddenText, icon, uid } from "./dom.js";
import { richText, richWords } from "./richtext.js";

function cell(item) {
  if (!item) return "";
  if (item.type === "rich_text") return richText(item);
  return item.text ?? String(item.value ?? "");
}

const alignOf = (item, setting) => {
  const align = setting?.align ?? (item?.type === "raw_number" ? "right" : "left");
  return { left: "align-start", center: "align-center", right: "align-end" }[align] ?? "align-start";
};

const box = (label, table) => h("div.scroll-x", { role: "region", "aria-label": label, tabindex: "0" }, table);

export function plainTable(block) {
  const [head = [], ...rows] = block.rows ?? [];
  const settings = block.column_settings ?? [];
  const draw = (row, tag) =>
    h(
      "tr",
      null,
      row.map((item, column) =>
        h(
          tag,
          {
            class: `${alignOf(item, settings[column])}${settings[column]?.is_wrapped ? " wrapped" : ""}`,
            scope: tag === "th" ? "col" : null,
            dir: "auto",
          },
          cell(item),
        ),
      ),
    );
  return box(
    "Table",
    h(
      "table.grid",
      null,
      h("thead", null, draw(head, "th")),
      h(
        "tbody",
        null,
        rows.map((row) => draw(row, "td")),
      ),
    ),
  );
}

const sortValue = (item) => {
  if (item?.type === "raw_number") return item.value;
  return item?.type === "rich_text" ? richWords(item) : (item?.text ?? "");
};

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const compare = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));

/** Pages and sorting live in the drawn table; `memory` (per message) keeps them when the message is drawn anew. */
export function dataTable(block, memory = {}) {
  const [head = [], ...rows] = block.rows ?? [];
  const size = Math.max(1, block.page_size ?? 5);
  const headerColumn = block.row_header_column_index ?? 0;
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const root = h("div.data-table");
  const id = uid("table");

  const sorted = () => {
    if (memory.column === undefined) return rows;
    const order = memory.descending ? -1 : 1;
    return [...rows].sort((a, b) => order * compare(sortValue(a[memory.column]), sortValue(b[memory.column])));
  };

  const sortBy = (column) => {
    memory.descending = memory.column === column ? !memory.descending : false;
    memory.column = column;
    memory.page = 0;
    draw(`sort-${column}`);
  };

  const turn = (page, key) => {
    memory.page = page;
    draw(key);
  };

  const heading = (item, column) => {
    const isSorted = memory.column === column;
    const direction = memory.descending ? "descending" : "ascending";
    return h(
      "th",
      { scope: "col", class: alignOf(rows[0]?.[column]), "aria-sort": isSorted ? direction : null },
      h(
        "button.sort",
        { type: "button", "data-fk": `${id}/sort-${column}`, onclick: () => sortBy(column) },
        cell(item),
        h("span.sort-mark", { "aria-hidden": "true" }, isSorted ? (memory.descending ? "▼" : "▲") : ""),
      ),
    );
  };

  const line = (row) =>
    h(
      "tr",
      null,
      row.map((item, column) =>
        h(
          column === headerColumn ? "th" : "td",
          { scope: column === headerColumn ? "row" : null, class: alignOf(item), dir: "auto" },
          cell(item),
        ),
      ),
    );

  function draw(focus) {
    const page = Math.min(memory.page ?? 0, pages - 1);
    const visible = sorted().slice(page * size, (page + 1) * size);
    const step = (to, label, name) =>
      h(
        "button.btn.btn-small",
        { type: "button", disabled: to < 0 || to >= pages, "data-fk": `${id}/${name}`, onclick: () => turn(to, name) },
        name === "next" ? [label, icon("next", 14)] : [icon("back", 14), label],
      );
    root.replaceChildren(
      box(
        block.caption ?? "Table",
        h(
          "table.grid",
          null,
          h("caption", { dir: "auto" }, block.caption ?? "Table"),
          h("thead", null, h("tr", null, head.map(heading))),
          h("tbody", null, visible.map(line)),
        ),
      ),
      pages > 1
        ? h(
            "div.pager",
            { role: "group", "aria-label": "Pages" },
            step(page - 1, "Previous", "previous"),
            h(
              "span",
              { "aria-live": "polite" },
              hiddenText("Rows "),
              `${page * size + 1} to ${page * size + visible.length} of ${rows.length}`,
            ),
            step(page + 1, "Next", "next"),
          )
        : "",
    );
    if (focus)
      (
        root.querySelector(`[data-fk="${id}/${focus}"]:not(:disabled)`) ??
        root.querySelector(".pager button:not(:disabled)")
      )?.focus();
  }

  draw();
  return root;
}
