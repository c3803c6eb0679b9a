/** Which object of a character's file plays which part of the body, told by names: for files that are dropped onto the page. */
import * as THREE from "three";

const SIDES = ["Left", "Right"] as const;

/** Words of a joint's name, without its side, by part. The first that fits decides. */
const LIMBS: [string, RegExp][] = [
  ["ForeArm", /^(fore ?arm|lower ?arm|elbow)$/],
  ["Arm", /^(upper ?arm|arm|arm upper|up ?arm)$/],
  ["Shoulder", /^(shoulder|clavicle|collar|collar ?bone)$/],
  ["Hand", /^(hand|wrist)$/],
  ["UpLeg", /^(up ?leg|upper ?leg|thigh|leg upper)$/],
  ["Leg", /^(leg|lower ?leg|calf|shin|knee|leg lower)$/],
  ["Foot", /^(foot|ankle)$/],
  ["ToeBase", /^(toe ?base|toes?|ball|foot ball)$/],
];
const TRUNK: [string, RegExp][] = [
  ["Hips", /^(hips?|pelvis)$/],
  ["Spine", /^(spine|abdomen|waist|torso|chest|upper ?chest|upper ?body)$/],
  ["Neck", /^(neck|neck (lower|base))$/],
  ["Head", /^head$/],
];
const ESSENTIAL = ["Hips", "Head", ...SIDES.flatMap((s) => ["Arm", "ForeArm", "UpLeg", "Leg", "Foot"].map((p) => s + p))];
const VRM_BONES: Record<string, string> = { hips: "Hips", spine: "Spine", chest: "Spine1", neck: "Neck", head: "Head" };
for (const side of SIDES)
  for (const [bone, part] of Object.entries({
    Shoulder: "Shoulder", UpperArm: "Arm", LowerArm: "ForeArm", Hand: "Hand",
    UpperLeg: "UpLeg", LowerLeg: "Leg", Foot: "Foot", Toes: "ToeBase",
  }))
    VRM_BONES[side.toLowerCase() + bone] = side + part;

export { VRM_BONES };

export type Roles = Map<string, THREE.Object3D>;

/** The parts of the body among `nodes`, by the names that the file gives them. Throws an error that says what is missing. */
export function recognise(nodes: THREE.Object3D[], name: (node: THREE.Object3D) => string): Roles {
  const roles: Roles = new Map();
  const spine: THREE.Object3D[] = [];
  const depths = new Map(nodes.map((node) => [node, depth(node)]));
  for (const node of [...nodes].sort((a, b) => depths.get(a)! - depths.get(b)!)) {
    const { words, side } = split(name(node));
    const part = side ? LIMBS.find(([, pattern]) => pattern.test(words)) : TRUNK.find(([, pattern]) => pattern.test(words));
    if (!part) continue;
    if (part[0] === "Spine") spine.push(node);
    else if (!roles.has(side + part[0])) roles.set(side + part[0], node);
  }
  for (const side of SIDES) {
    // "Shoulder" and "Arm" may also be upper and lower arm, where nothing else is called a forearm.
    const [shoulder, arm] = [roles.get(`${side}Shoulder`), roles.get(`${side}Arm`)];
    if (shoulder && !arm && roles.has(`${side}ForeArm`)) {
      roles.set(`${side}Arm`, shoulder);
      roles.delete(`${side}Shoulder`);
    }
  }
  const above = (node: THREE.Object3D, top: THREE.Object3D) => {
    for (let n: THREE.Object3D | null = node; n; n = n.parent) if (n === top) return true;
    return false;
  };
  const hips = roles.get("Hips"), arm = roles.get("LeftArm");
  const trunk = spine.filter((node) => node !== hips), holding = trunk.filter((node) => arm && above(arm, node));
  const chain = holding.length ? holding : trunk; // arms may hang on something else
  if (chain.length) roles.set("Spine", chain[0]);
  if (chain.length > 1) roles.set("Spine1", chain[chain.length - 1]);
  const missing = ESSENTIAL.filter((role) => !roles.has(role));
  if (missing.length)
    throw new Error(`no human skeleton is recognised in it (missing: ${missing.slice(0, 4).join(", ")}${missing.length > 4 ? " ..." : ""})`);
  return roles;
}

function depth(node: THREE.Object3D): number {
  let count = 0;
  for (let n = node.parent; n; n = n.parent) count++;
  return count;
}

/** A joint's name as lower-case words without prefixes, numbers and side; twist, control and end joints have no words. */
function split(raw: string): { words: string; side: "" | "Left" | "Right" } {
  let text = raw.replace(/^.*[:|]/, "").replace(/^(mixamorig\d*|DEF|ORG|CC_Base|Bip\d*|BIP\d*|J_Bip|ValveBiped|Armature)[_\-. ]+/i, "")
    .replace(/^mixamorig\d*/i, "");
  if (/twist|roll|pole|(^|[^a-z])ik([^a-z]|$)|end$|leaf|nub|helper|ctrl|target|top_|thumb|index|middle|ring|pinky|little|finger/i.test(text))
    return { words: "", side: "" };
  text = text.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[_\-.\s]+/g, " ").trim();
  let side: "" | "Left" | "Right" = "";
  const words = text.toLowerCase().split(" ").flatMap((word) => {
    if (word === "l" || word === "left") side = "Left";
    else if (word === "r" || word === "right") side = "Right";
    else if (/^(left|right)./.test(word)) {
      side = word.startsWith("left") ? "Left" : "Right";
      return [word.replace(/^(left|right)/, "")];
    } else if (!/^(\d+|c|jnt|joint|bone|bind|def)$/.test(word)) return [word.replace(/\d+$/, "")];
    return [];
  });
  return { words: words.join(" "), side };
}
