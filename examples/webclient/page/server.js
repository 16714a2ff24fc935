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

// A real app asks its backend after its own login; see ticket.go.
export async function getUserSig(userID, seconds = 0) {
  return (await post("usersig", { userID, seconds })).userSig;
}
