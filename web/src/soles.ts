/** The soles of a character's feet: the lowest points that its meshes have there, as in farandole/motion/characters/soles.py. */
import * as THREE from "three";
import type { Roles } from "./humanoid";

const PARTS = ["Leg", "Foot", "ToeBase"];
const [DIRECTIONS, PATCHES] = [90, 12];

interface Point {
  /** How much it moves with shin, foot and toe joint. */
  shares: number[];
  /** Where it is in the bind pose in the axes of each. */
  local: THREE.Vector3[];
}

export class Sole {
  /** Height of its lowest point in the bind pose, in the file's unit. */
  readonly lowest: number;
  private readonly nodes: (THREE.Object3D | undefined)[];
  private readonly points: Point[];
  private readonly v = new THREE.Vector3();
  private readonly sum = new THREE.Vector3();

  /** `scene` is in the bind pose and in no other place than its file says; `leg` is the length of a leg in the file's unit. */
  constructor(scene: THREE.Object3D, roles: Roles, side: string, leg: number, front: THREE.Vector3) {
    this.nodes = PARTS.map((part) => roles.get(side + part));
    const inverse = this.nodes.map((node) => node?.matrixWorld.clone().invert());
    const seen = outermost(meshPoints(scene, this.nodes), roles.get(`${side}Foot`)!);
    const points = seen.length >= 4 ? seen : usual(this.nodes, leg, front);
    this.lowest = Math.min(...points.map(([p]) => p.y));
    this.points = points.map(([p, shares]) => ({ shares, local: inverse.map((m) => (m ? p.clone().applyMatrix4(m) : p)) }));
  }

  /** Height of its lowest point now, in the file's unit; `toFile` takes the world to the file's axes. */
  height(toFile: THREE.Matrix4): number {
    let low = Infinity;
    for (const { shares, local } of this.points) {
      this.sum.set(0, 0, 0);
      shares.forEach((share, k) => {
        if (share > 0) this.sum.addScaledVector(this.v.copy(local[k]).applyMatrix4(this.nodes[k]!.matrixWorld), share);
      });
      low = Math.min(low, this.sum.applyMatrix4(toFile).y);
    }
    return low;
  }
}

type Weighted = [THREE.Vector3, number[]];

/** Vertices that a foot moves for the greater part, with the shares of shin, foot and toes. */
function meshPoints(scene: THREE.Object3D, nodes: (THREE.Object3D | undefined)[]): Weighted[] {
  const part = new Map<THREE.Object3D, number>();
  nodes.forEach((node, k) => node?.traverse((below) => part.set(below, k))); // toes lie below the foot, the foot below the shin
  const result: Weighted[] = [];
  scene.traverse((mesh) => {
    if (!(mesh instanceof THREE.Mesh)) return;
    const { skinIndex, skinWeight, position } = mesh.geometry.attributes;
    const skinned = mesh instanceof THREE.SkinnedMesh && skinIndex && skinWeight;
    const rigid = part.get(mesh);
    if (!skinned && rigid === undefined) return;
    for (let i = 0; i < position.count; i++) {
      const shares = [0, 0, 0];
      let total = 0;
      if (skinned)
        for (let k = 0; k < 4; k++) {
          const weight = skinWeight.getComponent(i, k);
          const place = part.get(mesh.skeleton.bones[skinIndex.getComponent(i, k)]);
          total += weight;
          if (place !== undefined) shares[place] += weight;
        }
      else shares[rigid!] = total = 1;
      if (shares[1] + shares[2] <= 0.5 * total) continue;
      for (let k = 0; k < 3; k++) shares[k] /= total;
      shares[1] += 1 - shares[0] - shares[1] - shares[2];
      result.push([mesh.getVertexPosition(i, new THREE.Vector3()).applyMatrix4(mesh.matrixWorld), shares]);
    }
  });
  return result;
}

/** The outermost points downwards and sideways, and the lowest ones of each patch: they stand for all of a foot's. */
function outermost(points: Weighted[], foot: THREE.Object3D): Weighted[] {
  if (points.length < 4) return [];
  const chosen = new Set<Weighted>();
  for (const some of [points.filter(([, s]) => s[2] > 0.5), points.filter(([, s]) => s[2] <= 0.5)])
    for (let n = 0; some.length && n < DIRECTIONS; n++) {
      const y = -1 + (1.3 * (n + 0.5)) / DIRECTIONS, angle = (n + 0.5) * Math.PI * (3 - Math.sqrt(5));
      const around = Math.sqrt(Math.max(1 - y * y, 0));
      const way = new THREE.Vector3(around * Math.cos(angle), y, around * Math.sin(angle));
      chosen.add(some.reduce((a, b) => (b[0].dot(way) > a[0].dot(way) ? b : a)));
    }
  const box = new THREE.Box3().setFromPoints(points.map(([p]) => p));
  const width = Math.max(box.max.x - box.min.x, box.max.z - box.min.z, 1e-9);
  const cell = (v: number, from: number) => Math.floor(((v - from) / width) * (PATCHES - 1e-6));
  const low = new Map<number, Weighted>();
  for (const point of points) {
    const key = cell(point[0].x, box.min.x) * PATCHES + cell(point[0].z, box.min.z), other = low.get(key);
    if (!other || point[0].y < other[0].y) low.set(key, point);
  }
  const ankle = foot.getWorldPosition(new THREE.Vector3()).y;
  for (const point of low.values()) if (point[0].y < 0.5 * (ankle + box.min.y)) chosen.add(point);
  return [...chosen];
}

/** Heel, ball and tip of a foot of the usual height, for characters without meshes on their feet. */
function usual(nodes: (THREE.Object3D | undefined)[], leg: number, front: THREE.Vector3): Weighted[] {
  const ankle = nodes[1]!.getWorldPosition(new THREE.Vector3()), toe = nodes[2]?.getWorldPosition(new THREE.Vector3());
  const along = (from: THREE.Vector3, by: number) => from.clone().addScaledVector(front, by * leg);
  const ball = toe ?? along(ankle, 0.13), bent = toe ? 1 : 0;
  let level = ankle.y - 0.085 * leg;
  nodes[1]!.traverse((node) => (level = Math.min(level, node.getWorldPosition(new THREE.Vector3()).y)));
  return [along(ankle, -0.05), ball, along(ball, 0.07)].map((p, n) => [p.setY(level), [0, 1 - 0.5 * n * bent, 0.5 * n * bent]]);
}
