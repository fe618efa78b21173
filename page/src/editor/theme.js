/** How the editors look: the colours of the page, which change with dark and light by themselves. */
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.heading, tags.atom], color: "var(--accent)" },
  { tag: tags.string, color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--must)" },
  { tag: [tags.comment, tags.punctuation, tags.separator], color: "var(--soft)" },
]);

const look = EditorView.theme({
  "&": {
    maxHeight: "var(--editor-height, 26rem)",
    minHeight: "6rem",
    color: "var(--ink)",
    backgroundColor: "var(--paper)",
    fontSize: ".8125rem",
  },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: ".5rem 0" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--soft)", borderRight: "1px solid var(--line)" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "2.2em", padding: "0 .5em 0 .4em" },
  "&.cm-focused .cm-matchingBracket, .cm-matchingBracket": { backgroundColor: "var(--tint)", outline: "1px solid var(--accent)" },
  "&.cm-focused .cm-nonmatchingBracket, .cm-nonmatchingBracket": { backgroundColor: "var(--bad-tint)" },
  ".cm-source": { backgroundColor: "var(--mark)", borderRadius: "3px", boxShadow: "0 0 0 1px var(--must)" },
  ".cm-line.cm-sourceLine": { backgroundColor: "var(--mark)", boxShadow: "inset 3px 0 0 var(--must)" },
  ".cm-unseen": {
    backgroundColor: "var(--bad-tint)",
    color: "var(--bad)",
    border: "1px solid var(--bad)",
    borderRadius: "3px",
    fontSize: ".7em",
    padding: "0 .2em",
  },
  ".cm-placeholder": { color: "var(--soft)" },
  ".cm-searchMatch": { backgroundColor: "var(--mark)" },
  ".cm-searchMatch-selected": { outline: "2px solid var(--accent)" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--ink)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: ".4rem .5rem", fontFamily: "system-ui, sans-serif" },
  ".cm-panel.cm-search label": { fontSize: ".8125rem", whiteSpace: "nowrap" },
  ".cm-textfield": { backgroundColor: "var(--paper)", color: "var(--ink)", border: "1px solid var(--soft)", borderRadius: "6px" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--paper)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "6px" },
  ".cm-panel button[name=close]": { color: "var(--ink)" },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "var(--tint)", color: "var(--ink)" },
  ".cm-tooltip": {
    backgroundColor: "var(--paper)",
    color: "var(--ink)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    boxShadow: "0 6px 20px rgb(0 0 0 / 20%)",
    maxWidth: "min(32rem, 90vw)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "14rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: ".15rem .6rem" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionDetail": { color: "var(--soft)", fontStyle: "normal", fontFamily: "system-ui, sans-serif" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionInfo": { padding: ".5rem .75rem", fontFamily: "system-ui, sans-serif", maxWidth: "20rem" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-diagnostic": { fontFamily: "system-ui, sans-serif", padding: ".35rem .6rem", borderLeft: "4px solid var(--bad)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad) 1.5px", textUnderlineOffset: "3px" },
  ".cm-lintPoint-error::after": { borderBottomColor: "var(--bad)" },
});

export const theme = [syntaxHighlighting(colours), look];
