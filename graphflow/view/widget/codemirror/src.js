// The editor of the studio: CodeMirror 6 as a component of Streamlit (st.components.v2).
//
// Python gives `data`, see ui/widgets/editor.py; this file gives back the text. The text lives here:
// what Python sends is shown only when `serial` differs, so that no answer ever moves the cursor.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap }
  from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, HighlightStyle, indentOnInput,
  indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, RangeSet, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, GutterMarker, gutterLineClass,
  highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const PAUSE = 250; // milliseconds without a key until Python sees the text, and the line

// -- what is unsaved outlives the page, in the tab that it was written in -------------------------
const KEPT = "graphflow-draft-";

function keep(name, text) {
  try {
    if (text === null) sessionStorage.removeItem(KEPT + name);
    else sessionStorage.setItem(KEPT + name, text);
  } catch { /* a browser that keeps nothing, or has no room for it */ }
}

function recall(name) {
  try {
    return sessionStorage.getItem(KEPT + name);
  } catch {
    return null;
  }
}

// -- colours: the theme's own variables, so that light and dark follow it -----------------------
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: "gf-key" },
  { tag: [tags.string, tags.content, tags.attributeValue], class: "gf-value" },
  { tag: tags.comment, class: "gf-comment" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], class: "gf-mark" },
  { tag: [tags.keyword, tags.meta, tags.typeName, tags.labelName], class: "gf-word" },
]);

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--gf-text)", backgroundColor: "var(--gf-paper)",
    fontSize: "13.5px" },
  "&.cm-focused": { outline: "2px solid var(--gf-accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--gf-font)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--gf-text)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--gf-text)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--gf-side)", color: "var(--gf-quiet)",
    borderRight: "1px solid var(--gf-line)" },
  ".cm-activeLine": { backgroundColor: "var(--gf-active)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--gf-active)", color: "var(--gf-text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--gf-selected) !important" },
  ".cm-selectionMatch, .cm-searchMatch": { backgroundColor: "var(--gf-found)",
    outline: "1px solid var(--gf-line)" },
  ".cm-searchMatch-selected": { outline: "2px solid var(--gf-accent)" },
  ".gf-here": { backgroundColor: "var(--gf-active)",
    boxShadow: "inset 4px 0 0 var(--gf-accent)" },
  ".gf-here-gutter": { color: "var(--gf-accent)", fontWeight: "700" },
  ".cm-panels": { backgroundColor: "var(--gf-side)", color: "var(--gf-text)" },
  ".cm-tooltip": { backgroundColor: "var(--gf-paper)", color: "var(--gf-text)",
    border: "1px solid var(--gf-line)", maxWidth: "34rem" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--gf-accent)",
    color: "var(--gf-paper)" },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.8" },
  ".cm-panel.cm-search input, .cm-panel button, .cm-panel.cm-search label": { color: "inherit",
    fontSize: "13px" },
  ".cm-textfield, .cm-button": { backgroundColor: "var(--gf-paper)", backgroundImage: "none",
    border: "1px solid var(--gf-line)", color: "inherit" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--gf-side)", color: "var(--gf-text)",
    border: "1px solid var(--gf-line)" },
  ".gf-help": { display: "block", color: "var(--gf-quiet)", marginTop: "2px" },
});

// -- lines of a node that is shown elsewhere ----------------------------------------------------
const markLines = StateEffect.define();
const hereLine = Decoration.line({ class: "gf-here" });
const hereGutter = new (class extends GutterMarker { elementClass = "gf-here-gutter"; })();
const marked = StateField.define({
  create: () => ({ lines: Decoration.none, gutter: RangeSet.empty }),
  update(value, change) {
    let { lines, gutter } = value;
    lines = lines.map(change.changes);
    gutter = gutter.map(change.changes);
    for (const effect of change.effects) {
      if (!effect.is(markLines)) continue;
      const starts = effect.value.filter((n) => n >= 1 && n <= change.state.doc.lines)
        .map((n) => change.state.doc.line(n).from).sort((a, b) => a - b);
      lines = Decoration.set(starts.map((at) => hereLine.range(at)));
      gutter = RangeSet.of(starts.map((at) => hereGutter.range(at)));
    }
    return { lines, gutter };
  },
  provide: (field) => [
    EditorView.decorations.from(field, (value) => value.lines),
    gutterLineClass.from(field, (value) => value.gutter),
  ],
});

// -- findings -----------------------------------------------------------------------------------
function position(doc, line, column) {
  const row = doc.line(Math.min(Math.max(1, line), doc.lines));
  return Math.min(row.from + Math.max(0, column - 1), row.to);
}

function told(finding) {
  const box = document.createElement("div");
  const message = document.createElement("span");
  message.textContent = finding.message;
  box.append(message);
  if (finding.help) {
    const help = document.createElement("span");
    help.className = "gf-help";
    help.textContent = finding.help;
    box.append(help);
  }
  return box;
}

function placed(doc, finding) {
  const from = position(doc, finding.line, finding.column);
  const to = Math.min(from + Math.max(1, finding.length), doc.lineAt(from).to);
  return { from, to: Math.max(from, to), severity: finding.severity, source: finding.code,
    message: finding.help ? `${finding.message}. ${finding.help}` : finding.message,
    renderMessage: () => told(finding) };
}

// -- words that may follow ----------------------------------------------------------------------
/** The key at the left margin above a line: the section that the line stands in. */
function section(doc, number) {
  for (let n = number - 1; n >= 1; n -= 1) {
    const key = /^([A-Za-z_]\w*):/.exec(doc.line(n).text);
    if (key) return key[1];
  }
  return "";
}

function names(doc) {
  const found = new Set();
  for (const line of doc.iterLines()) {
    const name = /^\s+([A-Za-z_]\w*):/.exec(line);
    if (name) found.add(name[1]);
  }
  return [...found];
}

function completions(words) {
  return (context) => {
    const word = context.matchBefore(/[A-Za-z_][\w.]*/);
    if (!word && !context.explicit) return null;
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, (word ? word.from : context.pos) - line.from);
    const keys = before.trim() === "" || /[{,]\s*$|^\s*-\s*$/.test(before);
    const where = before === "" ? "" : section(context.state.doc, line.number);
    const known = words.keys[where] || [];
    const options = keys ? known.map((label) => ({ label, type: "property", apply: `${label}: ` })) : [];
    if (before !== "") {
      for (const [detail, known] of Object.entries(words.functions))
        options.push(...known.map((label) =>
          ({ label, detail, type: "function", boost: keys ? -1 : 0 })));
      options.push(...names(context.state.doc).map((label) => ({ label, type: "variable" })));
    }
    return { from: word ? word.from : context.pos, options, validFor: /^[\w.]*$/ };
  };
}

// -- one editor, as long as its element stands --------------------------------------------------
class Editor {
  constructor(element) {
    this.element = element;
    this.serial = null;
    this.count = 0; // texts told so far; findings say which one they belong to
    this.words = new Compartment();
    this.label = new Compartment();
    this.wordsRev = null;
  }

  open(data) {
    this.view = new EditorView({ parent: this.element, root: this.element.getRootNode(),
      state: this.state(data) });
  }

  state(data) {
    const apply = () => { this.tell(); this.out.trigger("apply", this.edited()); return true; };
    return EditorState.create({ doc: data.text, extensions: [
      lineNumbers(), highlightActiveLineGutter(), lintGutter(), codeFolding(), foldGutter(),
      history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
      highlightActiveLine(), highlightSelectionMatches(), search({ top: true }), marked,
      yaml(), syntaxHighlighting(colours), look, indentUnit.of("  "), EditorView.lineWrapping,
      EditorState.tabSize.of(2), this.words.of([]), this.label.of([]),
      keymap.of([{ key: "Mod-s", run: apply, preventDefault: true },
        { key: "Mod-Enter", run: apply }, ...closeBracketsKeymap, ...defaultKeymap,
        ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap,
        indentWithTab]),
      EditorView.updateListener.of((update) => this.changed(update)),
    ] });
  }

  edited() {
    return { text: this.view.state.doc.toString(), serial: this.serial, count: this.count };
  }

  changed(update) {
    if (update.docChanged && !this.receiving) {
      this.count += 1;
      keep(this.draft, update.state.doc.toString());
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.tell(), PAUSE);
    }
    if (update.selectionSet && !this.receiving) {
      clearTimeout(this.moving);
      this.moving = setTimeout(() => this.tellLine(), PAUSE);
    }
  }

  line() {
    const { doc, selection } = this.view.state;
    return doc.lineAt(selection.main.head).number;
  }

  tellLine() {
    if (this.toldLine === this.line()) return;
    this.toldLine = this.line();
    this.out.state("line", this.toldLine);
  }

  tell() {
    clearTimeout(this.waiting);
    if (this.told === this.count) return;
    this.told = this.count;
    this.out.state("edited", this.edited());
  }

  show(data) {
    this.element.style.height = data.height;
    const fresh = !this.view;
    if (fresh) this.open(data);
    const put = this.serial !== data.serial;
    if (put) this.replace(data);
    if (fresh) this.recover(data);
    else if (put) {
      keep(this.draft, null);
      keep(data.draft, data.text);
    }
    this.draft = data.draft;
    if (this.wordsRev !== data.words.rev) {
      this.wordsRev = data.words.rev;
      const source = autocompletion({ override: [completions(data.words)], icons: false });
      const label = EditorView.contentAttributes.of({ "aria-label": data.label });
      this.view.dispatch({ effects: [this.words.reconfigure(source), this.label.reconfigure(label)] });
    }
    if (data.count === this.count) {
      const found = data.findings.map((finding) => placed(this.view.state.doc, finding));
      this.view.dispatch(setDiagnostics(this.view.state, found));
      this.view.dispatch({ effects: markLines.of(data.marked) });
    }
    if (data.reveal && data.reveal.serial !== this.revealed) this.reveal(data.reveal);
  }

  replace(data) {
    this.serial = data.serial;
    this.told = this.count = data.count;
    if (this.view.state.doc.toString() === data.text) return;
    this.receiving = true;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: data.text },
      selection: { anchor: 0 }, scrollIntoView: true });
    this.receiving = false;
  }

  /** Have back what was written and Python does not know, as after a reload. */
  recover(data) {
    const kept = recall(data.draft);
    this.draft = data.draft;
    if (kept !== null && kept !== data.text)
      this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: kept } });
  }

  reveal({ line, column, serial, focus }) {
    this.revealed = serial;
    if (!focus) this.toldLine = line;
    const at = position(this.view.state.doc, line, column);
    this.view.dispatch({ selection: { anchor: at },
      effects: EditorView.scrollIntoView(at, { y: "center" }) });
    if (focus) this.view.focus();
  }

  close() {
    clearTimeout(this.waiting);
    clearTimeout(this.moving);
    this.view.destroy();
  }
}

const editors = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const element = parentElement.querySelector(".gf-editor");
  if (!editors.has(element)) editors.set(element, new Editor(element));
  const editor = editors.get(element);
  editor.out = { state: setStateValue, trigger: setTriggerValue };
  editor.show(data);
  return () => {
    if (element.isConnected) return; // called again with other data: the editor stays
    editor.close();
    editors.delete(element);
  };
}
