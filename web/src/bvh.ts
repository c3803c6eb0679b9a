/** BVH text of a take: centimetres and degrees, Z X Y turns, as most 3D programs expect. */
import type { Take } from "./data";

const DEGREES = 180 / Math.PI;

export function bvhText(take: Take): string {
  const children = take.joints.map((_, j) => take.parents.flatMap((p, c) => (p === j ? [c] : [])));
  const lines: string[] = ["HIERARCHY"];
  const order: number[] = [];
  const free = take.translations !== null;
  const cm = (v: number) => (100 * v).toFixed(6);
  const offset = (o: number[], at: number) => `OFFSET ${cm(o[at])} ${cm(o[at + 1])} ${cm(o[at + 2])}`;
  const write = (j: number, depth: number) => {
    const pad = "  ".repeat(depth);
    order.push(j);
    lines.push(`${pad}${depth ? "JOINT" : "ROOT"} ${take.joints[j].replace(/\s+/g, "_")}`, `${pad}{`);
    lines.push(`${pad}  ${depth ? offset(take.offsets, 3 * j) : "OFFSET 0.000000 0.000000 0.000000"}`);
    const place = depth === 0 || free ? "6 Xposition Yposition Zposition" : "3";
    lines.push(`${pad}  CHANNELS ${place} Zrotation Xrotation Yrotation`);
    for (const child of children[j]) write(child, depth + 1);
    const tip = take.tips[j];
    if (!children[j].length || tip) {
      lines.push(`${pad}  End Site`, `${pad}  {`, `${pad}    ${offset(tip ?? [0, 0, 0], 0)}`, `${pad}  }`);
    }
    lines.push(`${pad}}`);
  };
  write(0, 0);
  lines.push("MOTION", `Frames: ${take.frames}`, `Frame Time: ${(1 / take.fps).toFixed(8)}`);
  const joints = take.joints.length;
  for (let t = 0; t < take.frames; t++) {
    const row: string[] = [];
    for (const j of order) {
      if (j === 0) for (let k = 0; k < 3; k++) row.push(cm(take.rootPositions[3 * t + k]));
      else if (take.translations) for (let k = 0; k < 3; k++) row.push(cm(take.translations[3 * (t * joints + j) + k]));
      row.push(...eulerZXY(take.quaternions, 4 * (t * joints + j)));
    }
    lines.push(row.join(" "));
  }
  return lines.join("\n") + "\n";
}

/** Angles z, x, y in degrees with R = Rz Rx Ry, from a quaternion x y z w. */
function eulerZXY(q: Float32Array, at: number): string[] {
  const [x, y, z, w] = [q[at], q[at + 1], q[at + 2], q[at + 3]];
  const m = (i: number, j: number) => {
    const v = [x, y, z];
    if (i === j) return 1 - 2 * (x * x + y * y + z * z - v[i] * v[i]);
    const k = 3 - i - j;
    const sign = (j - i + 3) % 3 === 1 ? -1 : 1;
    return 2 * (v[i] * v[j] + sign * w * v[k]);
  };
  const sinX = Math.min(1, Math.max(-1, m(2, 1)));
  const cosX = Math.hypot(m(2, 0), m(2, 2));
  const turnX = Math.atan2(sinX, cosX);
  const locked = cosX < 1e-6;
  const turnZ = locked ? Math.atan2(m(1, 0), m(0, 0)) : Math.atan2(-m(0, 1), m(1, 1));
  const turnY = locked ? 0 : Math.atan2(-m(2, 0), m(2, 2));
  return [turnZ, turnX, turnY].map((a) => (a * DEGREES).toFixed(6));
}
