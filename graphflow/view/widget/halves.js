// A host in two halves: the one by the picture sends drawing, schedule and looks; the one by the
// panel (panel.js, a mount of its own) sends cursor and marks, and hears of them. A page that draws
// each half by itself pays for no picture at a step, and for no panel where a group is opened.

const BY_THE_PANEL = new Set(['cursor', 'selected', 'breakpoint', 'watch', 'open']);
const halves = (globalThis.graphflow ??= {});

/** Show what both halves say, now and whenever the panel's says something else. */
function join(graph, picture) {
  graph.joined = () => halves.panel && graph.update(joined(picture, halves.panel));
  halves.changed = graph.joined;
  halves.changed();
}

function part(graph) {
  if (halves.changed === graph.joined) halves.changed = null;
}

/** One host; of what both say, the later one holds. */
function joined(picture, panel) {
  const said = [picture.data, panel.data].sort((a, b) => a.turn - b.turn);
  const hears = (name, value) => BY_THE_PANEL.has(name)
    || (name === 'option' && value.name === 'stop_above') ? panel : picture;
  const marks = Object.assign({}, ...said.map((each) => each.marks));
  const data = Object.assign({}, ...said, { marks });
  if (data.drawing && data.drawing.rev !== data.rev) delete data.drawing;
  return {
    data,
    setStateValue: (name, value) => hears(name, value).setStateValue(name, value),
    setTriggerValue: (name, value) => hears(name, value).setTriggerValue(name, value),
  };
}
