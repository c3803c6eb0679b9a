/** Which joint of a character plays which part of the body, as a list whose rows mark the joint. */
import type { Character } from "./character";
import { make } from "./ui";

const ORDER = ["Hips", "Spine", "Spine1", "Neck", "Head", ...["Left", "Right"].flatMap((side) =>
  ["Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase"].map((part) => side + part))];

export function mappingPanel(character: Character, names: Record<string, string>, onClose: () => void): HTMLElement {
  const close = make("button", { class: "close", text: "Close" });
  close.addEventListener("click", onClose);
  const rows = ORDER.map((role) => {
    const joint = names[role];
    const row = make("button", { class: joint ? "part" : "part missing", title: joint ? `Show ${joint}` : "No joint plays this part" },
      make("span", { text: role }), make("span", { text: joint ?? "–" }));
    const mark = () => character.mark(joint ? role : null);
    row.addEventListener("pointerenter", mark);
    row.addEventListener("focus", mark);
    row.addEventListener("click", mark);
    return row;
  });
  const known = ORDER.filter((role) => names[role]).length;
  return make("aside", { class: "mapping", label: "Parts of the body" },
    make("div", { class: "mapping-head" }, make("h2", { text: `${character.name}: ${known} of ${ORDER.length} parts` }), close),
    make("div", { class: "parts" }, ...rows));
}
