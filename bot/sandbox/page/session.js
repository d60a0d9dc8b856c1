// One person's connection: the event stream, and the state read anew whenever the stream begins.
import { get, listen } from "./api.js";
import { apply, emit, store } from "./store.js";

const AGAIN = 2000; // milliseconds until a state that could not be read is asked for once more

/**
 * Follow what `user` sees. `onState` gets each whole state, `onTrouble` what went wrong. Returns a function that ends it.
 * Events that come while a state is being read wait for it: none is lost, none is applied to the wrong state.
 */
export function openSession(user, { onState, onTrouble }) {
  let waiting = [];
  let reading = 0;
  let ended = false;

  const read = async () => {
    reading += 1;
    const mine = reading;
    const isOld = () => ended || mine !== reading;
    waiting = [];
    try {
      const state = await get(`/ui/state?user=${encodeURIComponent(user)}`);
      if (isOld()) return;
      onState(state);
      const late = waiting;
      waiting = null;
      late.forEach(apply);
    } catch (error) {
      if (isOld()) return;
      onTrouble(error);
      if (store.connection === "open") setTimeout(() => isOld() || read(), AGAIN);
    }
  };

  const end = listen(user, {
    onEvent(event) {
      if (event.type === "hello" || event.type === "reset") read();
      else if (waiting) waiting.push(event);
      else apply(event);
    },
    onState(connection) {
      store.connection = connection;
      if (!store.ready && connection === "lost")
        onTrouble(new Error("The sandbox can't be reached. Is it still running?"));
      emit("connection");
    },
  });
  return () => {
    ended = true;
    end();
  };
}
