/**
 * A take on the skeleton of any human character: every part gets the world rotation R_dance C R_bind, where C takes the direction
 * that the bone has in the bind pose to the one that it has in a T-pose (arms out, legs down), so that limbs point as the dancer's do.
 */
import * as THREE from "three";
import type { Figure } from "./figure";
import type { Roles } from "./humanoid";

/** Limb: the part that its bone leads to, and the bone's direction in a T-pose, of the left side. */
const LIMBS: [string, string, THREE.Vector3][] = [
  ["Arm", "ForeArm", new THREE.Vector3(1, 0, 0)],
  ["ForeArm", "Hand", new THREE.Vector3(1, 0, 0)],
  ["UpLeg", "Leg", new THREE.Vector3(0, -1, 0)],
  ["Leg", "Foot", new THREE.Vector3(0, -1, 0)],
];
const UP = new THREE.Vector3(0, 1, 0);

interface Part {
  role: string;
  node: THREE.Object3D;
  /** C R_bind in the axes of the dance. */
  bind: THREE.Quaternion;
}

export class Drive {
  /** Where the character looks in the bind pose, rad from +z towards +x. */
  readonly facing: number;
  /** Height of its hips over its soles and length of its legs, in the file's unit. */
  readonly hipHeight: number;
  readonly leg: number;
  private readonly parts: Part[] = [];
  private readonly inner: THREE.Quaternion;
  private readonly hips: THREE.Object3D;
  private readonly hipsBind: THREE.Vector3;
  private readonly sole: number;
  private readonly q = new THREE.Quaternion();
  private readonly p = new THREE.Quaternion();
  private readonly v = new THREE.Vector3();

  /** `scene` is in the bind pose, with world matrices up to date; `sole` is the height of its lowest point. */
  constructor(private readonly scene: THREE.Object3D, roles: Roles, sole: number) {
    const place = (role: string) => roles.get(role)!.getWorldPosition(new THREE.Vector3());
    const across = place("LeftUpLeg").sub(place("RightUpLeg")).add(place("LeftArm").sub(place("RightArm")));
    const front = across.cross(UP);
    this.facing = Math.atan2(front.x, front.z);
    const quarter = Math.round(this.facing / (Math.PI / 2)) * (Math.PI / 2);
    if (Math.abs(this.facing - quarter) < 0.35) this.facing = quarter;
    const turn = new THREE.Quaternion().setFromAxisAngle(UP, this.facing);
    this.inner = turn.clone().invert();
    this.hips = roles.get("Hips")!;
    this.hipsBind = place("Hips");
    this.sole = sole;
    this.hipHeight = this.hipsBind.y - sole;
    this.leg = 0;
    for (const side of ["Left", "Right"])
      this.leg += 0.5 * (place(`${side}UpLeg`).distanceTo(place(`${side}Leg`)) + place(`${side}Leg`).distanceTo(place(`${side}Foot`)));
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
    const nodes = [...roles].sort(([, a], [, b]) => depth(a) - depth(b));
    for (const [role, node] of nodes) {
      const bind = this.inner.clone().multiply(node.getWorldQuaternion(new THREE.Quaternion()));
      const correction = corrections.get(role);
      this.parts.push({ role, node, bind: correction ? correction.clone().multiply(bind) : bind });
    }
  }

  /** Take over the pose that `figure` has now. */
  pose(figure: Figure): void {
    this.scene.updateWorldMatrix(true, false);
    const outer = this.scene.getWorldQuaternion(new THREE.Quaternion()); // the page turns and scales the whole character
    for (const { role, node, bind } of this.parts) {
      if (role === "Hips") this.travel(figure);
      const turn = figure.partTurn(role, this.q);
      if (turn) {
        // World rotation within the scene: F turn C R_bind, with what the page does to the scene on the left.
        this.q.multiply(bind).premultiply(this.p.copy(this.inner).invert()).premultiply(outer);
        node.parent!.getWorldQuaternion(this.p);
        node.quaternion.copy(this.p.invert().multiply(this.q));
      }
      node.updateWorldMatrix(false, false);
    }
    this.scene.updateMatrixWorld(true);
  }

  private travel(figure: Figure): void {
    const rest = figure.take.humanoid!.rest;
    const leg = 0.5 * ["Left", "Right"].reduce((sum, s) =>
      sum + distance(rest[`${s}UpLeg`], rest[`${s}Leg`]) + distance(rest[`${s}Leg`], rest[`${s}Foot`]), 0);
    const scale = this.leg / leg;
    figure.partPlace("Hips", this.v);
    const height = this.sole + this.hipHeight + (this.v.y - rest.Hips[1]) * scale;
    this.v.set(this.v.x * scale, 0, this.v.z * scale).applyQuaternion(this.p.copy(this.inner).invert());
    this.v.x += this.hipsBind.x;
    this.v.z += this.hipsBind.z;
    this.v.y = height;
    this.scene.localToWorld(this.v);
    this.hips.parent!.worldToLocal(this.v);
    this.hips.position.copy(this.v);
  }
}

function distance(a: number[], b: number[]): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function depth(node: THREE.Object3D): number {
  let count = 0;
  for (let n = node.parent; n; n = n.parent) count++;
  return count;
}
