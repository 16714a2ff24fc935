// The calls and events of a pane, newest first.
import { clock, element } from "./dom.js";

const kept = 60;

export class Log {
  constructor(node) {
    this.node = node;
  }

  // add shows a line and returns a function that replaces its text. kind is good, warn, bad or empty.
  add(text, kind = "") {
    const words = element("span");
    const set = (newText, newKind = "") => {
      words.textContent = newText;
      words.className = newKind;
    };
    set(text, kind);
    this.node.prepend(element("li", {}, element("time", {}, clock(Date.now())), words));
    if (this.node.children.length > kept) this.node.lastElementChild.remove();
    return set;
  }
}
