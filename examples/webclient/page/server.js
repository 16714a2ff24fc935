// Calls to the page's own server, which plays the app backend.

export async function post(path, body = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

export async function getSettings() {
  return (await fetch("settings")).json();
}

// What a real app's backend asks of the user before it gives a ticket, and before it renews one, is said in ticket.go. An
// empty userSig says that this login has ended.
export function getUserSig(userID, { seconds = 0, login = 0 } = {}) {
  return post("usersig", { userID, seconds, login });
}
