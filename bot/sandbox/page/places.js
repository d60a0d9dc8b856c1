// What the parts of the DM with the app say: introduction, prompts, Home, About.
import { h } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { avatar } from "./format.js";
import { botUser, store, userName } from "./store.js";

/** What stands above the first message. */
export function intro(channel) {
  if (!channel.is_im)
    return [
      h(
        "div.intro-text",
        null,
        h("h3", null, `#${channel.name}`),
        h("p", null, `This is the very beginning of #${channel.name}.`, channel.topic ? ` ${channel.topic}` : ""),
      ),
    ];
  return [
    h(
      "div.intro-text",
      null,
      avatar(botUser(), "large"),
      h("h3", null, userName(botUser()?.id)),
      h("p", null, "This is your private conversation with the coach. Nobody else in the workspace sees it."),
    ),
    h("div.prompts"),
  ];
}

/** The suggested prompts under the DM's introduction, while they are `wanted`; `send` posts one. */
export function showPrompts(root, wanted, send) {
  const host = root.querySelector(".prompts");
  if (!host) return;
  const prompts = wanted ? store.prompts : [];
  const signature = JSON.stringify(prompts);
  if (host.dataset.signature === signature) return;
  host.dataset.signature = signature;
  host.replaceChildren(
    ...(prompts.length
      ? [
          h("p.muted", { id: "prompts-label" }, "Try one of these"),
          h(
            "div.prompt-row",
            { role: "group", "aria-labelledby": "prompts-label" },
            prompts.map((prompt) =>
              h(
                "button.prompt",
                { type: "button", title: prompt.message, onclick: () => send(prompt.message) },
                prompt.title,
              ),
            ),
          ),
        ]
      : []),
  );
}

/** The Home tab: the view that the app published, or why there is none. */
export function homeContent(surface) {
  const view = store.home;
  if (!view)
    return h(
      "div.empty",
      null,
      avatar(botUser(), "large"),
      h("h3", null, "Nothing here yet"),
      h(
        "p",
        null,
        store.bot.status === "ready"
          ? "The coach hasn't published its Home for you so far."
          : "The coach is getting ready. Its Home shows here as soon as it is.",
      ),
    );
  surface.adopt(view.blocks);
  return renderBlocks(view.blocks, surface);
}

/** The About tab: what this page is, and what the app offers. */
export function aboutContent() {
  return [
    h("h3.header", null, "About this page"),
    h(
      "p",
      null,
      "This is a local stand-in for Slack, made so that you can coach with the real ISP Coach without installing an app. Nothing leaves this machine.",
    ),
    h("h3.header", null, "Commands"),
    h(
      "dl.keys",
      null,
      store.commands.map((one) => [
        h("dt", null, `${one.command} ${one.usage_hint ?? ""}`),
        h("dd", null, one.description ?? ""),
      ]),
    ),
    h("h3.header", null, "Shortcuts"),
    h(
      "dl.keys",
      null,
      store.shortcuts.map((one) => [
        h("dt", null, one.name),
        h(
          "dd",
          null,
          `${one.description ?? ""} ${one.type === "message" ? "(on a message, under More actions)" : "(in the + menu of the message box)"}`,
        ),
      ]),
    ),
  ];
}
