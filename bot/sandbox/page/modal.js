// The modal on top of the person's stack of views, as the server shows it.
import { post } from "./api.js";
import { h, icon, iconButton, swap } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { textObject } from "./mrkdwn.js";
import { announce, focusable, openDialog, toast } from "./overlay.js";
import { store } from "./store.js";
import { Surface } from "./surface.js";

const DEFAULTS = { close: "Cancel", submit: "Submit" };

/** One modal window. `act` reports block actions; see app.js. */
export class ModalHost {
  constructor({ act }) {
    Object.assign(this, { act, view: null, surfaces: new Map(), closeDialog: null, busy: false, failure: "" });
  }

  get surface() {
    return this.surfaces.get(this.view.id);
  }

  surfaceFor(view) {
    if (!this.surfaces.has(view.id)) {
      const send = (blockId, actionId, value, state) =>
        this.act({ type: "view", view_id: view.id }, blockId, actionId, value, state);
      this.surfaces.set(view.id, new Surface({ kind: "view", channel: store.channel, send }));
    }
    return this.surfaces.get(view.id);
  }

  /** A view was opened, pushed or updated, or the one below came back to the top. */
  show(view) {
    const same = this.view?.id === view.id;
    this.view = view;
    this.failure = "";
    this.surfaceFor(view).adopt(view.blocks);
    if (!this.node) this.open();
    if (same) swap(this.node, () => this.draw());
    else {
      this.draw();
      this.focusFirst();
    }
    if (!same) announce(`Window: ${textOf(view.title)}`);
  }

  open() {
    this.node = h("div.dialog", {
      role: "dialog",
      "aria-modal": "true",
      "aria-labelledby": "modal-title",
      tabindex: "-1",
    });
    this.closeDialog = openDialog(this.node, { onEscape: () => this.dismiss() });
  }

  focusFirst() {
    const body = this.node.querySelector(".dialog-body");
    const first =
      this.node.querySelector("[autofocus]") ??
      focusable(body).find((item) => item.matches("input,textarea,.picker")) ??
      this.node;
    first.focus();
  }

  draw() {
    const { view } = this;
    const depth = view.stack ?? 1;
    const title = h("h2", { id: "modal-title", dir: "auto" }, textObject(view.title));
    const head = h(
      "header.dialog-head",
      null,
      depth > 1 ? iconButton("back", "Back", { "data-fk": "modal-back", onclick: () => this.dismiss() }) : null,
      title,
      iconButton("close", "Close", { "data-fk": "modal-x", onclick: () => this.dismiss({ clear: depth > 1 }) }),
    );
    const body = h(
      "div.dialog-body",
      null,
      this.failure ? h("div.alert.alert-error", { role: "alert" }, icon("error", 18), this.failure) : null,
      this.strayErrors(),
      renderBlocks(view.blocks, this.surface),
    );
    this.node.classList.toggle("is-busy", this.busy);
    const form = h(
      "form.dialog-form",
      {
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          this.submit();
        },
      },
      head,
      body,
      this.foot(),
    );
    const scroll = this.node.querySelector(".dialog-body")?.scrollTop ?? 0;
    this.node.replaceChildren(form);
    body.scrollTop = scroll;
  }

  foot() {
    const { view } = this;
    return h(
      "footer.dialog-foot",
      null,
      h(
        "button.btn",
        { type: "button", "data-fk": "modal-close", onclick: () => this.dismiss() },
        view.close ? textObject(view.close) : DEFAULTS.close,
      ),
      view.submit
        ? h(
            "button.btn.btn-primary",
            { type: "submit", "data-fk": "modal-submit", "aria-busy": this.busy ? "true" : null },
            textObject(view.submit),
          )
        : null,
    );
  }

  /** Errors for blocks that this view doesn't have; they must not vanish. */
  strayErrors() {
    const known = new Set(this.view.blocks.map((block) => block.block_id));
    return Object.entries(this.surface.errors)
      .filter(([blockId]) => !known.has(blockId))
      .map(([, words]) => h("div.alert.alert-error", { role: "alert" }, icon("error", 18), words));
  }

  showErrors(errors) {
    this.surface.errors = errors;
    swap(this.node, () => this.draw());
    const first = this.node.querySelector("[aria-invalid='true'], .has-error input, .has-error button");
    first?.focus();
    first?.scrollIntoView({ block: "center" });
    const count = Object.keys(errors).length;
    if (count)
      announce(
        `${count === 1 ? "One answer needs" : `${count} answers need`} another look: ${Object.values(errors).join(" ")}`,
      );
  }

  setBusy(busy) {
    this.busy = busy;
    this.node?.classList.toggle("is-busy", busy);
    const button = this.node?.querySelector("button[type=submit]");
    if (busy) button?.setAttribute("aria-busy", "true");
    else button?.removeAttribute("aria-busy");
  }

  async submit() {
    if (this.busy || !this.view.submit) return;
    const { id } = this.view;
    const problems = this.surface.problems();
    if (Object.keys(problems).length) {
      this.showErrors(problems);
      return;
    }
    this.surface.errors = {};
    this.failure = "";
    this.setBusy(true);
    try {
      await post("/ui/submit", { user: store.me.id, view_id: id, state: this.surface.state() });
      if (this.view?.id === id) swap(this.node, () => this.draw());
    } catch (error) {
      if (this.view?.id !== id) return;
      if (!error.body?.errors) this.failure = error.message;
      this.showErrors(error.body?.errors ?? {});
    } finally {
      this.setBusy(false);
    }
  }

  /** Close the view on top; the server answers with the one below, or with none. */
  async dismiss({ clear = false } = {}) {
    const { view } = this;
    if (!view) return;
    if (clear || (view.stack ?? 1) <= 1) this.hide(); // at once: closing must work without a server, too
    try {
      await post("/ui/close", { user: store.me.id, view_id: view.id, clear });
    } catch (error) {
      toast(error.message, "error");
    }
  }

  /** Nothing is on the stack any more. */
  hide() {
    if (!this.node) return;
    this.view = null;
    this.node = null;
    this.busy = false;
    this.surfaces.clear();
    this.closeDialog();
  }
}

const textOf = (title) => title?.text ?? "";
