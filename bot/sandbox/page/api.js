// The page's only door to the server: JSON calls under /ui/ and the event stream.

class ApiError extends Error {
  constructor(code, message, body = {}) {
    super(message);
    this.code = code;
    this.body = body;
  }
}

const UNREACHABLE = "The sandbox can't be reached. Is it still running? What you typed is kept.";

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (cause) {
    throw new ApiError("unreachable", UNREACHABLE, { cause });
  }
  let body = null;
  try {
    body = await response.json();
  } catch {
    throw new ApiError("not_json", `The sandbox answered with something unreadable (HTTP ${response.status}).`);
  }
  if (!response.ok || body.ok === false) {
    throw new ApiError(body.error ?? `http_${response.status}`, body.message ?? describe(body, response), body);
  }
  return body;
}

function describe(body, response) {
  return body.error
    ? `The sandbox refused this: ${body.error}.`
    : `The sandbox refused this (HTTP ${response.status}).`;
}

export const get = (path) => request(path, { headers: { accept: "application/json" } });

export const post = (path, body) =>
  request(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });

/**
 * Keep one event stream open for `user`. `onEvent` gets every event; `onState` gets "open" or "lost".
 * Returns a function that ends it. EventSource gives up on some errors for good, so reconnecting is ours.
 */
export function listen(user, { onEvent, onState }) {
  let source = null;
  let timer = null;
  let attempt = 0;
  let ended = false;

  const connect = () => {
    source = new EventSource(`/ui/events?user=${encodeURIComponent(user)}`);
    source.onmessage = (message) => {
      let event;
      try {
        event = JSON.parse(message.data);
      } catch {
        return; // A damaged line is dropped; the state is read again on the next hello.
      }
      if (event.type === "hello") {
        attempt = 0;
        onState("open");
      }
      onEvent(event);
    };
    source.onerror = () => {
      source.close();
      if (ended) return;
      onState("lost");
      attempt += 1;
      timer = setTimeout(connect, Math.min(8000, 400 * 2 ** Math.min(attempt, 5)));
    };
  };
  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    source.close();
  };
}
