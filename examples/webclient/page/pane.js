// A pane: one user with a connection of its own. What an app needs is in logIn, #listen and #change: log in with a UserSig
// of its own backend, show the list that the SDK keeps, and say what to do when the session ends.
import { create, EVENT, TYPES } from "./kith.min.js";
import { Line } from "./line.js";
import { getUserSig, post } from "./server.js";
import { View } from "./view.js";

const endings = {
  [TYPES.KICKED_OUT_MULT_DEVICE]: "Another tab logged in, and this app allows only so many per user.",
  [TYPES.KICKED_OUT_REST_API]: "The app backend kicked this user, which ends all sessions and voids the UserSigs.",
  [TYPES.KICKED_OUT_USERSIG_EXPIRED]: "The UserSig has expired, and there was no new one.",
  [TYPES.KICKED_OUT_REFUSED]: "The server refuses this session.",
};

// shortTicket is the lifetime in seconds of the ticket that is to expire.
const shortTicket = 3;

export class Pane {
  #line = new Line();
  #session = false; // from login until logout, kick or expiry; a lost connection does not end it
  #connected = false;
  #login = 0; // at the app backend
  #mayRenew = true;

  constructor({ settings, userID, other, fail }) {
    this.userID = userID;
    this.view = new View(userID, other);
    this.view.onChange((verb, userIDList) => this.#change(verb, userIDList));
    this.view.onAction(this.#actions(), fail);
    for (const name of ["online", "offline"]) addEventListener(name, () => this.#show());
    this.chat = create({
      SDKAppID: settings.SDKAppID,
      url: settings.url,
      webSocket: this.#line.webSocket,
      getUserSig: () => this.#renew(), // asked when the ticket ends, or is not good any more
    });
    this.#listen();
    this.#show();
  }

  // logIn logs in with a ticket that lives for so many seconds and is not renewed; 0 means one that is.
  async logIn(seconds = 0) {
    this.#session = true;
    this.#mayRenew = seconds === 0;
    this.view.showNotice("");
    this.#show();
    try {
      const { userSig, login } = await getUserSig(this.userID, { seconds });
      this.#login = login;
      await this.chat.login({ userID: this.userID, userSig });
    } catch (error) {
      this.view.log.add(`login ${error.code ?? ""} ${error.message}`, "bad");
      if (this.#session) this.#end(`The login failed: ${error.message}`);
    }
  }

  // #renew gets a new ticket, or an empty one if this login has ended.
  async #renew() {
    if (!this.#mayRenew) return "";
    return (await getUserSig(this.userID, { login: this.#login })).userSig;
  }

  async logOut() {
    await this.chat.logout();
    this.#end("");
  }

  #listen() {
    const { log } = this.view;
    const on = (event, react) => this.chat.on(event, ({ data }) => react(data));
    on(EVENT.SDK_READY, async () => {
      log.add("SDK_READY", "good");
      this.view.showList((await this.chat.getBlacklist()).data);
    });
    on(EVENT.SDK_NOT_READY, () => log.add("SDK_NOT_READY", "warn"));
    on(EVENT.BLACKLIST_UPDATED, (list) => {
      log.add(`BLACKLIST_UPDATED [${list.join(", ")}]`);
      this.view.showList(list);
    });
    on(EVENT.NET_STATE_CHANGE, ({ state }) => {
      this.#connected = state === TYPES.NET_STATE_CONNECTED;
      log.add(`NET_STATE_CHANGE ${state}`, this.#connected ? "" : "warn");
      this.#show();
    });
    on(EVENT.USERSIG_EXPIRING, () => log.add("USERSIG_EXPIRING", "warn"));
    on(EVENT.KICKED_OUT, ({ type, code, message }) => {
      log.add(`KICKED_OUT ${type} ${code} ${message}`, "bad");
      this.#end(endings[type] ?? message);
    });
    on(EVENT.ERROR, ({ code, message }) => log.add(`ERROR ${code} ${message}`, "bad"));
  }

  // #change blocks or unblocks. Made offline, the call waits in the SDK; its promise settles in any case.
  async #change(verb, userIDList) {
    const lines = new Map(userIDList.map((id) => [id, this.view.log.add(`${verb} ${id}: waiting`, "warn")]));
    try {
      const call = verb === "block" ? "addToBlacklist" : "removeFromBlacklist";
      const { results } = await this.chat[call]({ userIDList });
      for (const { userID, code, info } of results) {
        lines.get(userID)?.(`${verb} ${userID}: ${code} ${info}`, code === 0 ? "good" : "bad");
      }
    } catch ({ code, message }) {
      for (const [id, set] of lines) set(`${verb} ${id}: ${code} ${message}`, "bad");
    }
  }

  // #rest lets the app backend do something for this user, by REST.
  async #rest(path, userIDList) {
    const set = this.view.log.add(`REST ${path}: waiting`, "warn");
    try {
      const answer = await post(path, { userID: this.userID, userIDList });
      const codes = answer.ResultItem?.map((item) => `${item.To_Account} ${item.ResultCode}`);
      set(`REST ${path}: ${codes?.join(", ") ?? answer.ErrorCode}`);
    } catch (error) {
      set(`REST ${path}: ${error.message}`, "bad");
    }
  }

  #actions() {
    return {
      login: () => this.logIn(),
      logout: () => (this.#session ? this.logOut() : this.logIn()),
      expire: async () => {
        if (this.#session) await this.logOut();
        await this.logIn(shortTicket);
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
  }

  #end(reason) {
    this.#session = false;
    this.view.showNotice(reason);
    this.#show();
  }

  #show() {
    const { unplugged } = this.#line;
    const offline = unplugged || !navigator.onLine;
    const state = !this.#session ? "ended" : offline ? "offline" : this.#connected ? "ready" : "connecting";
    this.view.showState(state, unplugged);
  }
}
