// Where the data comes from: our own server on this machine, or, as an MCP App, the host that shows the page.
// A feed is { live, begin({ changed, state, themed }), read(period) }.

const EMBEDDED = window.parent !== window;

function serverFeed() {
  return {
    begin({ changed, state }) {
      const events = new EventSource("events");
      events.onopen = () => {
        state(true, "Live");
        changed(); // whatever was written while nobody listened
      };
      events.onmessage = changed;
      events.onerror = () => state(false, "Not connected: the dashboard has ended, or this machine slept");
    },
    async read(period) {
      const answer = await fetch(`data?period=${encodeURIComponent(period)}`);
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.error);
      return told;
    },
  };
}

const FIRST_LOOK_MS = 5_000;
const RAREST_LOOK_MS = 60_000;

/** JSON-RPC over postMessage, as the MCP Apps extension of 2026-01-26 has it. */
function hostFeed() {
  const waiting = new Map();
  const heard = {};
  let last = 0;
  let size = 0;
  let timer = 0;
  let pause = FIRST_LOOK_MS;
  let before = "";
  const send = (message) => window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*"); // no origin is told

  function ask(method, params) {
    const id = ++last;
    send({ id, method, params });
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  }

  const requests = {
    ping: () => ({}),
    "ui/resource-teardown": () => {
      clearTimeout(timer);
      pause = 0;
      return {};
    },
  };
  const notices = {
    "ui/notifications/tool-result": () => heard.changed(),
    "ui/notifications/host-context-changed": (params) => heard.themed(params),
  };

  window.addEventListener("message", ({ source, data }) => {
    if (source !== window.parent || data?.jsonrpc !== "2.0") return;
    if (data.method === undefined) {
      const asked = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.error) asked?.reject(new Error(data.error.message));
      else asked?.resolve(data.result);
    } else if (data.id === undefined) {
      notices[data.method]?.(data.params ?? {});
    } else if (requests[data.method]) {
      send({ id: data.id, result: requests[data.method]() });
    } else {
      send({ id: data.id, error: { code: -32601, message: "Method not found" } });
    }
  });

  // A page cannot subscribe through its host: it looks again, rarely while nothing changes, never while unseen.
  function lookLater() {
    clearTimeout(timer);
    if (pause && !document.hidden) timer = setTimeout(() => heard.changed(), pause);
  }

  return {
    async begin({ changed, state, themed }) {
      Object.assign(heard, { changed, themed });
      const told = await ask("ui/initialize", {
        protocolVersion: "2026-01-26",
        appInfo: { name: "delegate-budget", version: "1" },
        appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
      });
      themed(told.hostContext ?? {});
      send({ method: "ui/notifications/initialized", params: {} });
      new ResizeObserver(() => {
        const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
        if (height !== size) {
          size = height;
          send({ method: "ui/notifications/size-changed", params: { width: document.body.scrollWidth, height } });
        }
      }).observe(document.documentElement);
      document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : changed()));
      state(true, `In ${told.hostInfo?.name ?? "your host"}`);
      changed();
    },
    async read(period) {
      try {
        const { contents } = await ask("resources/read", { uri: `dashboard://${period}` });
        const text = contents[0].text;
        const told = JSON.parse(text);
        const now = JSON.stringify([told.steps, told.batches, told.calls]);
        pause = now === before && pause ? Math.min(pause * 2, RAREST_LOOK_MS) : pause && FIRST_LOOK_MS;
        before = now;
        return told;
      } finally {
        lookLater();
      }
    },
  };
}
