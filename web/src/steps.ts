/** Where the feet of a take stand, and small filters over its frames: as in farandole/motion/characters/stance.py. */
import * as THREE from "three";
import type { Figure } from "./figure";

/** A foot stands below this height (share of the leg) and speed (legs per second). */
const [LOW, SLOW] = [0.035, 0.45];
export const SIDES = ["Left", "Right"] as const;

export interface Steps {
  /** Of each foot: positions of its ball [T * 3], m; height of its sole over the floor [T], m; whether it stands [T]. */
  balls: Float64Array[];
  clearance: Float64Array[];
  standing: boolean[][];
  /** Height of the floor, of the ankle of a foot that stands flat, and length of a leg, m. */
  floor: number;
  ankle: number;
  leg: number;
}

/** The floor is where its feet are lowest, whatever height the file gives it. Leaves the figure's bones in the last frame. */
export function findSteps(figure: Figure): Steps {
  const { take } = figure, { rest, roles } = take.humanoid!, { frames, fps } = take;
  const away = (a: string, b: string) => Math.hypot(...rest[a].map((v, k) => v - rest[b][k]));
  const leg = 0.5 * SIDES.reduce((sum, s) => sum + away(`${s}UpLeg`, `${s}Leg`) + away(`${s}Leg`, `${s}Foot`), 0);
  const mean = (part: string) => 0.5 * SIDES.reduce((sum, s) => sum + (rest[s + part]?.[1] ?? 0), 0);
  let ankle = mean("Foot");
  if (!(ankle > 0.03 * leg && ankle < 0.18 * leg)) ankle = 0.085 * leg;
  const toe = Math.min(Math.max(mean("ToeBase"), 0), ankle);
  const arrays = (width: number) => SIDES.map(() => new Float64Array(width * frames));
  const balls = arrays(3), heels = arrays(3), low = arrays(1);
  const at = new THREE.Vector3(), v = new THREE.Vector3(), turn = new THREE.Quaternion(), bend = new THREE.Quaternion();
  for (let t = 0; t < frames; t++) {
    figure.poseBones(t / fps);
    SIDES.forEach((side, n) => {
      figure.partPlace(`${side}Foot`, at);
      if (!figure.partTurn(`${side}Foot`, turn)) turn.identity();
      const beside = (y: number, z: number, from: THREE.Vector3, q: THREE.Quaternion) => v.set(0, y, z).applyQuaternion(q).add(from);
      beside(-ankle, -0.05 * leg, at, turn).toArray(heels[n], 3 * t);
      low[n][t] = v.y;
      let down = ankle;
      if (roles[`${side}ToeBase`] !== undefined && figure.partTurn(`${side}ToeBase`, bend)) {
        figure.partPlace(`${side}ToeBase`, at);
        down = toe;
      } else {
        at.copy(beside(0, 0.13 * leg, at, turn));
        bend.copy(turn);
      }
      at.toArray(balls[n], 3 * t);
      for (const reach of [0, 0.06 * leg]) low[n][t] = Math.min(low[n][t], beside(-down, reach, at, bend).y);
    });
  }
  const lowest = Float64Array.from(low[0], (y, t) => Math.min(y, low[1][t])).sort();
  const floor = lowest[Math.floor(0.05 * (frames - 1))];
  const speed = (path: Float64Array, t: number) => {
    const a = Math.max(t - 1, 0), b = Math.min(t + 1, frames - 1);
    return (Math.hypot(path[3 * b] - path[3 * a], path[3 * b + 2] - path[3 * a + 2]) * fps) / Math.max(b - a, 1);
  };
  const clearance = low.map((heights) => heights.map((y) => y - floor));
  const standing = SIDES.map((_, n) => Array.from(clearance[n], (height, t) =>
    height < LOW * leg && Math.min(speed(balls[n], t), speed(heels[n], t)) < SLOW * leg));
  return { balls, clearance, standing, floor, ankle, leg };
}

/** First and last + 1 of each run of true values. */
export function runs(flags: boolean[]): [number, number][] {
  const result: [number, number][] = [];
  flags.forEach((flag, t) => {
    if (!flag) return;
    if (t && flags[t - 1]) result[result.length - 1][1] = t + 1;
    else result.push([t, t + 1]);
  });
  return result;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);
}

/** The least around each value, smoothed: what falls is there in time. `width` in frames. */
export function smoothMinimum(values: Float64Array, width: number): Float64Array {
  const count = values.length, half = Math.floor(width), reach = Math.ceil(4 * width);
  const inside = (t: number) => Math.min(Math.max(t, 0), count - 1);
  const least = values.map((_, t) => Math.min(...values.subarray(inside(t - half), inside(t + half) + 1)));
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-0.5 * ((k - reach) / width) ** 2));
  const total = kernel.reduce((a, b) => a + b, 0);
  return values.map((_, t) => kernel.reduce((sum, weight, k) => sum + weight * least[inside(t + k - reach)], 0) / total);
}
