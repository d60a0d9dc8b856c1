// One select control for every select of Block Kit: single or multiple, with groups, descriptions and a filter.
import { h, icon, uid } from "./dom.js";
import { closeMenu, popup } from "./overlay.js";

const FILTER_FROM = 8;

/**
 * @param options [{key, label (words), node? (what is shown), description?, group?}]
 * @param selected array of keys; onChange gets the new array; onDone is called once the list closes after a change.
 */
export function picker({
  options,
  selected,
  multiple = false,
  max = Infinity,
  placeholder,
  clearable = false,
  props = {},
  onChange,
  onDone,
}) {
  let chosen = [...selected];
  let changed = false;
  const id = uid("pick");
  const shown = h("span.picker-value");
  const button = h(
    "button.picker",
    {
      type: "button",
      role: "combobox",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-controls": id,
      ...props,
      onclick: () => open(),
      onkeydown: (event) => {
        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
          event.preventDefault();
          open();
        }
      },
    },
    shown,
    icon("chevron", 16),
  );

  const paint = () => {
    const picked = chosen.map((key) => options.find((option) => option.key === key)).filter(Boolean);
    button.classList.toggle("is-empty", !picked.length);
    if (!picked.length) shown.replaceChildren(placeholder);
    else if (multiple) shown.replaceChildren(...picked.map((option) => h("span.chip", null, option.label)));
    else shown.replaceChildren(picked[0].label);
  };

  const choose = (key) => {
    changed = true;
    if (!multiple) {
      chosen = key === null ? [] : [key];
      closeMenu({ refocus: true });
    } else if (chosen.includes(key)) chosen = chosen.filter((other) => other !== key);
    else if (chosen.length < max) chosen = [...chosen, key];
    paint();
    onChange([...chosen]);
  };

  function open() {
    const list = h("div.listbox", {
      role: "listbox",
      id,
      "aria-multiselectable": multiple ? "true" : null,
      "aria-label": props["aria-label"] ?? placeholder,
      tabindex: "-1",
    });
    const filter =
      options.length >= FILTER_FROM
        ? h("input.filter", {
            type: "text",
            placeholder: "Type to filter",
            "aria-label": "Filter the options",
            role: "combobox",
            "aria-expanded": "true",
            "aria-controls": id,
            "aria-autocomplete": "list",
            autocomplete: "off",
          })
        : null;
    const box = h("div.menu.picker-menu", null, filter, list);
    const focus = filter ?? list;
    let active = 0;
    const rows = () => [...list.querySelectorAll("[role=option]")];

    const mark = (to) => {
      const all = rows();
      active = all.length ? (to + all.length) % all.length : 0;
      all.forEach((row, index) => row.classList.toggle("is-active", index === active));
      if (all[active]) focus.setAttribute("aria-activedescendant", all[active].id);
      else focus.removeAttribute("aria-activedescendant");
      all[active]?.scrollIntoView({ block: "nearest" });
    };

    const draw = () => {
      const wanted = (filter?.value ?? "").trim().toLowerCase();
      const hits = options.filter((option) =>
        `${option.label} ${option.description ?? ""}`.toLowerCase().includes(wanted),
      );
      list.replaceChildren(...rowsFor(hits));
      if (!hits.length) list.append(h("div.menu-heading", { role: "presentation" }, "Nothing matches"));
      const first = hits.findIndex((option) => chosen.includes(option.key));
      mark(Math.max(0, first));
    };

    const rowsFor = (hits) =>
      hits.flatMap((option, index) => {
        const isOn = chosen.includes(option.key);
        const row = h(
          "div.option",
          {
            role: "option",
            id: uid("option"),
            "aria-selected": String(isOn),
            "aria-disabled": multiple && !isOn && chosen.length >= max ? "true" : null,
            data: { key: option.key },
          },
          h("span.option-check", null, isOn ? icon("check", 16) : null),
          h(
            "span.menu-text",
            null,
            h("span", { dir: "auto" }, option.node ?? option.label),
            option.description ? h("small", { dir: "auto" }, option.description) : null,
          ),
        );
        row.addEventListener("click", () => pick(option.key));
        return option.group && option.group !== hits[index - 1]?.group
          ? [h("div.menu-heading", { role: "presentation" }, option.group), row]
          : [row];
      });

    const pick = (key) => {
      const at = active;
      choose(key);
      if (!multiple) return;
      draw();
      mark(at);
    };

    focus.addEventListener("keydown", (event) => {
      const to = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: rows().length - 1 }[event.key];
      if (to !== undefined && !(filter && (event.key === "Home" || event.key === "End"))) mark(to);
      else if (event.key === "Enter" || (event.key === " " && !filter)) pick(rows()[active]?.dataset.key ?? null);
      else if (!filter && /^\S$/.test(event.key) && !event.ctrlKey && !event.metaKey) jump(event.key.toLowerCase());
      else return;
      event.preventDefault();
    });

    const jump = (letter) => {
      const all = rows();
      const next = [...all.keys()]
        .map((step) => (active + 1 + step) % all.length)
        .find((at) => all[at].textContent.trim().toLowerCase().startsWith(letter));
      if (next !== undefined) mark(next);
    };

    filter?.addEventListener("input", draw);
    if (clearable && chosen.length) {
      box.append(
        h(
          "button.menu-item",
          {
            type: "button",
            onclick: () => {
              chosen = [];
              changed = true;
              paint();
              onChange([]);
              closeMenu({ refocus: true });
            },
          },
          icon("close", 16),
          "Clear",
        ),
      );
    }
    draw();
    popup(button, box, {
      match: true,
      onClose: () => {
        if (changed) onDone?.([...chosen]);
        changed = false;
      },
    });
    focus.focus();
  }

  paint();
  return button;
}
