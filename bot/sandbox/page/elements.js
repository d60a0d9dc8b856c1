// Block Kit's interactive elements.
import { h, icon, uid } from "./dom.js";
import { epochToWall, wallToEpoch } from "./format.js";
import { asWords, link, textObject } from "./mrkdwn.js";
import { confirmDialog, menu } from "./overlay.js";
import { picker } from "./picker.js";
import { botUser, store, userName } from "./store.js";

/**
 * Draw one element. `at` says where it stands: {surface, blockId, input, dispatch, labelledby, describedby, invalid}.
 * In an input block a change is only remembered, unless the block asks for dispatch_action.
 */
export function element(item, at) {
  const draw = ELEMENTS[item.type];
  return draw ? draw(item, at) : cannot(`Can't show element type “${item.type}”.`);
}

const cannot = (words) => h("div.unknown", { role: "note" }, icon("info", 16), words);

const focusKey = (item, at) => `${at.blockId}/${item.action_id}`;

const aria = (item, at) => ({
  "data-fk": focusKey(item, at),
  "aria-labelledby": at.labelledby ?? null,
  "aria-label": at.labelledby ? null : (item.accessibility_label ?? asWords(item.placeholder ?? "") ?? null) || null,
  "aria-describedby": at.describedby ?? null,
  "aria-invalid": at.invalid ? "true" : null,
  "aria-required": at.required ? "true" : null,
});

/** Ask for confirmation where the element wants it, then report the action; the control is busy meanwhile. */
async function act(item, at, value, control) {
  if (item.confirm && !(await confirmDialog(item.confirm))) return false;
  control?.setAttribute("aria-busy", "true");
  try {
    await at.surface.act(at.blockId, item, value);
  } finally {
    control?.removeAttribute("aria-busy");
  }
  return true;
}

/** Remember a new value; report it where the element stands outside an input block. */
async function change(item, at, value, { quiet = false, undo } = {}) {
  const before = at.surface.get(at.blockId, item);
  at.surface.set(at.blockId, item, value);
  if (quiet || (at.input && !at.dispatch)) return;
  if (item.confirm && !(await confirmDialog(item.confirm))) {
    at.surface.set(at.blockId, item, before);
    undo?.(before);
    return;
  }
  await at.surface.actWithValue(at.blockId, item);
}

function button(item, at) {
  const style = { primary: "btn-primary", danger: "btn-danger" }[item.style] ?? "";
  const node = h(
    item.url ? "a.btn" : "button.btn",
    {
      class: style,
      type: item.url ? null : "button",
      href: item.url && /^https?:/i.test(item.url) ? item.url : null,
      target: item.url ? "_blank" : null,
      rel: item.url ? "noopener noreferrer" : null,
      "aria-label": item.accessibility_label ?? null,
      "data-fk": focusKey(item, at),
      onclick: () => {
        if (node.getAttribute("aria-busy") !== "true") act(item, at, { text: item.text, value: item.value }, node);
      },
    },
    textObject(item.text),
  );
  return node;
}

const optionKey = (option) => String(option.value ?? asWords(option.text));

function optionList(item) {
  const flat = (options, group) =>
    (options ?? []).map((option) => ({
      key: optionKey(option),
      label: asWords(option.text),
      description: option.description ? asWords(option.description) : "",
      group,
      option,
    }));
  return item.option_groups
    ? item.option_groups.flatMap((group) => flat(group.options, asWords(group.label)))
    : flat(item.options);
}

const people = () => [...store.users.values()].map((user) => ({ key: user.id, label: user.real_name || user.name }));

function conversations(item) {
  const include = item.filter?.include;
  return store.channels
    .filter((channel) => !include || include.includes(channel.is_im ? "im" : "public"))
    .map((channel) => ({ key: channel.id, label: channel.is_im ? userName(botUser()?.id) : `#${channel.name}` }));
}

const channels = () =>
  store.channels.filter((channel) => !channel.is_im).map((channel) => ({ key: channel.id, label: `#${channel.name}` }));

/** All single and multiple selects differ only in where options come from and in what a value looks like. */
function select(source, { multiple = false, wrapped = false } = {}) {
  return (item, at) => {
    const options = source(item);
    const toKeys = (value) => [value ?? []].flat().map((one) => (wrapped ? optionKey(one) : one));
    const toValue = (keys) => {
      const values = keys.map((key) => (wrapped ? options.find((option) => option.key === key).option : key));
      return multiple ? values : (values[0] ?? null);
    };
    const value = at.surface.get(at.blockId, item);
    const holder = h("div.picker-holder");
    const draw = () => {
      holder.replaceChildren(
        picker({
          options,
          selected: toKeys(at.surface.get(at.blockId, item)),
          multiple,
          max: item.max_selected_items ?? Infinity,
          placeholder: asWords(item.placeholder ?? "") || (multiple ? "Select options" : "Select an option"),
          clearable: at.input && at.optional && !multiple,
          props: { ...aria(item, at), autofocus: item.focus_on_load ? true : null },
          onChange: (keys) => change(item, at, toValue(keys), { quiet: multiple, undo: draw }),
          onDone: (keys) => multiple && change(item, at, toValue(keys), { undo: draw }),
        }),
      );
    };
    if (value !== null) at.surface.set(at.blockId, item, value);
    draw();
    return holder;
  };
}

function overflow(item, at) {
  const items = (item.options ?? []).map((option) => ({
    label: asWords(option.text),
    description: option.description ? asWords(option.description) : "",
    run: () => {
      if (option.url && /^https?:/i.test(option.url)) window.open(option.url, "_blank", "noopener");
      act(item, at, { selected_option: option }, node);
    },
  }));
  const node = h(
    "button.btn.btn-icon",
    {
      type: "button",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": item.accessibility_label ?? "More options",
      "data-fk": focusKey(item, at),
      onclick: () => menu(node, "More options", items, { align: "end" }),
    },
    icon("more"),
  );
  return node;
}

function choices(type) {
  const many = type === "checkbox";
  return (item, at) => {
    const name = uid("choice");
    const picked = () => [at.surface.get(at.blockId, item) ?? []].flat().map(optionKey);
    const inputs = [];
    const paint = () =>
      inputs.forEach(([input, option]) => {
        input.checked = picked().includes(optionKey(option));
      });
    const row = (option, index) => {
      const id = `${name}-${index}`;
      const input = h("input", {
        type,
        name,
        id,
        value: optionKey(option),
        checked: picked().includes(optionKey(option)),
        "data-fk": `${focusKey(item, at)}/${index}`,
        "aria-describedby": option.description ? `${id}-d` : null,
        onchange: () => {
          const on = inputs.filter(([other]) => other.checked).map(([, chosen]) => chosen);
          change(item, at, many ? on : (on[0] ?? null), { undo: paint });
        },
      });
      inputs.push([input, option]);
      return h(
        "div.choice",
        null,
        input,
        h(
          "label",
          { for: id, dir: "auto" },
          h("span.choice-text", null, textObject(option.text)),
          option.description ? h("small", { id: `${id}-d` }, textObject(option.description)) : null,
        ),
      );
    };
    return h(
      "div.choices",
      { ...aria(item, at), "aria-required": null, "aria-invalid": null, role: many ? "group" : "radiogroup" },
      (item.options ?? []).map(row),
    );
  };
}

/** Native date and time fields fire while a date is half typed; what is reported waits until the person pauses. */
function moment(type, { read = (value) => value || null, write = (value) => value ?? "" } = {}) {
  return (item, at) => {
    let timer = null;
    const node = h("input.field.field-date", {
      type,
      ...aria(item, at),
      value: write(at.surface.get(at.blockId, item)),
    });
    let reported = node.value;
    const report = () => {
      clearTimeout(timer);
      if (node.value === reported) return;
      reported = node.value;
      change(item, at, read(node.value), {
        undo: (value) => {
          node.value = reported = write(value);
        },
      });
    };
    node.addEventListener("input", () => {
      at.surface.set(at.blockId, item, read(node.value));
      clearTimeout(timer);
      timer = setTimeout(report, 700);
    });
    node.addEventListener("blur", report);
    node.addEventListener("keydown", (event) => event.key === "Enter" && report());
    return node;
  };
}

/** Typed fields. They only act when the block dispatches: on Enter, or on every character where it says so. */
function typed(attrs, { value: wrap = (text) => text || null, unwrap = (value) => value ?? "" } = {}) {
  return (item, at) => {
    const triggers = item.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
    const counter = h("div.counter", { "aria-live": "polite" });
    const node = h(item.multiline || item.type === "rich_text_input" ? "textarea.field" : "input.field", {
      ...attrs,
      ...aria(item, at),
      dir: "auto",
      rows: item.multiline ? "4" : null,
      maxlength: item.max_length ?? null,
      placeholder: asWords(item.placeholder ?? "") || null,
      autofocus: item.focus_on_load ? true : null,
      autocomplete: "off",
      value: unwrap(at.surface.get(at.blockId, item)),
    });
    const count = () => {
      const left = (item.max_length ?? Infinity) - node.value.length;
      counter.textContent = left <= Math.max(20, item.max_length * 0.1) ? `${left} characters left` : "";
    };
    node.addEventListener("input", () => {
      at.surface.set(at.blockId, item, wrap(node.value));
      count();
      if (at.dispatch && triggers.includes("on_character_entered")) at.surface.actWithValue(at.blockId, item);
    });
    node.addEventListener("keydown", (event) => {
      if (
        event.key === "Enter" &&
        !event.shiftKey &&
        !event.isComposing &&
        at.dispatch &&
        triggers.includes("on_enter_pressed") &&
        !item.multiline
      ) {
        event.preventDefault();
        at.surface.actWithValue(at.blockId, item);
      }
    });
    count();
    return item.max_length ? h("div", null, node, counter) : node;
  };
}

const richValue = {
  value: (text) =>
    text ? { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] } : null,
  unwrap: (value) =>
    (value?.elements ?? [])
      .flatMap((part) => part.elements ?? [])
      .map((part) => part.text ?? "")
      .join(""),
};

function feedback(item, at) {
  const pressed = at.surface.pressed?.[focusKey(item, at)];
  const one = (side, name) => {
    const spec = item[`${side}_button`] ?? {};
    const node = h(
      "button.icon-button",
      {
        type: "button",
        "aria-label": spec.accessibility_label ?? asWords(spec.text ?? ""),
        title: spec.accessibility_label ?? asWords(spec.text ?? ""),
        "aria-pressed": String(pressed === side),
        "data-fk": `${focusKey(item, at)}/${side}`,
        onclick: () => {
          at.surface.pressed = { ...at.surface.pressed, [focusKey(item, at)]: side };
          for (const other of node.parentNode.children) other.setAttribute("aria-pressed", String(other === node));
          act(item, at, { text: spec.text, value: spec.value }, node);
        },
      },
      icon(name, 18),
    );
    return node;
  };
  return h(
    "div.feedback",
    { role: "group", "aria-label": "Was this helpful?" },
    one("positive", "up"),
    one("negative", "down"),
  );
}

function iconAction(item, at) {
  if (item.visible_to_user_ids?.length && !item.visible_to_user_ids.includes(store.me.id)) return null;
  const words = item.accessibility_label ?? asWords(item.text);
  const node = h(
    "button.icon-button",
    {
      type: "button",
      "aria-label": words,
      title: asWords(item.text),
      "data-fk": focusKey(item, at),
      onclick: () => act(item, at, { value: item.value }, node),
    },
    icon(item.icon === "trash" ? "trash" : "bolt", 18),
  );
  return node;
}

const HERE = new Set([location.hostname, "localhost", "127.0.0.1", "[::1]"]);

/** The path of a file that this sandbox keeps, under whichever of its names it was given; null for anything else. */
export function ownAddress(url) {
  if (!URL.canParse(url, location.href)) return null;
  const at = new URL(url, location.href);
  return HERE.has(at.hostname) && at.pathname.startsWith("/files/") ? at.pathname : null;
}

export function image(item, cls = "thumb") {
  const given = item.image_url ?? item.slack_file?.url ?? (item.slack_file?.id ? `/files/${item.slack_file.id}` : "");
  const url = ownAddress(given) ?? given;
  if (!url.startsWith("/") && !url.startsWith("data:image/")) {
    // The page promises that nothing leaves this machine, so a picture from elsewhere is named, not fetched.
    return h(
      "span.image-away",
      null,
      icon("file", 16),
      `Picture: ${item.alt_text ?? ""} `,
      link(url, ["(kept elsewhere, open it)"]),
    );
  }
  const node = h(`img.${cls}`, { src: url, alt: item.alt_text ?? "", loading: "lazy" });
  node.addEventListener("error", () =>
    node.replaceWith(h("span.image-away", null, icon("warning", 16), `Picture not available: ${item.alt_text ?? ""}`)),
  );
  return node;
}

const fromMenu = () => cannot("Selects with outside data are not part of this sandbox.");

const ELEMENTS = {
  button,
  workflow_button: () => cannot("Workflow buttons are not part of this sandbox."),
  static_select: select(optionList, { wrapped: true }),
  multi_static_select: select(optionList, { multiple: true, wrapped: true }),
  users_select: select(people),
  multi_users_select: select(people, { multiple: true }),
  conversations_select: select(conversations),
  multi_conversations_select: select(conversations, { multiple: true }),
  channels_select: select(channels),
  multi_channels_select: select(channels, { multiple: true }),
  external_select: fromMenu,
  multi_external_select: fromMenu,
  overflow,
  checkboxes: choices("checkbox"),
  radio_buttons: choices("radio"),
  datepicker: moment("date"),
  timepicker: moment("time"),
  datetimepicker: moment("datetime-local", {
    read: (value) => (value ? wallToEpoch(value) : null),
    write: (value) => (value ? epochToWall(value) : ""),
  }),
  plain_text_input: typed({ type: "text" }),
  email_text_input: typed({ type: "email", inputmode: "email" }),
  url_text_input: typed({ type: "url", inputmode: "url" }),
  number_input: typed({ type: "text", inputmode: "decimal" }, { value: (text) => text.trim() || null }),
  rich_text_input: typed({ rows: "4" }, richValue),
  file_input: () => cannot("Choosing files is not part of this sandbox."),
  feedback_buttons: feedback,
  icon_button: iconAction,
  image: (item) => image(item, "thumb"),
};
