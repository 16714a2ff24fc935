// The page: a pane for each user, the callback log, and what can be done to Kith itself. With ?user=mira there is only
// mira's pane: a second tab.
import { followCallbacks } from "./callbacks.js";
import { Pane } from "./pane.js";
import { getSettings, post } from "./server.js";

const problem = document.querySelector("#problem");

async function start() {
  const settings = await getSettings();
  const asked = new URLSearchParams(location.search).get("user");
  const users = settings.users.includes(asked) ? [asked] : settings.users;
  if (users.length === 1) document.title = `${asked}, a second tab`;
  for (const userID of users) {
    const other = settings.users.find((name) => name !== userID);
    const pane = new Pane({ settings, userID, other, fail });
    document.querySelector("#users").append(pane.view.node);
    pane.logIn();
  }
  followCallbacks();
  if (users.length > 1) offerServer(settings);
}

function offerServer({ restart, devices }) {
  const button = document.querySelector("#restart");
  button.hidden = !restart;
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Restarting";
    await post("kith/restart").catch(fail);
    button.textContent = "Restart Kith";
    button.disabled = false;
  });
  const select = document.querySelector("#devices");
  document.querySelector("#devices-label").hidden = !devices;
  select.addEventListener("change", () => {
    post("kith/devices", { limit: Number(select.value) }).then(() => { select.dataset.set = select.value; }, fail);
  });
  document.querySelector("#server").hidden = false;
}

// fail shows what went wrong on the page's own side, such as its server being gone.
function fail(error) {
  problem.textContent = `${error.message ?? error}`;
  problem.hidden = false;
}

start().catch(fail);
