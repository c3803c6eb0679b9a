/**
 * One skinned surface from rounded cones. Every cone gets its own rings of vertices, which are then moved onto the smooth
 * union with the cones next to it in the tree. Neighbours so share position, normal, weight and colour where they meet, and
 * the joint shows no seam; limbs that merely touch do not melt together, whatever the rest pose.
 */
import * as THREE from "three";
import type { Take } from "./data";

const TIE = 0.045; // cones whose distances differ by less share weight and colour, m

interface Cone {
  joint: number;
  a: THREE.Vector3;
  b: THREE.Vector3;
  ra: number;
  rb: number;
  colour: THREE.Color;
}

/** Signed distance to a rounded cone: the hull of two spheres. */
function distance(c: Cone, p: THREE.Vector3): number {
  const wx = c.b.x - c.a.x, wy = c.b.y - c.a.y, wz = c.b.z - c.a.z;
  const vx = p.x - c.a.x, vy = p.y - c.a.y, vz = p.z - c.a.z;
  const ww = wx * wx + wy * wy + wz * wz;
  const g = c.rb - c.ra;
  if (ww <= g * g + 1e-12) {
    const at = g > 0 ? c.b : c.a;
    return Math.hypot(p.x - at.x, p.y - at.y, p.z - at.z) - Math.max(c.ra, c.rb);
  }
  // Along the axis by h, off it by r; the nearest point of the side lies g r / sqrt(ww - g^2) further along.
  const h = (vx * wx + vy * wy + vz * wz) / ww;
  const r = Math.sqrt(Math.max(vx * vx + vy * vy + vz * vz - h * h * ww, 0));
  const s = Math.min(Math.max(h + (g * r) / Math.sqrt((ww - g * g) * ww), 0), 1);
  return Math.hypot(vx - s * wx, vy - s * wy, vz - s * wz) - (c.ra + s * g);
}

/**
 * Smooth union of distances: the nearest two blend, over half the radius of the thinner. More than two would swell where many
 * cones overlap, as in a hand.
 */
function union(cones: Cone[], p: THREE.Vector3): number {
  let first = Infinity, second = Infinity, thin = 0, thinner = 0;
  for (const cone of cones) {
    const d = distance(cone, p);
    const radius = Math.min(cone.ra, cone.rb);
    if (d < first) {
      [second, thinner] = [first, thin];
      [first, thin] = [d, radius];
    } else if (d < second) [second, thinner] = [d, radius];
  }
  const reach = 0.5 * Math.min(thin, thinner);
  const h = Math.max(reach - (second - first), 0);
  return reach > 0 ? first - (0.25 * h * h) / reach : first;
}

function gradient(cones: Cone[], p: THREE.Vector3, out: THREE.Vector3): THREE.Vector3 {
  const e = 1e-3;
  const q = p.clone();
  const axis = (k: "x" | "y" | "z") => {
    q.copy(p)[k] += e;
    const high = union(cones, q);
    q[k] -= 2 * e;
    return high - union(cones, q);
  };
  return out.set(axis("x"), axis("y"), axis("z")).normalize();
}

export function restPositions(take: Take): THREE.Vector3[] {
  const rest: THREE.Vector3[] = [];
  take.parents.forEach((parent, j) => {
    const offset = new THREE.Vector3().fromArray(take.offsets, 3 * j);
    rest.push(parent < 0 ? new THREE.Vector3() : offset.add(rest[parent]));
  });
  return rest;
}

export function bodyGeometry(take: Take, palette: THREE.Color[]): THREE.BufferGeometry {
  const rest = restPositions(take);
  const cones: Cone[] = take.parts.map(([joint, ax, ay, az, bx, by, bz, ra, rb, colour]) => ({
    joint, ra, rb,
    a: new THREE.Vector3(ax, ay, az).add(rest[joint]),
    b: new THREE.Vector3(bx, by, bz).add(rest[joint]),
    colour: palette[colour],
  }));
  // At most two bones apart: what meets at a joint, with the collar bone between chest and arm.
  const near = (i: number, j: number) => {
    const way = (k: number) => [k, take.parents[k], take.parents[take.parents[k]] ?? -1];
    const [a, b] = [way(i), way(j)];
    return a.some((k, up) => k >= 0 && b.some((l, down) => k === l && up + down <= 2));
  };
  const position: number[] = [], normal: number[] = [], colour: number[] = [];
  const skinIndex: number[] = [], skinWeight: number[] = [], index: number[] = [];
  const p = new THREE.Vector3(), n = new THREE.Vector3();

  for (const cone of cones) {
    const mates = [cone, ...cones.filter((c) => c !== cone && near(c.joint, cone.joint))];
    const first = position.length / 3;
    const rows = rings(cone);
    const around = rows[0].length;
    for (const ring of rows)
      for (const start of ring) {
        p.copy(start);
        for (let step = 0; step < 4; step++) {
          gradient(mates, p, n);
          p.addScaledVector(n, -union(mates, p));
        }
        gradient(mates, p, n);
        position.push(p.x, p.y, p.z);
        normal.push(n.x, n.y, n.z);
        skin(mates, p, skinIndex, skinWeight, colour);
      }
    for (let i = 0; i + 1 < rows.length; i++)
      for (let k = 0; k < around; k++) {
        const a = first + i * around + k, b = first + i * around + ((k + 1) % around);
        index.push(a, b, a + around, b, b + around, a + around);
      }
  }
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute("position", new THREE.Float32BufferAttribute(position, 3));
  geometry.setAttribute("normal", new THREE.Float32BufferAttribute(normal, 3));
  geometry.setAttribute("color", new THREE.Float32BufferAttribute(colour, 3));
  geometry.setAttribute("skinIndex", new THREE.Uint16BufferAttribute(skinIndex, 4));
  geometry.setAttribute("skinWeight", new THREE.Float32BufferAttribute(skinWeight, 4));
  geometry.setIndex(index);
  return geometry;
}

/** Rings of points from one pole to the other, all alike in number; thick and long cones get more of both. */
function rings(c: Cone): THREE.Vector3[][] {
  const thick = Math.max(c.ra, c.rb);
  const around = Math.min(Math.max(Math.round(8 + 90 * thick), 9), 18);
  const cap = thick > 0.04 ? 4 : 3;
  const axis = c.b.clone().sub(c.a);
  const length = axis.length();
  if (length < 1e-6) axis.set(0, 1, 0);
  else axis.divideScalar(length);
  const u = new THREE.Vector3(Math.abs(axis.y) < 0.9 ? 0 : 1, Math.abs(axis.y) < 0.9 ? 1 : 0, 0).cross(axis).normalize();
  const v = axis.clone().cross(u);
  const along = Math.min(Math.max(Math.round(length / 0.045), 1), 6);
  const ring = (centre: THREE.Vector3, up: number, out: number) =>
    Array.from({ length: around }, (_, k) => {
      const angle = (2 * Math.PI * k) / around;
      return centre.clone().addScaledVector(axis, up)
        .addScaledVector(u, out * Math.cos(angle)).addScaledVector(v, out * Math.sin(angle));
    });
  const result: THREE.Vector3[][] = [];
  // The poles are tiny rings, not points: every quad keeps an area and a direction.
  for (let i = 0; i <= cap; i++) {
    const angle = (Math.PI / 2) * Math.max(i / cap, 0.02);
    result.push(ring(c.a, -c.ra * Math.cos(angle), c.ra * Math.sin(angle)));
  }
  for (let i = 1; i < along; i++) {
    const s = i / along;
    result.push(ring(c.a.clone().lerp(c.b, s), 0, c.ra + s * (c.rb - c.ra)));
  }
  for (let i = 0; i <= cap; i++) {
    const angle = (Math.PI / 2) * Math.min(1 + i / cap, 1.98);
    result.push(ring(c.b, -c.rb * Math.cos(angle), c.rb * Math.sin(angle)));
  }
  return result;
}

/** Weights and colour from the distances to the cones around: the nearest wins, ties are shared. */
function skin(mates: Cone[], p: THREE.Vector3, skinIndex: number[], skinWeight: number[], colour: number[]): void {
  const distances = mates.map((c) => distance(c, p));
  const least = Math.min(...distances);
  const byJoint = new Map<number, number>();
  const tint = new THREE.Color(0, 0, 0);
  let total = 0;
  mates.forEach((c, i) => {
    const w = Math.max(1 - (distances[i] - least) / TIE, 0) ** 2;
    if (w <= 0) return;
    byJoint.set(c.joint, (byJoint.get(c.joint) ?? 0) + w);
    tint.r += w * c.colour.r;
    tint.g += w * c.colour.g;
    tint.b += w * c.colour.b;
    total += w;
  });
  colour.push(tint.r / total, tint.g / total, tint.b / total);
  const best = [...byJoint].sort((a, b) => b[1] - a[1]).slice(0, 4);
  const sum = best.reduce((s, [, w]) => s + w, 0);
  for (let i = 0; i < 4; i++) {
    skinIndex.push(best[i]?.[0] ?? 0);
    skinWeight.push((best[i]?.[1] ?? 0) / sum);
  }
}
