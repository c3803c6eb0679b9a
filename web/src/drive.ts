/**
 * A take on the skeleton of any human character: every part gets the world rotation R_dance C R_bind, where C takes the direction
 * that the bone has in the bind pose to the one that it has in a T-pose (arms out, legs down), so that limbs point as the dancer's do.
 */
import * as THREE from "three";
import { restPositions } from "./body";
import type { Take } from "./data";
import { Feet } from "./feet";
import type { Figure } from "./figure";
import type { Roles } from "./humanoid";
import { findSteps, type Steps } from "./steps";

/** Limb: the part that its bone leads to, and the bone's direction in a T-pose, of the left side. */
const LIMBS: [string, string, THREE.Vector3][] = [
  ["Arm", "ForeArm", new THREE.Vector3(1, 0, 0)],
  ["ForeArm", "Hand", new THREE.Vector3(1, 0, 0)],
  ["UpLeg", "Leg", new THREE.Vector3(0, -1, 0)],
  ["Leg", "Foot", new THREE.Vector3(0, -1, 0)],
];
const UP = new THREE.Vector3(0, 1, 0);

const ABOVE: Record<string, string[]> = { Spine: ["Hips"], Spine1: ["Spine", "Hips"], Neck: ["Spine1", "Spine"], Head: ["Neck", "Spine1", "Spine"] };
for (const side of ["Left", "Right"])
  Object.assign(ABOVE, {
    [`${side}Shoulder`]: ["Spine1", "Spine"], [`${side}Arm`]: [`${side}Shoulder`, "Spine1", "Spine"], [`${side}ForeArm`]: [`${side}Arm`],
    [`${side}Hand`]: [`${side}ForeArm`], [`${side}UpLeg`]: ["Hips"], [`${side}Leg`]: [`${side}UpLeg`], [`${side}Foot`]: [`${side}Leg`],
    [`${side}ToeBase`]: [`${side}Foot`],
  });

/** Parts of the trunk from below, and by what the hips' own bone may be off the dancer's, rad: the pelvis shall not tilt with it. */
const TRUNK = ["Hips", "Spine", "Spine1", "Neck", "Head"];
const LEAN = (7 * Math.PI) / 180;

interface Part {
  role: string;
  node: THREE.Object3D;
  /** C R_bind in the axes of the dance, and what it is without the take's own trunk. */
  bind: THREE.Quaternion;
  plain: THREE.Quaternion;
  /** The node of the part that it belongs to, and its place in that one's axes, where it hangs on something else in the file. */
  apart: { node: THREE.Object3D; place: THREE.Vector3 } | null;
}

export class Drive {
  /** Where the character looks in the bind pose, rad from +z towards +x. */
  readonly facing: number;
  /** Length of its legs, in the file's unit. */
  readonly leg: number;
  private readonly parts: Part[] = [];
  private readonly inner: THREE.Quaternion;
  private readonly hips: THREE.Object3D;
  private readonly feet: Feet;
  /** Height of the hips joint over the middle of the legs' tops in the bind pose. */
  private readonly rise: number;
  /** Bones of the trunk: the part, the one that it leads to, and its direction in the bind pose, in the axes of the dance. */
  private readonly trunk: [string, string, THREE.Vector3][];
  private prepared: { take: Take; steps: Steps } | null = null;
  private readonly q = new THREE.Quaternion();
  private readonly p = new THREE.Quaternion();
  private readonly v = new THREE.Vector3();

  /** `scene` is in the bind pose, with world matrices up to date, and in no other place than its file says. */
  constructor(private readonly scene: THREE.Object3D, roles: Roles) {
    const place = (role: string) => roles.get(role)!.getWorldPosition(new THREE.Vector3());
    const across = place("LeftUpLeg").sub(place("RightUpLeg")).add(place("LeftArm").sub(place("RightArm")));
    const front = across.cross(UP);
    this.facing = Math.atan2(front.x, front.z);
    const quarter = Math.round(this.facing / (Math.PI / 2)) * (Math.PI / 2);
    if (Math.abs(this.facing - quarter) < 0.35) this.facing = quarter;
    const turn = new THREE.Quaternion().setFromAxisAngle(UP, this.facing);
    this.inner = turn.clone().invert();
    this.hips = roles.get("Hips")!;
    this.rise = place("Hips").y - 0.5 * (place("LeftUpLeg").y + place("RightUpLeg").y);
    this.leg = 0;
    for (const side of ["Left", "Right"])
      this.leg += 0.5 * (place(`${side}UpLeg`).distanceTo(place(`${side}Leg`)) + place(`${side}Leg`).distanceTo(place(`${side}Foot`)));
    this.feet = new Feet(scene, roles, this.leg, new THREE.Vector3(0, 0, 1).applyQuaternion(turn));
    const corrections = new Map<string, THREE.Quaternion>();
    for (const side of ["Left", "Right"])
      for (const [part, end, direction] of LIMBS) {
        if (!roles.has(side + end)) continue;
        const bone = place(side + end).sub(place(side + part)).normalize().applyQuaternion(this.inner);
        const straight = direction.clone();
        if (side === "Right") straight.x *= -1;
        corrections.set(side + part, new THREE.Quaternion().setFromUnitVectors(bone, straight));
        if (part === "ForeArm") corrections.set(`${side}Hand`, corrections.get(side + part)!);
      }
    for (const role of inOrder(roles)) {
      const node = roles.get(role)!;
      const bind = this.inner.clone().multiply(node.getWorldQuaternion(new THREE.Quaternion()));
      const correction = corrections.get(role);
      const above = ABOVE[role]?.find((other) => roles.has(other)), on = above && roles.get(above);
      const apart = on && !isBelow(node, on) ? { node: on, place: on.worldToLocal(place(role)) } : null;
      const plain = correction ? correction.clone().multiply(bind) : bind;
      this.parts.push({ role, node, bind: plain.clone(), plain, apart });
    }
    const trunk = TRUNK.filter((role) => roles.has(role));
    this.trunk = trunk.slice(1).map((end, n) => [trunk[n], end, place(end).sub(place(trunk[n])).normalize().applyQuaternion(this.inner)]);
  }

  /** Take over the pose that `figure`'s bones have at `time` s. */
  pose(figure: Figure, time: number): void {
    const { take } = figure;
    if (this.prepared?.take !== take) {
      this.prepare(figure);
      figure.poseBones(time);
    }
    const at = Math.min(Math.max(time * take.fps, 0), take.frames - 1);
    this.follow(figure, at);
    this.feet.stand(at, (role) => this.hang(this.parts.find((part) => part.role === role)!));
    this.scene.updateMatrixWorld(true);
  }

  /** Nodes whose place in the file changes: the hips, and parts that hang on something else than their body. */
  get travelling(): THREE.Object3D[] {
    return [this.hips, ...this.parts.flatMap((part) => (part.apart ? [part.node] : []))];
  }

  /** Put a part that hangs on something else where its body has it. */
  private hang({ node, apart }: Part): void {
    if (!apart) return;
    apart.node.updateWorldMatrix(true, false);
    node.parent!.updateWorldMatrix(true, false);
    node.position.copy(node.parent!.worldToLocal(apart.node.localToWorld(this.v.copy(apart.place))));
    node.updateWorldMatrix(false, false);
  }

  private prepare(figure: Figure): void {
    const { frames, roles } = figure.take.humanoid!, rest = restPositions(figure.take);
    for (const [role, end, own] of this.trunk) {
      if (roles[role] === undefined || roles[end] === undefined) continue;
      const [w, x, y, z] = frames[role]; // from T-pose axes to the joint's own, which are the world's at rest
      const wanted = rest[roles[end]].clone().sub(rest[roles[role]]).normalize().applyQuaternion(this.q.set(-x, -y, -z, w));
      const lean = new THREE.Quaternion().setFromUnitVectors(own, wanted), angle = own.angleTo(wanted);
      if (role === "Hips") lean.slerp(new THREE.Quaternion(), 1 - Math.max(angle - LEAN, 0) / Math.max(angle, 1e-9));
      const part = this.parts.find((one) => one.role === role)!;
      part.bind.copy(lean.multiply(part.plain));
    }
    const steps = findSteps(figure);
    this.prepared = { take: figure.take, steps };
    this.feet.prepare(figure, steps, (t) => {
      figure.poseBones(t / figure.take.fps);
      this.follow(figure, t);
    }, this.inner.clone().invert());
  }

  /** Everything but the feet. */
  private follow(figure: Figure, at: number): void {
    this.scene.updateWorldMatrix(true, false);
    const outer = this.scene.getWorldQuaternion(new THREE.Quaternion()); // the page turns and scales the whole character
    for (const part of this.parts) {
      const { role, node, bind } = part;
      if (role === "Hips") this.travel(figure, at);
      else this.hang(part);
      const turn = figure.partTurn(role, this.q);
      if (turn) {
        // World rotation within the scene: F turn C R_bind, with what the page does to the scene on the left.
        this.q.multiply(bind).premultiply(this.p.copy(this.inner).invert()).premultiply(outer);
        node.parent!.getWorldQuaternion(this.p);
        node.quaternion.copy(this.p.invert().multiply(this.q)).normalize(); // uneven scales above leave no unit quaternion
      }
      node.updateWorldMatrix(false, false);
    }
  }

  /** The hips go the dancer's way by the length of the legs, over the floor y = 0; the legs' tops are as high over the ankles. */
  private travel(figure: Figure, at: number): void {
    const { rest } = figure.take.humanoid!, { steps } = this.prepared!;
    const scale = this.leg / steps.leg;
    const rise = rest.Hips[1] - 0.5 * (rest.LeftUpLeg[1] + rest.RightUpLeg[1]);
    figure.partPlace("Hips", this.v);
    const height = this.feet.ankle + (this.v.y - steps.floor - steps.ankle - rise) * scale + this.rise + this.feet.lift(at);
    this.v.set(this.v.x * scale, 0, this.v.z * scale).applyQuaternion(this.p.copy(this.inner).invert());
    this.v.y = height;
    this.scene.localToWorld(this.v);
    this.hips.parent!.worldToLocal(this.v);
    this.hips.position.copy(this.v);
  }
}

/** The parts so that each comes after what it hangs on, in the file and in the body. */
function inOrder(roles: Roles): string[] {
  const role = new Map([...roles].map(([name, node]) => [node, name])), result = new Set<string>();
  const add = (name: string, waiting: string[]) => {
    if (result.has(name) || waiting.includes(name)) return;
    const body = ABOVE[name]?.find((other) => roles.has(other));
    if (body) add(body, [...waiting, name]);
    for (let n = roles.get(name)!.parent; n; n = n.parent) if (role.has(n)) add(role.get(n)!, [...waiting, name]);
    result.add(name);
  };
  for (const name of roles.keys()) add(name, []);
  return [...result];
}

/** Whether a node hangs on another one. */
function isBelow(node: THREE.Object3D, top: THREE.Object3D): boolean {
  for (let n = node.parent; n; n = n.parent) if (n === top) return true;
  return false;
}
