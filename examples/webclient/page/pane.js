// A pane: one user with a connection of its own. What an app needs is in connect, listen and change: log in with a UserSig
// of its own backend, show the list that the SDK keeps, and say what to do when the session ends.
import { EVENT, Kith, TYPES } from "./kith.min.js";
import { element } from "./dom.js";
import { Line } from "./line.js";
import { Log } from "./log.js";
import { getUserSig, post } from "./server.js";

const stateWords = { ready: "Connected", connecting: "Connecting", offline: "Offline", ended: "Signed out" };

const endings = {
  [TYPES.KICKED_OUT_MULT_DEVICE]: "Another tab logged in, and this app allows only so many per user.",
  [TYPES.KICKED_OUT_REST_API]: "The app backend kicked this user, which ends all sessions and voids the UserSigs.",
  [TYPES.KICKED_OUT_USERSIG_EXPIRED]: "The UserSig has expired, and there was no new one.",
  [TYPES.KICKED_OUT_REFUSED]: "The server refuses this session.",
};

const expireSeconds = 3;

export class Pane {
  #line = new Line();
  #session = false; // from login until logout, kick or expiry; a lost connection does not end it
  #connected = false;
  #expiring = false; // the ticket is to expire

  constructor({ settings, userID, other, fail }) {
    this.userID = userID;
    this.fail = fail;
    this.node = document.querySelector("#pane-template").content.firstElementChild.cloneNode(true);
    this.log = new Log(this.#part("log"));
    this.#label(other);
    this.#offer();
    this.#showList([]);
    this.chat = Kith.create({
      SDKAppID: settings.SDKAppID,
      url: settings.url,
      webSocket: this.#line.webSocket,
      getUserSig: async () => (this.#expiring ? "" : getUserSig(userID)),
    });
    this.#listen();
    this.#show();
  }

  // connect logs in, with a ticket that lives so long; 0 means an hour.
  async connect(seconds = 0) {
    this.#session = true;
    this.#expiring = seconds > 0;
    this.#notice("");
    this.#show();
    try {
      await this.chat.login({ userID: this.userID, userSig: await getUserSig(this.userID, seconds) });
    } catch (error) {
      this.log.add(`login: ${error.code ?? ""} ${error.message}`, "bad");
      this.#end(`Login failed: ${error.message}`);
    }
  }

  async logOut() {
    await this.chat.logout();
    this.#end("");
  }

  #listen() {
    const on = (event, react) => this.chat.on(event, ({ data }) => react(data));
    on(EVENT.SDK_READY, async () => {
      this.log.add("SDK_READY", "good");
      this.#showList((await this.chat.getBlacklist()).data);
    });
    on(EVENT.SDK_NOT_READY, () => this.log.add("SDK_NOT_READY", "warn"));
    on(EVENT.BLACKLIST_UPDATED, (list) => {
      this.log.add(`BLACKLIST_UPDATED [${list.join(", ")}]`);
      this.#showList(list);
    });
    on(EVENT.NET_STATE_CHANGE, ({ state }) => {
      this.#connected = state === TYPES.NET_STATE_CONNECTED;
      this.log.add(`NET_STATE_CHANGE ${state}`, this.#connected ? "" : "warn");
      this.#show();
    });
    on(EVENT.USERSIG_EXPIRING, () => this.log.add("USERSIG_EXPIRING", "warn"));
    on(EVENT.KICKED_OUT, ({ type, code, message }) => {
      this.log.add(`KICKED_OUT ${type} ${code} ${message}`, "bad");
      this.#end(endings[type] ?? message);
    });
    on(EVENT.ERROR, (error) => this.log.add(`ERROR ${error.code} ${error.message}`, "bad"));
  }

  // change blocks or unblocks. Made offline, the call waits in the SDK; its promise settles in any case.
  async #change(verb, userIDList) {
    const call = verb === "block" ? this.chat.addToBlacklist : this.chat.removeFromBlacklist;
    const lines = new Map(userIDList.map((id) => [id, this.log.add(`${verb} ${id}: waiting`, "warn")]));
    try {
      const { results } = await call.call(this.chat, { userIDList });
      for (const { userID, code, info } of results) {
        lines.get(userID)?.(`${verb} ${userID}: ${code} ${info}`, code === 0 ? "good" : "bad");
      }
    } catch (error) {
      for (const [id, set] of lines) set(`${verb} ${id}: ${error.code} ${error.message}`, "bad");
    }
  }

  // rest lets the app backend do something by REST.
  async #rest(path, userIDList) {
    const set = this.log.add(`REST ${path} …`);
    try {
      const answer = await post(path, userIDList ? { userID: this.userID, userIDList } : { userID: this.userID });
      const codes = answer.ResultItem?.map((item) => `${item.To_Account}: ${item.ResultCode}`) ?? [answer.ErrorCode];
      set(`REST ${path} ${codes.join(", ")}`);
    } catch (error) {
      set(`REST ${path} failed: ${error.message}`, "bad");
    }
  }

  #offer() {
    const actions = {
      login: () => this.connect(),
      logout: () => (this.#session ? this.logOut() : this.connect()),
      expire: async () => {
        if (this.#session) await this.logOut();
        await this.connect(expireSeconds);
      },
      offline: () => {
        if (this.#line.unplugged) this.#line.plug();
        else this.#line.unplug();
        this.#show();
      },
      "rest-block": () => this.#rest("app/block", ["rob"]),
      "rest-unblock": () => this.#rest("app/unblock", ["rob"]),
      "rest-kick": () => this.#rest("app/kick"),
    };
    for (const button of this.node.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => Promise.resolve(actions[button.dataset.do]()).catch(this.fail));
    }
    this.#part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const ids = event.target.elements.accounts.value.split(",").map((id) => id.trim()).filter(Boolean);
      if (ids.length > 0) this.#change(event.submitter?.value ?? "block", [...new Set(ids)]);
    });
    for (const name of ["online", "offline"]) addEventListener(name, () => this.#show());
  }

  #part(name) {
    return this.node.querySelector(`[data-part="${name}"]`);
  }

  #label(other) {
    const { node, userID } = this;
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

  #end(reason) {
    this.#session = false;
    this.#notice(reason);
    this.#show();
  }

  #notice(text) {
    const notice = this.node.querySelector(".notice");
    notice.querySelector("p").textContent = text;
    notice.hidden = text === "";
  }

  #show() {
    const offline = this.#line.unplugged || !navigator.onLine;
    const state = !this.#session ? "ended" : offline ? "offline" : this.#connected ? "ready" : "connecting";
    const badge = this.node.querySelector(".state");
    if (state === "ready" && badge.dataset.state !== "ready") badge.dataset.times = Number(badge.dataset.times ?? 0) + 1;
    badge.dataset.state = state;
    if (badge.textContent !== stateWords[state]) badge.textContent = stateWords[state]; // announced when it changes
    this.node.querySelector('[data-do="offline"]').setAttribute("aria-pressed", String(this.#line.unplugged));
    this.node.querySelector('[data-do="logout"]').textContent = this.#session ? "Log out" : "Log in";
  }

  #showList(list) {
    this.#part("count").textContent = list.length;
    this.#part("nobody").hidden = list.length > 0;
    this.#part("list").replaceChildren(...list.map((id) => this.#entry(id)));
  }

  #entry(id) {
    const button = element("button", { type: "button", "aria-label": `Unblock ${id}` }, "Unblock");
    button.addEventListener("click", () => this.#change("unblock", [id]));
    return element("li", { "data-blocked": id }, element("span", { class: "who" }, id), button);
  }
}
