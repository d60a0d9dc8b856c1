// The input state of one surface (a message, a modal, the Home tab), in the form Slack sends it.

const EMPTY = {
  plain_text_input: { value: null },
  email_text_input: { value: null },
  url_text_input: { value: null },
  number_input: { value: null },
  rich_text_input: { rich_text_value: null },
  static_select: { selected_option: null },
  external_select: { selected_option: null },
  radio_buttons: { selected_option: null },
  users_select: { selected_user: null },
  conversations_select: { selected_conversation: null },
  channels_select: { selected_channel: null },
  multi_static_select: { selected_options: [] },
  multi_external_select: { selected_options: [] },
  multi_users_select: { selected_users: [] },
  multi_conversations_select: { selected_conversations: [] },
  multi_channels_select: { selected_channels: [] },
  checkboxes: { selected_options: [] },
  datepicker: { selected_date: null },
  timepicker: { selected_time: null },
  datetimepicker: { selected_date_time: null },
  file_input: { files: [] },
};

const INITIAL = {
  value: "initial_value",
  rich_text_value: "initial_value",
  selected_option: "initial_option",
  selected_options: "initial_options",
  selected_user: "initial_user",
  selected_users: "initial_users",
  selected_conversation: "initial_conversation",
  selected_conversations: "initial_conversations",
  selected_channel: "initial_channel",
  selected_channels: "initial_channels",
  selected_date: "initial_date",
  selected_time: "initial_time",
  selected_date_time: "initial_date_time",
};

/** The value an element starts with: [name of its field in Slack's state, value]. */
function initialOf(element, surface) {
  const [field, empty] = Object.entries(EMPTY[element.type])[0];
  if (element.default_to_current_conversation && !element[INITIAL[field]] && surface?.channel) {
    return [field, Array.isArray(empty) ? [surface.channel] : surface.channel];
  }
  return [field, element[INITIAL[field]] ?? structuredClone(empty)];
}

export class Surface {
  /** `send(blockId, actionId, value, state)` reports a block action; it resolves when the server has taken it. */
  constructor({ kind, channel = null, send }) {
    Object.assign(this, { kind, channel, send, values: new Map(), errors: {}, blocks: [] });
  }

  key = (blockId, actionId) => `${blockId}\u0000${actionId}`;

  /** Take over a new version of the blocks. What was typed under the same block_id and action_id stays. */
  adopt(blocks) {
    this.blocks = blocks ?? [];
    const present = new Set(this.inputs().map(({ blockId, element }) => this.key(blockId, element.action_id)));
    for (const key of this.values.keys()) if (!present.has(key)) this.values.delete(key);
  }

  get(blockId, element) {
    return this.values.get(this.key(blockId, element.action_id)) ?? initialOf(element, this)[1];
  }

  set(blockId, element, value) {
    this.values.set(this.key(blockId, element.action_id), value);
  }

  /** Every element that holds a value, with the block it stands in. */
  inputs() {
    return walk(this.blocks).filter(({ element }) => element.type in EMPTY);
  }

  /** `view.state.values` / `state.values` as Slack sends it. */
  state() {
    const values = {};
    for (const { blockId, element } of this.inputs()) {
      const [field] = Object.entries(EMPTY[element.type])[0];
      values[blockId] ??= {};
      values[blockId][element.action_id] = { type: element.type, [field]: this.get(blockId, element) };
    }
    return { values };
  }

  act(blockId, element, value) {
    return this.send(blockId, element.action_id, { type: element.type, ...value }, this.state());
  }

  /** Act with the element's current value, named as Slack names it. */
  actWithValue(blockId, element) {
    const [field] = Object.entries(EMPTY[element.type])[0];
    return this.act(blockId, element, { [field]: this.get(blockId, element) });
  }

  /** What Slack checks before it sends a submission: {block_id: words}. */
  problems() {
    const found = {};
    for (const { blockId, element, block } of this.inputs()) {
      if (block.type !== "input") continue;
      const words = problem(element, this.get(blockId, element), block.optional);
      if (words) found[blockId] = words;
    }
    return found;
  }
}

/** block_id of a block; the stand-in gives every block one, as Slack does. */
export const blockIdOf = (block, index) => block.block_id ?? `block-${index}`;

function walk(blocks) {
  return (blocks ?? []).flatMap((block, index) => {
    const blockId = blockIdOf(block, index);
    const own = [
      block.element,
      block.accessory,
      ...(block.type === "actions" ? (block.elements ?? []) : []),
      ...(block.type === "card" ? (block.actions ?? []) : []),
    ];
    const here = own.filter(Boolean).map((element) => ({ blockId, element, block }));
    const inner = block.child_blocks ?? (block.type === "carousel" ? block.elements : null);
    return inner ? [...here, ...walk(inner)] : here;
  });
}

const isEmpty = (value) =>
  value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);

const WORDS = { none: "Please complete this required field." };

function problem(element, value, optional) {
  if (isEmpty(value))
    return optional || element.type === "file_input" || element.type.includes("external") ? null : WORDS.none;
  return CHECKS[element.type]?.(element, value) ?? null;
}

const CHECKS = {
  plain_text_input(element, value) {
    if (element.min_length && value.length < element.min_length)
      return `Please enter at least ${element.min_length} characters.`;
    if (element.max_length && value.length > element.max_length)
      return `Please enter no more than ${element.max_length} characters.`;
    return null;
  },
  email_text_input: (_, value) =>
    /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value) ? null : "Please enter a valid email address.",
  url_text_input: (_, value) => (/^https?:\/\/[^\s]+$/i.test(value) ? null : "Please enter a valid URL."),
  number_input(element, value) {
    const number = Number(value);
    if (!Number.isFinite(number)) return "Please enter a number.";
    if (!element.is_decimal_allowed && !Number.isInteger(number)) return "Please enter a whole number.";
    if (element.min_value !== undefined && number < Number(element.min_value))
      return `Please enter ${element.min_value} or more.`;
    if (element.max_value !== undefined && number > Number(element.max_value))
      return `Please enter ${element.max_value} or less.`;
    return null;
  },
};
