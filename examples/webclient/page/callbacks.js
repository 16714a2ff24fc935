// The app backend's callback log, from its server-sent events. A lost stream comes back by itself and goes on where it was.
import { clock, element } from "./dom.js";

const list = document.querySelector("#callbacks");
const empty = document.querySelector("#no-callbacks");
const state = document.querySelector("#callbacks-state");
const shown = 50;

export function followCallbacks() {
  const stream = new EventSource("callbacks");
  stream.onopen = () => show("ready", "Listening");
  stream.onerror = () => show("connecting", "Reconnecting");
  stream.onmessage = (event) => {
    list.prepend(entry(JSON.parse(event.data)));
    empty.hidden = true;
    if (list.children.length > shown) list.lastElementChild.remove();
  };
}

function show(name, text) {
  state.dataset.state = name;
  state.textContent = text;
}

function entry(callback) {
  const kind = callback.CallbackCommand.endsWith("Delete") ? "delete" : "add";
  const item = element("li", { class: kind },
    element("div", { class: "head" },
      element("code", {}, callback.CallbackCommand),
      element("time", {}, clock(callback.time))),
    element("ul", { class: "pairs" }, ...lines(callback).map((line) => element("li", {}, line))),
    element("dl", {},
      ...field("OptPlatform", callback.OptPlatform), ...field("ClientIP", callback.ClientIP),
      ...field("webhook-id", callback.webhookID), ...field("attempt", callback.attempt)));
  item.dataset.command = callback.CallbackCommand;
  return item;
}

function lines({ pairs, info }) {
  if (info) return [`${info.To_Account}: ${info.Action} (${info.Reason})`];
  return (pairs ?? []).map((pair) => `${pair.From_Account} → ${pair.To_Account}`);
}

function field(name, value) {
  return [element("dt", {}, name), element("dd", { "data-field": name }, value)];
}
