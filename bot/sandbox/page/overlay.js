// Everything that floats: dialogs (a stack; what lies under one is inert), menus, confirmations and toasts.
import { fill, h, icon, iconButton, uid } from "./dom.js";
import { textObject } from "./mrkdwn.js";

const root = () => document.getElementById("layers");
const page = () => document.getElementById("page");
const stack = [];

const FOCUSABLE =
  "a[href],button:not([disabled]),input:not([disabled]),textarea:not([disabled]),select:not([disabled]),[tabindex]:not([tabindex='-1'])";

export const focusable = (node) =>
  [...node.querySelectorAll(FOCUSABLE)].filter((item) => item.getClientRects().length > 0);

function refreshInert() {
  const rest = [page(), ...stack.map((layer) => layer.backdrop)];
  rest.forEach((node, index) => {
    const isUnder = index < rest.length - 1;
    node.inert = isUnder;
    if (isUnder)
      node.setAttribute("aria-hidden", "true"); // for readers that don't know inert yet
    else node.removeAttribute("aria-hidden");
  });
}

/** Show `node` as a modal dialog. Returns a function that closes it and gives the focus back. */
export function openDialog(node, { onEscape, onBackdrop, opener = document.activeElement, small = false } = {}) {
  const backdrop = h("div.backdrop", { class: small ? "backdrop-small" : "" }, node);
  const layer = { backdrop, node, onEscape, opener, key: opener?.closest?.("[data-fk]")?.dataset.fk };
  closeMenu();
  stack.push(layer);
  root().append(backdrop);
  if (onBackdrop) {
    backdrop.addEventListener("pointerdown", (event) => {
      if (event.target === backdrop) onBackdrop();
    });
  }
  refreshInert();
  (node.querySelector("[autofocus]") ?? focusable(node)[0] ?? node).focus();
  return () => {
    if (!stack.includes(layer)) return;
    stack.splice(stack.indexOf(layer), 1);
    backdrop.remove();
    refreshInert();
    returnFocus(layer);
  };
}

function returnFocus({ opener, key }) {
  // The control that opened the dialog may have been drawn anew meanwhile: then its twin takes the focus.
  const twin = key ? document.querySelector(`[data-fk="${CSS.escape(key)}"]`) : null;
  const candidates = [
    opener?.isConnected && opener !== document.body ? opener : null,
    twin,
    document.querySelector("#composer textarea"),
  ];
  focusBack(candidates.find((node) => node && !node.closest("[inert]")));
}

/** Focus a control; one that shows only inside the focused message needs the message's focus first. */
function focusBack(node) {
  node?.focus({ preventScroll: true });
  if (!node?.isConnected || document.activeElement === node) return;
  node.closest(".message")?.focus({ preventScroll: true });
  node.focus({ preventScroll: true });
}

export const dialogOpen = () => stack.length > 0;

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || !stack.length) return;
  const top = stack.at(-1);
  if (event.key === "Escape") {
    event.preventDefault();
    top.onEscape?.();
  } else if (event.key === "Tab") trapTab(event, top.node);
});

function trapTab(event, node) {
  const stops = focusable(node);
  if (!stops.length) return event.preventDefault();
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement !== edge && node.contains(document.activeElement)) return undefined;
  event.preventDefault();
  return (event.shiftKey ? stops.at(-1) : stops[0]).focus();
}

/** Ask before something irreversible; resolves to whether the person agreed. Takes Slack's confirm object. */
export function confirmDialog({ title, text, confirm, deny, style, preview = null }) {
  return new Promise((resolve) => {
    const id = uid("confirm");
    let close = () => {};
    const answer = (value) => {
      close();
      resolve(value);
    };
    const node = h(
      "div.dialog.dialog-small",
      {
        role: "alertdialog",
        "aria-modal": "true",
        "aria-labelledby": `${id}-t`,
        "aria-describedby": `${id}-d`,
        tabindex: "-1",
      },
      h(
        "header.dialog-head",
        null,
        h("h2", { id: `${id}-t` }, textObject(title ?? "Are you sure?")),
        iconButton("close", "Close", { onclick: () => answer(false) }),
      ),
      h("div.dialog-body", { id: `${id}-d` }, textObject(text), preview),
      h(
        "footer.dialog-foot",
        null,
        h("button.btn", { type: "button", onclick: () => answer(false) }, textObject(deny ?? "Cancel")),
        h(
          "button.btn",
          {
            type: "button",
            class: style === "danger" ? "btn-danger" : "btn-primary",
            autofocus: true,
            onclick: () => answer(true),
          },
          textObject(confirm ?? "Yes"),
        ),
      ),
    );
    close = openDialog(node, { onEscape: () => answer(false), small: true });
  });
}

let openMenu = null;

export function closeMenu({ refocus = false } = {}) {
  if (!openMenu) return;
  const { node, anchor, ended, onClose } = openMenu;
  openMenu = null;
  ended.abort();
  if (refocus) focusBack(anchor);
  node.remove();
  anchor.setAttribute("aria-expanded", "false");
  onClose?.();
}

/** Put `node` beside `anchor`, in the layer that is on top. One pop-up at a time; a click elsewhere closes it. */
export function popup(anchor, node, { onClose, align = "start", prefer = "below", match = false } = {}) {
  const again = openMenu?.anchor === anchor;
  closeMenu();
  if (again) return;
  const ended = new AbortController();
  openMenu = { node, anchor, ended, onClose };
  (stack.at(-1)?.backdrop ?? document.getElementById("popups")).append(node);
  anchor.setAttribute("aria-expanded", "true");
  const place = () => placeBeside(anchor, node, { align, prefer, match });
  place();
  const { signal } = ended;
  window.addEventListener("resize", place, { signal });
  document.addEventListener(
    "scroll",
    (event) => {
      if (!node.contains(event.target)) place();
    },
    { signal, capture: true },
  );
  document.addEventListener(
    "pointerdown",
    (event) => {
      if (!node.contains(event.target) && !anchor.contains(event.target)) closeMenu();
    },
    { signal, capture: true },
  );
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      closeMenu({ refocus: true });
    } else if (event.key === "Tab") closeMenu({ refocus: true });
  });
}

const TALLEST = 420;

function placeBeside(anchor, node, { align, prefer, match }) {
  const box = anchor.getBoundingClientRect();
  if (match) node.style.minWidth = `${Math.min(box.width, innerWidth - 16)}px`;
  const { width, height } = node.getBoundingClientRect();
  const below = innerHeight - box.bottom - 8;
  const above = box.top - 8;
  const under =
    prefer === "below"
      ? below >= Math.min(height, 240) || below >= above
      : above < Math.min(height, 240) && below > above;
  const room = Math.min(TALLEST, Math.max(120, (under ? below : above) - 4));
  node.style.maxHeight = `${room}px`;
  const left = align === "end" ? box.right - width : box.left;
  node.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  const tall = Math.min(height, room);
  node.style.top = `${Math.max(8, under ? box.bottom + 4 : box.top - tall - 4)}px`;
}

/**
 * A menu of commands. Items: {label, description?, icon?, danger?, checked?, run}, {heading} or {divider: true}.
 */
export function menu(anchor, label, items, options = {}) {
  const node = h("div.menu", { role: "menu", "aria-label": label }, items.filter(Boolean).map(menuItem));
  popup(anchor, node, options);
  const stops = [...node.querySelectorAll("[role^=menuitem]")];
  node.addEventListener("keydown", (event) => {
    const at = stops.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: stops.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      stops[(to + stops.length) % stops.length]?.focus();
    } else if (/^\S$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      const next = [...stops.slice(at + 1), ...stops].find((stop) =>
        stop.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()),
      );
      next?.focus();
    }
  });
  (stops.find((stop) => stop.getAttribute("aria-checked") === "true") ?? stops[0])?.focus();
}

function menuItem(item) {
  if (item.divider) return h("hr", { role: "separator" });
  if (item.heading) return h("div.menu-heading", { role: "presentation" }, item.heading);
  const isRadio = "checked" in item;
  return h(
    "button.menu-item",
    {
      type: "button",
      role: isRadio ? "menuitemradio" : "menuitem",
      "aria-checked": isRadio ? String(Boolean(item.checked)) : null,
      class: item.danger ? "danger" : "",
      tabindex: "-1",
      onclick: () => {
        closeMenu({ refocus: true });
        item.run();
      },
    },
    item.node ?? (item.icon ? icon(item.icon, 18) : null),
    h(
      "span.menu-text",
      null,
      h("span", { dir: "auto" }, item.label),
      item.description ? h("small", { dir: "auto" }, item.description) : null,
    ),
    isRadio && item.checked ? icon("check", 16) : null,
  );
}

/** A notice in the corner. Errors stay until they are dismissed; the rest leave by themselves. */
export function toast(text, level = "info") {
  const node = h("div.toast", { class: `toast-${level}`, role: level === "error" ? "alert" : "status" });
  const host = document.getElementById("toasts");
  const dismiss = () => node.remove();
  host.append(node);
  fill(node, [
    icon(level === "error" ? "error" : level === "warning" ? "warning" : "info"),
    h("p", { dir: "auto" }, textObject({ type: "mrkdwn", text })),
    iconButton("close", "Dismiss", { onclick: dismiss }),
  ]);
  while (host.children.length > 4) host.firstChild.remove();
  if (level !== "error") setTimeout(dismiss, 9000);
}

const spoken = [];
/** Say something to screen readers without moving the focus. */
export function announce(text) {
  const region = document.getElementById("announcer");
  spoken.push(text);
  if (spoken.length > 3) spoken.shift();
  region.replaceChildren(...spoken.map((line) => h("p", null, line)));
}
