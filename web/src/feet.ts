/**
 * The feet of a character that follows a take: a standing sole is on the floor (y = 0 of the file) and keeps the dancer's way, a swinging
 * one is as high as the dancer's. What the legs and hips must give for it is found once for all frames, as in farandole/motion/characters/stance.py.
 */
import * as THREE from "three";
import type { Figure } from "./figure";
import type { Roles } from "./humanoid";
import { twoBone } from "./ik";
import { Sole } from "./soles";
import { SIDES, median, runs, smoothMinimum, type Steps } from "./steps";

const [LOW, HIGH] = [0.035, 0.12]; // heights of a sole (share of the leg) between which the dancer's counts less and less
const DRIFT = 0.3; // distance (share of the leg) by which a standing foot may be off its leg's own way before it follows
const [REST, FOLLOW] = [0.1, 0.15]; // legs per second below which a foot rests, and by what share of its movement it may be off then
const LEVEL = 0.15; // greatest correction of the hips' height, as a share of the leg
const SOFT = 0.995; // share of a leg's reach from which it stretches ever more slowly

/** What is to be done in each frame, in the file's unit. */
interface Plan {
  /** By what the hips are raised so that soles stand as they are, and what they sink so that legs reach [T]. */
  level: number;
  sink: Float64Array;
  /** By what each ankle is moved, [T * 3]. */
  offsets: Float64Array[];
}

/** What the feet do in a frame without a plan. */
interface Seen {
  hip: Float64Array;
  ankle: Float64Array;
  ball: Float64Array;
  low: Float64Array;
}

export class Feet {
  /** Height of the ankles over the soles in the bind pose, in the file's unit. */
  readonly ankle: number;
  private readonly soles: Sole[];
  private readonly length: number[];
  private readonly hipsFront: THREE.Vector3;
  private readonly toFile = new THREE.Matrix4();
  private plan: Plan | null = null;

  /** `scene` is in the bind pose and in no other place than its file says; `front` is where it looks, `leg` the length of a leg. */
  constructor(private readonly scene: THREE.Object3D, private readonly roles: Roles, private readonly leg: number, front: THREE.Vector3) {
    this.soles = SIDES.map((side) => new Sole(scene, roles, side, leg, front));
    const place = (role: string) => roles.get(role)!.getWorldPosition(new THREE.Vector3());
    this.ankle = 0.5 * (place("LeftFoot").y + place("RightFoot").y) - Math.min(...this.soles.map((sole) => sole.lowest));
    this.length = SIDES.map((s) => place(`${s}UpLeg`).distanceTo(place(`${s}Leg`)) + place(`${s}Leg`).distanceTo(place(`${s}Foot`)));
    const hips = roles.get("Hips")!.getWorldQuaternion(new THREE.Quaternion());
    this.hipsFront = front.clone().applyQuaternion(hips.invert());
  }

  /**
   * Look at a whole take. `pose` puts the character where it is in a frame without what is planned here; `turn` takes the dance's axes
   * to the file's.
   */
  prepare(figure: Figure, steps: Steps, pose: (frame: number) => void, turn: THREE.Quaternion): void {
    const { frames, fps } = figure.take;
    this.plan = null;
    const ratio = this.leg / steps.leg;
    const seen: Seen[] = SIDES.map(() => ({
      hip: new Float64Array(3 * frames), ankle: new Float64Array(3 * frames), ball: new Float64Array(3 * frames), low: new Float64Array(frames),
    }));
    const v = new THREE.Vector3();
    for (let t = 0; t < frames; t++) {
      pose(t);
      this.look();
      SIDES.forEach((side, n) => {
        this.place(`${side}UpLeg`, v).toArray(seen[n].hip, 3 * t);
        this.place(`${side}Foot`, v).toArray(seen[n].ankle, 3 * t);
        this.place(this.roles.has(`${side}ToeBase`) ? `${side}ToeBase` : `${side}Foot`, v).toArray(seen[n].ball, 3 * t);
        seen[n].low[t] = this.soles[n].height(this.toFile);
      });
    }
    const level = this.level(steps, seen, ratio);
    for (const { hip, ankle, ball, low } of seen) {
      for (const path of [hip, ankle, ball]) for (let t = 0; t < frames; t++) path[3 * t + 1] += level;
      for (let t = 0; t < frames; t++) low[t] += level;
    }
    const offsets = seen.map((foot, n) => this.offsets(steps, foot, n, ratio, turn, fps));
    const sink = new Float64Array(frames);
    seen.forEach(({ hip, ankle }, n) => {
      for (let t = 0; t < frames; t++) {
        const k = 3 * t, x = ankle[k] + offsets[n][k] - hip[k], y = ankle[k + 1] + offsets[n][k + 1] - hip[k + 1];
        const z = ankle[k + 2] + offsets[n][k + 2] - hip[k + 2];
        const now = Math.hypot(ankle[k] - hip[k], ankle[k + 1] - hip[k + 1], ankle[k + 2] - hip[k + 2]);
        const reach = Math.max(SOFT * this.length[n], Math.min(now, this.length[n]));
        sink[t] = Math.min(sink[t], Math.max(Math.sqrt(Math.max(reach * reach - x * x - z * z, 0)) + y, -0.3 * this.leg));
      }
    });
    this.plan = { level, sink: smoothMinimum(sink, 0.1 * fps), offsets };
  }

  /** By what the hips are raised at a frame, which need not be whole. */
  lift(at: number): number {
    if (!this.plan) return 0;
    return this.plan.level + mixed(this.plan.sink, 1, 0, at);
  }

  /** Bend the legs so that the feet get where they belong at a frame. `hang` puts a part where the one above it has it. */
  stand(at: number, hang: (role: string) => void): void {
    const { plan } = this;
    if (!plan) return;
    this.look();
    const sunk = mixed(plan.sink, 1, 0, at);
    const outer = this.scene.getWorldQuaternion(new THREE.Quaternion()), inner = outer.clone().invert();
    const pole = this.hipsFront.clone().applyQuaternion(this.roles.get("Hips")!.getWorldQuaternion(new THREE.Quaternion())).applyQuaternion(inner);
    SIDES.forEach((side, n) => {
      const [upper, lower, foot] = ["UpLeg", "Leg", "Foot"].map((part) => this.roles.get(side + part)!);
      const [hip, knee, ankle] = ["UpLeg", "Leg", "Foot"].map((part) => this.place(side + part, new THREE.Vector3()));
      const offset = [0, 1, 2].map((k) => mixed(plan.offsets[n], 3, k, at));
      const target = ankle.clone().add(new THREE.Vector3(offset[0], offset[1] - sunk, offset[2]));
      const turns = twoBone(hip, knee, ankle, target, pole, SOFT);
      const sole = foot.getWorldQuaternion(new THREE.Quaternion());
      const own = [upper, lower].map((node) => node.getWorldQuaternion(new THREE.Quaternion()));
      const toe = this.roles.get(`${side}ToeBase`), toes = toe?.getWorldQuaternion(new THREE.Quaternion());
      turnTo(upper, outer.clone().multiply(turns[0]).multiply(inner).multiply(own[0]));
      hang(`${side}Leg`);
      turnTo(lower, outer.clone().multiply(turns[1]).multiply(inner).multiply(own[1]));
      hang(`${side}Foot`);
      turnTo(foot, sole);
      if (!toe) return;
      hang(`${side}ToeBase`);
      turnTo(toe, toes!);
    });
  }

  /** How much higher the hips must be for the soles to stand, as they are, on the floor. */
  private level(steps: Steps, seen: Seen[], ratio: number): number {
    const off: number[] = [];
    seen.forEach(({ low }, n) => low.forEach((y, t) => (steps.standing[n][t] ? off.push(steps.clearance[n][t] * ratio - y) : 0)));
    if (off.length < 0.2 * 2 * seen[0].low.length) return 0;
    return Math.min(Math.max(median(off), -LEVEL * this.leg), LEVEL * this.leg);
  }

  /** What a foot must be moved by, [T * 3]: standing soles keep the dancer's way, and soles its height above the floor. */
  private offsets(steps: Steps, seen: Seen, foot: number, ratio: number, turn: THREE.Quaternion, fps: number): Float64Array {
    const { leg } = this, frames = seen.low.length, gap = new Float64Array(3 * frames), v = new THREE.Vector3();
    const free = freeSteps(steps.balls[foot], ratio, leg, fps);
    for (let t = 0; t < frames; t++) {
      v.fromArray(steps.balls[foot], 3 * t).multiplyScalar(ratio).applyQuaternion(turn);
      gap[3 * t] = v.x - seen.ball[3 * t];
      gap[3 * t + 2] = v.z - seen.ball[3 * t + 2];
    }
    const result = held(gap, steps.standing[foot], free, DRIFT * leg);
    for (let t = 0; t < frames; t++) {
      const lowest = seen.low[t], wanted = Math.max(steps.clearance[foot][t] * ratio, 0);
      let near = Math.min(Math.max((HIGH - wanted / leg) / (HIGH - LOW), 0), 1);
      near = near * near * (3 - 2 * near);
      const x = -lowest / (0.01 * leg), above = 0.01 * leg * (x > 30 ? x : Math.log1p(Math.exp(x)));
      result[3 * t + 1] = near * (wanted - lowest) + (1 - near) * above;
    }
    return result;
  }

  private look(): void {
    this.toFile.copy(this.scene.matrixWorld).invert();
  }

  private place(role: string, out: THREE.Vector3): THREE.Vector3 {
    return out.setFromMatrixPosition(this.roles.get(role)!.matrixWorld).applyMatrix4(this.toFile);
  }
}

/**
 * Offsets that keep a standing foot on the dancer's way, but for a distance that follows the gap by no more than `free` from frame to
 * frame; they pass from stance to stance while it swings.
 */
function held(gap: Float64Array, standing: boolean[], free: number[], drift: number): Float64Array {
  const frames = standing.length, result = new Float64Array(3 * frames);
  const stands = runs(standing).filter(([a, b]) => b - a >= 2);
  if (!stands.length) return result;
  const anchor: number[] = [];
  for (const [first, last] of stands) {
    const frame = Array.from({ length: last - first }, (_, k) => first + k);
    const some = frame.map((t) => [gap[3 * t], gap[3 * t + 2]]), room = free.slice(first, last - 1);
    // From both ends, so that it neither lags nor leads.
    const on = followed(some, room), back = followed([...some].reverse(), [...room].reverse()).reverse();
    frame.forEach((t, k) => {
      const away = [0, 1].map((axis) => some[k][axis] - 0.5 * (on[k][axis] + back[k][axis]));
      const share = Math.min(1, drift / Math.max(Math.hypot(...away), 1e-9));
      result[3 * t] = away[0] * share;
      result[3 * t + 2] = away[1] * share;
      anchor.push(t);
    });
  }
  let next = 0;
  for (let t = 0; t < frames; t++) {
    while (next < anchor.length && anchor[next] < t) next++;
    if (anchor[next] === t) continue;
    const before = anchor[Math.max(next - 1, 0)], after = anchor[Math.min(next, anchor.length - 1)];
    const s = Math.min(Math.max((t - before) / Math.max(after - before, 1), 0), 1), ease = s * s * s * (s * (6 * s - 15) + 10);
    for (const axis of [0, 2]) result[3 * t + axis] = result[3 * before + axis] * (1 - ease) + result[3 * after + axis] * ease;
  }
  return result;
}

/** By how much a foot on the floor may leave the dancer's way: little while it rests, all of its steps while it shuffles and pivots. */
function freeSteps(balls: Float64Array, ratio: number, leg: number, fps: number): number[] {
  return Array.from({ length: balls.length / 3 - 1 }, (_, t) => {
    const step = ratio * Math.hypot(balls[3 * t + 3] - balls[3 * t], balls[3 * t + 5] - balls[3 * t + 2]);
    const moving = Math.min(Math.max(((step * fps) / leg - REST) / (2 * REST), 0), 1);
    return step * (FOLLOW + (1 - FOLLOW) * moving);
  });
}

/** What follows `values` from the median of their beginning on, by no more than `steps` from frame to frame. */
function followed(values: number[][], steps: number[]): number[][] {
  const begin = values.slice(0, Math.max(values.length >> 2, 2));
  let here = [0, 1].map((axis) => median(begin.map((v) => v[axis])));
  return values.map((value, t) => {
    if (!t) return here;
    const away = value.map((v, axis) => v - here[axis]), far = Math.hypot(...away);
    const share = far > 0 ? Math.min(1, steps[t - 1] / far) : 0;
    return (here = here.map((v, axis) => v + away[axis] * share));
  });
}

/** A value between frames. */
function mixed(values: Float64Array, width: number, k: number, at: number): number {
  const last = values.length / width - 1, low = Math.min(Math.max(Math.floor(at), 0), last), high = Math.min(low + 1, last);
  return values[width * low + k] + Math.min(Math.max(at - low, 0), 1) * (values[width * high + k] - values[width * low + k]);
}

/** Give a node a rotation in the world. */
function turnTo(node: THREE.Object3D, world: THREE.Quaternion): void {
  node.quaternion.copy(node.parent!.getWorldQuaternion(new THREE.Quaternion()).invert().multiply(world)).normalize();
  node.updateMatrixWorld(true);
}
