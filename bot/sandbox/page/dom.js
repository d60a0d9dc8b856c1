// Building DOM without markup strings: everything that people or bots wrote ends up in text nodes.

const SVG = "http://www.w3.org/2000/svg";

/** Element from "tag.class.class"; `on…` props are listeners, null and false props are left out. */
export function h(spec, props, ...children) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props ?? {})) setProp(node, name, value);
  return fill(node, children);
}

function setProp(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "class") node.classList.add(...value.split(" ").filter(Boolean));
  else if (name === "data") Object.assign(node.dataset, value);
  else if (name === "value") node.value = value;
  else if (name === "checked" || name === "disabled" || name === "selected") node[name] = Boolean(value);
  else node.setAttribute(name, value === true ? "" : value);
}

export function fill(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

export function s(tag, attrs, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  return fill(node, children);
}

// Line icons on a 20 by 20 grid, drawn for this page.
const ICONS = {
  hash: "M7.5 3.5 6 16.5M14 3.5l-1.5 13M3.5 7.5h13.2M3.2 12.5h13.2",
  lock: "M5.5 9h9v7.5h-9zM7.5 9V6.5a2.5 2.5 0 0 1 5 0V9",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  close: "M5 5l10 10M15 5 5 15",
  back: "M12 4.5 6.5 10l5.5 5.5",
  chevron: "M6 8l4 4 4-4",
  next: "M8 5l5 5-5 5",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  thread: "M3.5 4.5h13v9h-7l-3.5 3v-3h-2.5zM6.5 8h7M6.5 10.5h4.5",
  plus: "M10 4v12M4 10h12",
  send: "M3.5 4 17 10 3.5 16l1.8-6zM5.3 10H11",
  clock: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6.2V10l2.6 1.8",
  sun: "M10 6.8a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4zM10 2.2v1.9M10 15.9v1.9M2.2 10h1.9M15.9 10h1.9M4.5 4.5l1.3 1.3M14.2 14.2l1.3 1.3M4.5 15.5l1.3-1.3M14.2 5.8l1.3-1.3",
  moon: "M15.8 12.2A6.6 6.6 0 0 1 7.8 4.2a6.6 6.6 0 1 0 8 8z",
  bolt: "M11 2.8 4.8 11h4.4L9 17.2 15.2 9h-4.4z",
  edit: "M4 16l.8-3.4L13 4.4l2.6 2.6-8.2 8.2zM11.4 6l2.6 2.6",
  trash: "M4 5.8h12M8 5.5V3.8h4v1.7M5.5 6l.7 10.2h7.6l.7-10.2M8.6 8.8v4.6M11.4 8.8v4.6",
  copy: "M7 7h9v9.5H7zM13 7V3.5H4V13h3",
  eye: "M2.5 10S5.3 5 10 5s7.5 5 7.5 5-2.8 5-7.5 5-7.5-5-7.5-5zM10 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  check: "M4 10.5l4 4 8-9",
  up: "M6.5 9 9.6 3.2c1.3 0 2 .9 1.8 2.1L11 8h4.3c1 0 1.7.9 1.4 1.9l-1.5 5.3c-.2.8-.8 1.3-1.6 1.3H6.5zM3.2 9h3.3v7.5H3.2z",
  down: "M6.5 11l3.1 5.8c1.3 0 2-.9 1.8-2.1L11 12h4.3c1 0 1.7-.9 1.4-1.9l-1.5-5.3c-.2-.8-.8-1.3-1.6-1.3H6.5zM3.2 11h3.3V3.5H3.2z",
  file: "M5 2.8h6.5L15.5 7v10.2H5zM11.2 2.8V7.2h4.3",
  info: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 9.2v4.3M10 6.5h.01",
  warning: "M10 3.2 17.6 16.4H2.4zM10 8v4M10 14.1h.01",
  error: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6.3v4.6M10 13.5h.01",
  arrow: "M10 4v11M5.5 10.8 10 15.3l4.5-4.5",
  slash: "M12.8 3.2 7.2 16.8",
  at: "M13 10a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM13 7v4.2c0 2.4 3.8 2.2 3.8-1.4A6.8 6.8 0 1 0 13.6 16",
  bold: "M6.2 4h4.6a2.9 2.9 0 0 1 0 5.8H6.2zM6.2 9.8h5.2a3.1 3.1 0 0 1 0 6.2H6.2z",
  italic: "M8.5 4h5M6.5 16h5M11.2 4 8.8 16",
  strike:
    "M3.5 10h13M13.5 6.3C13 4.9 11.7 4 10 4 8 4 6.6 5 6.6 6.7M6.3 13.2C6.7 15 8.2 16 10.2 16c2.2 0 3.6-1.1 3.6-2.9",
  code: "M7 6 3 10l4 4M13 6l4 4-4 4",
  quote: "M4.5 4v12M8.5 6h8M8.5 10h8M8.5 14h5",
  list: "M8 5.5h9M8 10h9M8 14.5h9M4 5.5h.01M4 10h.01M4 14.5h.01",
  keyboard: "M2.5 5.5h15v9h-15zM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M6.5 11.7h7",
};

export function icon(name, size = 20) {
  return s(
    "svg",
    { viewBox: "0 0 20 20", width: size, height: size, class: `icon icon-${name}`, "aria-hidden": "true" },
    s("path", { d: ICONS[name] ?? ICONS.info }),
  );
}

/** A button that shows only an icon; the label is its accessible name and its tooltip. */
export function iconButton(name, label, props = {}) {
  return h("button.icon-button", { type: "button", "aria-label": label, title: label, ...props }, icon(name));
}

export function hiddenText(text) {
  return h("span.sr-only", null, text);
}

let serial = 0;
export function uid(prefix) {
  serial += 1;
  return `${prefix}-${serial}`;
}

/** Replace a node's content while keeping keyboard focus on the control with the same focus key. */
export function swap(container, render) {
  const active = document.activeElement;
  const inside = active && active !== container && container.contains(active);
  const key = inside ? active.closest("[data-fk]")?.dataset.fk : null;
  const caret = inside && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
  render();
  if (!inside || container.contains(document.activeElement)) return;
  const twin = key ? container.querySelector(`[data-fk="${CSS.escape(key)}"]`) : null;
  if (!twin) return;
  const target = twin.matches("input,textarea,button,select,a") ? twin : twin.querySelector("input,textarea,button,a");
  target?.focus({ preventScroll: true });
  if (caret?.[0] !== null && target?.setSelectionRange && caret) {
    try {
      target.setSelectionRange(...caret);
    } catch {
      // Number and date inputs have no caret to restore.
    }
  }
}
