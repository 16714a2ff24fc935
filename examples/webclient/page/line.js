// The network of one pane, with a plug to pull: while it is out, connections break and new ones fail, as without a network.
// The SDK takes any class in place of WebSocket.

export class Line {
  #sockets = new Set();
  unplugged = false;

  // webSocket is the class for the SDK.
  get webSocket() {
    const connect = (url) => this.#connect(url);
    return function Socket(url) { return connect(url); };
  }

  unplug() {
    this.unplugged = true;
    for (const socket of this.#sockets) fail(socket);
    this.#sockets.clear();
  }

  plug() {
    this.unplugged = false;
    dispatchEvent(new Event("online")); // what a browser tells when its network is back
  }

  #connect(url) {
    if (this.unplugged) {
      const socket = { send() {}, close() {} };
      queueMicrotask(() => fail(socket));
      return socket;
    }
    const socket = new WebSocket(url);
    socket.addEventListener("close", () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    return socket;
  }
}

// fail tells the SDK that the connection is lost, without a word from the server.
function fail(socket) {
  const { onclose } = socket;
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close();
  onclose?.({ code: 1006, reason: "" });
}
