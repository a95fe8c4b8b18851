// The half of a host that stands by the panel; see halves.js.

const halves = (globalThis.graphflow ??= {});

export default function panel(host) {
  halves.panel = host;
  if (halves.changed) halves.changed();
  return () => {
    if (halves.panel === host && !host.parentElement.isConnected) halves.panel = null;
  };
}
