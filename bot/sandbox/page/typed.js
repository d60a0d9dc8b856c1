// What a person types, to the text Slack would send, and back again for editing.
import { myDm, store, userName, channelName } from "./store.js";
import { unescape } from "./mrkdwn.js";

const quote = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const longestFirst = (names) =>
  names
    .sort((a, b) => b.length - a.length)
    .map(quote)
    .join("|");

function people(text) {
  const known = new Map(
    [...store.users.values()].flatMap((user) =>
      [user.real_name, user.name].filter(Boolean).map((name) => [name.toLowerCase(), user.id]),
    ),
  );
  const pattern = new RegExp(`(?<![\\w<])@(${longestFirst([...known.keys()])})(?!\\w)`, "giu");
  return known.size ? text.replace(pattern, (_, name) => `<@${known.get(name.toLowerCase())}>`) : text;
}

function rooms(text) {
  const known = new Map(
    store.channels.filter((channel) => !channel.is_im).map((channel) => [channel.name.toLowerCase(), channel.id]),
  );
  const pattern = new RegExp(`(?<![\\w<])#(${longestFirst([...known.keys()])})(?![\\w-])`, "giu");
  return known.size ? text.replace(pattern, (_, name) => `<#${known.get(name.toLowerCase())}>`) : text;
}

/**
 * Typed words as the server takes them: names and channels as <@U…> and <#C…>, everything else as typed.
 * Escaping and links are the server's business, as they are Slack's. Code stays as it is.
 */
export function encode(typed) {
  return typed
    .split(/(```[\s\S]*?```|`[^`\n]+`)/)
    .map((part, index) => (index % 2 ? part : rooms(people(part))))
    .join("");
}

/** Slack text to what one would have typed. */
export function decode(text) {
  return unescape(
    text.replace(/<([^<>\n]+)>/g, (_, body) => {
      const [head, label] = body.split("|");
      if (head.startsWith("@")) return `@${userName(head.slice(1))}`;
      if (head.startsWith("#")) return `#${label || channelName(head.slice(1))}`;
      if (head.startsWith("!")) return label || `@${head.slice(1)}`;
      return label && label !== head ? `${label} (${head})` : head;
    }),
  );
}

/** "/coach ask why" to ["/coach", "ask why"], or null where it isn't a command. */
export function asCommand(typed) {
  const match = /^\/(\S+)(?:\s+([\s\S]*))?$/.exec(typed.trim());
  return match ? [`/${match[1]}`, match[2] ?? ""] : null;
}

export const placeholder = (channel, thread) => {
  if (thread) return "Reply…";
  if (channel?.id === myDm()?.id) return `Message ${channelName(channel.id)}`;
  return `Message #${channel?.name ?? ""}`;
};
