/** Analytic inverse kinematics of two bones, as in farandole/motion/ik.py. */
import * as THREE from "three";

const TINY = 1e-9;

/**
 * World turns that bring the end of a bent chain to `target`: to be put on the left of the rotations of its upper and its lower joint.
 * The bend keeps its side (or `pole` where the chain is straight); beyond `soft` of the full reach it stretches ever more slowly.
 */
export function twoBone(
  root: THREE.Vector3, mid: THREE.Vector3, end: THREE.Vector3, target: THREE.Vector3, pole: THREE.Vector3, soft: number,
): [THREE.Quaternion, THREE.Quaternion] {
  const upper = mid.clone().sub(root), across = end.clone().sub(root), wish = target.clone().sub(root);
  const a = upper.length(), b = end.distanceTo(mid), now = across.length(), wished = wish.length();
  const along = (now > TINY ? across : upper).clone().normalize();
  const toward = (wished > TINY ? wish : along).clone().normalize();
  let side = squareTo(along, upper);
  if (side.length() < 1e-6 * (a + b + TINY)) side = squareTo(along, pole);
  if (side.length() < 1e-6) side = squareTo(along, Math.abs(along.x) < 0.9 ? new THREE.Vector3(1, 0, 0) : new THREE.Vector3(0, 1, 0));
  const swing = new THREE.Quaternion().setFromUnitVectors(along, toward);
  const normal = toward.clone().cross(side.normalize().applyQuaternion(swing)).normalize();
  const distance = soften(wished, a, b, now, soft);
  const place = (d: number) => Math.min(Math.max((a * a - b * b + d * d) / (2 * Math.max(d, TINY)), -a), a);
  const x0 = place(now), x1 = place(distance);
  const h0 = Math.sqrt(Math.max(a * a - x0 * x0, 0)), h1 = Math.sqrt(Math.max(a * a - x1 * x1, 0));
  const turn = (angle: number) => new THREE.Quaternion().setFromAxisAngle(normal, angle).multiply(swing);
  return [turn(Math.atan2(h1, x1) - Math.atan2(h0, x0)), turn(Math.atan2(-h1, distance - x1) - Math.atan2(-h0, now - x0))];
}

function soften(wished: number, a: number, b: number, now: number, soft: number): number {
  const full = Math.max(a + b, TINY);
  const start = Math.max(soft, Math.min(now / full, 1));
  const beyond = Math.max(wished / full - start, 0);
  const slowed = full * (start + (1 - start) * -Math.expm1(-beyond / Math.max(1 - start, TINY)));
  return Math.max(beyond > 0 ? slowed : wished, Math.min(Math.abs(a - b), now) + TINY);
}

function squareTo(axis: THREE.Vector3, v: THREE.Vector3): THREE.Vector3 {
  return v.clone().addScaledVector(axis, -v.dot(axis));
}
