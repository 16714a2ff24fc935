// What a pane shows, and which buttons it has. It knows nothing of the SDK.
import { element } from "./dom.js";
import { Log } from "./log.js";

const stateWords = { ready: "Connected", connecting: "Connecting", offline: "Offline", ended: "Signed out" };

export class View {
  constructor(userID, other) {
    this.node = document.querySelector("#pane-template").content.firstElementChild.cloneNode(true);
    this.log = new Log(this.#part("log"));
    this.#label(userID, other);
    this.showList([]);
  }

  // onAction calls the action that a button names. What goes wrong goes to fail.
  onAction(actions, fail) {
    for (const button of this.node.querySelectorAll("[data-do]")) {
      button.addEventListener("click", async () => {
        try {
          await actions[button.dataset.do]();
        } catch (error) {
          fail(error);
        }
      });
    }
  }

  // onChange calls change with block or unblock and the UserIDs.
  onChange(change) {
    this.#change = change;
    this.#part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const ids = event.target.elements.accounts.value.split(",").map((id) => id.trim()).filter(Boolean);
      if (ids.length > 0) change(event.submitter.value, [...new Set(ids)]);
    });
  }

  #change;

  showState(state, unplugged) {
    const badge = this.node.querySelector(".state");
    if (state !== badge.dataset.state) { // it is announced when it changes, so only then
      if (state === "ready") badge.dataset.times = Number(badge.dataset.times ?? 0) + 1;
      badge.dataset.state = state;
      badge.textContent = stateWords[state];
    }
    this.node.querySelector('[data-do="offline"]').setAttribute("aria-pressed", String(unplugged));
    this.node.querySelector('[data-do="logout"]').textContent = state === "ended" ? "Log in" : "Log out";
  }

  // showNotice says why the session ended; an empty text takes it away.
  showNotice(text) {
    const notice = this.node.querySelector(".notice");
    notice.querySelector("p").textContent = text;
    notice.hidden = text === "";
  }

  showList(list) {
    this.#part("count").textContent = list.length;
    this.#part("nobody").hidden = list.length > 0;
    const had = new Map([...this.#part("list").children].map((item) => [item.dataset.blocked, item]));
    // Entries that stay keep their element, and with it the keyboard's focus.
    this.#part("list").replaceChildren(...list.map((id) => had.get(id) ?? this.#entry(id)));
  }

  #entry(id) {
    const button = element("button", { type: "button", "aria-label": `Unblock ${id}` }, "Unblock");
    button.addEventListener("click", () => this.#change("unblock", [id]));
    return element("li", { "data-blocked": id }, element("span", { class: "who" }, id), button);
  }

  #part(name) {
    return this.node.querySelector(`[data-part="${name}"]`);
  }

  #label(userID, other) {
    const { node } = this;
    const title = node.querySelector("h2");
    title.textContent = userID;
    title.id = `user-${userID}`;
    node.dataset.user = userID;
    node.setAttribute("aria-labelledby", title.id);
    node.querySelector(".avatar").textContent = userID[0];
    node.querySelector("input").value = other;
    this.#part("log").ariaLabel = `Calls and events of ${userID}, newest first`;
    this.#part("second").href = `?user=${encodeURIComponent(userID)}`;
    this.#part("second").ariaLabel = `Open a second tab as ${userID}`;
  }
}
