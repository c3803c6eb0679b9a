/** The menu with what is not needed every minute, and the list of keys. */
import { make } from "./ui";

export interface MenuItem {
  text: string;
  title: string;
  action: () => void;
  /** Asked whenever the menu opens; items that have nothing to do are hidden. */
  shown?: () => boolean;
}

/** A button that opens a list of actions; Escape or a click elsewhere closes it. */
export function menu(button: HTMLButtonElement, items: MenuItem[]): HTMLElement {
  const list = make("div", { class: "menu" });
  list.setAttribute("role", "menu");
  list.hidden = true;
  button.setAttribute("aria-haspopup", "menu");
  const entries = items.map((item) => {
    const entry = make("button", { text: item.text, title: item.title });
    entry.setAttribute("role", "menuitem");
    entry.addEventListener("click", () => {
      show(false);
      item.action();
    });
    list.append(entry);
    return entry;
  });
  const show = (on: boolean) => {
    if (on) items.forEach((item, i) => (entries[i].hidden = item.shown !== undefined && !item.shown()));
    list.hidden = !on;
    button.setAttribute("aria-expanded", String(on));
    if (on) entries.find((entry) => entry.hidden === false)?.focus();
  };
  show(false);
  button.addEventListener("click", () => show(list.hidden === true));
  list.addEventListener("keydown", (event) => {
    const there = entries.filter((entry) => entry.hidden === false);
    const at = there.indexOf(document.activeElement as HTMLButtonElement);
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) there[(at + by + there.length) % there.length].focus();
    else if (event.key === "Escape") {
      show(false);
      button.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!list.hidden && !list.contains(event.target as Node) && !button.contains(event.target as Node)) show(false);
  });
  return make("div", { class: "anchor" }, button, list);
}

const KEYS: [string, string][] = [
  ["Space, K", "play or pause"],
  ["← →", "2 s back, on"],
  ["Page Up, Page Down", "10 s on, back"],
  [", .", "one frame back, on"],
  ["Home, End", "to the start, to the end"],
  ["A, B, X", "loop from here, to here, no more"],
  ["L", "loop the whole dance"],
  ["N, P", "next, previous marked frame"],
  ["1 2 3", "camera follows, from the front, free"],
  ["S", "skeleton"],
  ["G", "original on or off"],
  ["M", "which joint plays which part"],
  ["F", "full screen"],
  ["- +", "slower, faster"],
  ["[ ]", "picture earlier, later against the sound"],
  ["?", "these keys"],
];

/** The list of keys as a dialog. */
export function helpDialog(): HTMLDialogElement {
  const rows = KEYS.flatMap(([keys, text]) => [make("dt", { text: keys }), make("dd", { text })]);
  const close = make("button", { class: "close", text: "Close" });
  const dialog = make("dialog", { class: "help", label: "Keys" }, make("div", { class: "mapping-head" }, make("h2", { text: "Keys" }), close), make("dl", {}, ...rows));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
  return dialog;
}
