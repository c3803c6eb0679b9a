/** A take on the stage: skinned body, skeleton lines, contact shades under the feet. */
import * as THREE from "three";
import { bodyGeometry, restPositions } from "./body";
import type { Character } from "./character";
import type { Take } from "./data";

const geometries = new Map<string, THREE.BufferGeometry>();

function geometryFor(take: Take, palette: THREE.Color[]): THREE.BufferGeometry {
  const key = JSON.stringify([take.parents, take.offsets, take.parts]);
  let geometry = geometries.get(key);
  if (!geometry) geometries.set(key, (geometry = bodyGeometry(take, palette)));
  return geometry;
}

/** A ghost that coincides with its body lies behind it. */
const BEHIND = { polygonOffset: true, polygonOffsetFactor: 4, polygonOffsetUnits: 40 };

let shadeTexture: THREE.Texture | null = null;

function softDisc(): THREE.Texture {
  if (shadeTexture) return shadeTexture;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d")!;
  const fall = context.createRadialGradient(32, 32, 0, 32, 32, 32);
  fall.addColorStop(0, "rgba(0,0,0,1)");
  fall.addColorStop(0.45, "rgba(0,0,0,0.45)");
  fall.addColorStop(1, "rgba(0,0,0,0)");
  context.fillStyle = fall;
  context.fillRect(0, 0, 64, 64);
  return (shadeTexture = new THREE.CanvasTexture(canvas));
}

export class Figure {
  readonly group = new THREE.Group();
  readonly positions: Float32Array;
  private readonly bones: THREE.Bone[];
  private readonly mesh: THREE.SkinnedMesh;
  private readonly lines: THREE.LineSegments;
  private readonly dots: THREE.Points;
  private readonly segments: [number, number | THREE.Vector3][] = [];
  private readonly shades: { joint: number; mesh: THREE.Mesh<THREE.PlaneGeometry, THREE.MeshBasicMaterial>; rest: number }[] = [];
  private readonly v = new THREE.Vector3();
  private readonly q = new THREE.Quaternion();
  private worn: Character | null = null;
  private skeletonOn = false;

  constructor(readonly take: Take, palette: THREE.Color[], readonly ghost = false) {
    const rest = restPositions(take);
    this.positions = new Float32Array(take.joints.length * 3);
    this.bones = take.joints.map((name, j) => {
      const bone = new THREE.Bone();
      bone.name = name;
      if (take.parents[j] >= 0) bone.position.fromArray(take.offsets, 3 * j);
      return bone;
    });
    this.bones.forEach((bone, j) => (take.parents[j] >= 0 ? this.bones[take.parents[j]].add(bone) : null));
    this.bones[0].updateMatrixWorld(true);
    const material = ghost
      ? new THREE.MeshStandardMaterial({ color: 0x5f7386, transparent: true, opacity: 0.4, roughness: 0.9, depthWrite: false, ...BEHIND })
      : new THREE.MeshStandardMaterial({ vertexColors: true, roughness: 0.62, metalness: 0 });
    this.mesh = new THREE.SkinnedMesh(geometryFor(take, palette), material);
    this.mesh.frustumCulled = false; // its bounds are those of the rest pose
    this.mesh.castShadow = !ghost;
    this.mesh.receiveShadow = !ghost;
    this.mesh.add(this.bones[0]);
    const skeleton = new THREE.Skeleton(this.bones);
    this.mesh.bind(skeleton, new THREE.Matrix4());
    this.group.add(this.mesh);
    if (ghost) {
      // Its depth first, then its nearest surface only: overlapping limbs do not add up, and the ghost is of one tone.
      const depth = new THREE.SkinnedMesh(this.mesh.geometry, new THREE.MeshBasicMaterial({ colorWrite: false, transparent: true, ...BEHIND }));
      depth.frustumCulled = false;
      depth.renderOrder = 2;
      depth.bind(skeleton, new THREE.Matrix4());
      this.mesh.renderOrder = 3;
      this.group.add(depth);
    }

    take.parents.forEach((parent, j) => {
      if (parent >= 0) this.segments.push([parent, j]);
      if (take.tips[j]) this.segments.push([j, new THREE.Vector3().fromArray(take.tips[j])]);
    });
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(new Float32Array(this.segments.length * 6), 3));
    this.lines = new THREE.LineSegments(geometry, new THREE.LineBasicMaterial({ color: 0x1b2126, depthTest: false }));
    const joints = new THREE.BufferGeometry();
    joints.setAttribute("position", new THREE.BufferAttribute(this.positions, 3));
    this.dots = new THREE.Points(
      joints,
      new THREE.PointsMaterial({ color: 0xc4472b, size: 6, sizeAttenuation: false, depthTest: false }),
    );
    for (const object of [this.lines, this.dots]) {
      object.frustumCulled = false;
      object.renderOrder = 5;
      object.visible = false;
      this.group.add(object);
    }

    if (!ghost) {
      const heights = [...rest.map((r) => r.y), ...Object.entries(take.tips).map(([j, t]) => rest[+j].y + t[1])];
      const sole = Math.min(...heights);
      for (const joint of take.feet) {
        const disc = new THREE.Mesh(
          new THREE.PlaneGeometry(0.34, 0.34),
          new THREE.MeshBasicMaterial({ map: softDisc(), transparent: true, depthWrite: false, opacity: 0 }),
        );
        disc.rotation.x = -Math.PI / 2;
        disc.position.y = 0.004;
        disc.renderOrder = 1;
        this.shades.push({ joint, mesh: disc, rest: rest[joint].y - sole });
        this.group.add(disc);
      }
    }
  }

  /** The character that is shown instead of the mannequin. */
  get character(): Character | null {
    return this.worn;
  }

  /** Show a character instead of the mannequin, or (null) the mannequin again. */
  wear(character: Character | null): void {
    if (this.worn) this.group.remove(this.worn.object);
    this.worn?.dispose();
    this.worn = character;
    if (character) this.group.add(character.object);
    this.mesh.visible = !character;
    for (const { mesh } of this.shades) mesh.visible = !character;
    this.showSkeleton(this.skeletonOn);
  }

  /** World rotation of a part of the body now, against a T-pose that faces +z; null if the motion does not tell. */
  partTurn(role: string, out: THREE.Quaternion): THREE.Quaternion | null {
    const human = this.take.humanoid!;
    const joint = human.roles[role];
    if (joint === undefined) return null;
    const [w, x, y, z] = human.frames[role];
    this.bones[joint].getWorldQuaternion(out);
    return out.multiply(this.q.set(x, y, z, w));
  }

  /** Position of a part of the body now, m, in the place where the take itself is. */
  partPlace(role: string, out: THREE.Vector3): THREE.Vector3 {
    return out.fromArray(this.positions, 3 * this.take.humanoid!.roles[role]);
  }

  showSkeleton(shown: boolean): void {
    this.skeletonOn = shown;
    this.worn?.showSkeleton(shown);
    if (this.worn) shown = false;
    this.lines.visible = this.dots.visible = shown;
    const material = this.mesh.material as THREE.MeshStandardMaterial;
    if (this.ghost) return;
    material.transparent = shown;
    material.opacity = shown ? 0.35 : 1;
    material.depthWrite = !shown;
    material.needsUpdate = true;
  }

  /** Put the body where it is at `time` s, with the character that it wears. Holds the ends. */
  pose(time: number): void {
    this.poseBones(time);
    if (this.lines.visible) this.updateLines();
    this.worn?.pose(this, time);
    for (const { joint, mesh, rest } of this.shades) {
      const height = this.positions[3 * joint + 1] - rest;
      mesh.material.opacity = 0.42 * Math.max(0, 1 - Math.max(height, 0) / 0.22) ** 2;
      mesh.position.x = this.positions[3 * joint];
      mesh.position.z = this.positions[3 * joint + 2];
      mesh.scale.setScalar(1 + 2 * Math.max(height, 0));
    }
  }

  /** Put the dancer's own bones where they are at `time` s: slerp between the frames around. */
  poseBones(time: number): void {
    const { take } = this;
    const joints = take.joints.length;
    const at = Math.min(Math.max(time * take.fps, 0), take.frames - 1);
    const low = Math.floor(at), high = Math.min(low + 1, take.frames - 1), t = at - low;
    const q: number[] = [0, 0, 0, 1];
    for (let j = 0; j < joints; j++) {
      THREE.Quaternion.slerpFlat(q, 0, take.quaternions as unknown as number[], (low * joints + j) * 4,
        take.quaternions as unknown as number[], (high * joints + j) * 4, t);
      this.bones[j].quaternion.fromArray(q);
    }
    const mix = (values: Float32Array, stride: number, j: number, out: THREE.Vector3) => {
      const a = low * stride + 3 * j, b = high * stride + 3 * j;
      return out.set(
        values[a] + t * (values[b] - values[a]),
        values[a + 1] + t * (values[b + 1] - values[a + 1]),
        values[a + 2] + t * (values[b + 2] - values[a + 2]),
      );
    };
    if (take.translations)
      for (let j = 1; j < joints; j++) mix(take.translations, 3 * joints, j, this.bones[j].position);
    mix(take.rootPositions, 3, 0, this.bones[0].position);
    this.group.updateWorldMatrix(true, false);
    this.mesh.updateMatrixWorld(true);
    const origin = this.group.position;
    this.bones.forEach((bone, j) => {
      const m = bone.matrixWorld.elements;
      this.positions[3 * j] = m[12] - origin.x;
      this.positions[3 * j + 1] = m[13] - origin.y;
      this.positions[3 * j + 2] = m[14] - origin.z;
    });
  }

  /** World position of the root joint. */
  root(out: THREE.Vector3): THREE.Vector3 {
    if (this.worn) return this.worn.hips(out);
    return out.fromArray(this.positions, 0).add(this.group.position);
  }

  /** World position above the highest joint, for the name. */
  crown(out: THREE.Vector3): THREE.Vector3 {
    if (this.worn) return this.worn.hips(out).setY(this.worn.height + 0.2);
    let top = -Infinity;
    for (let j = 0; j < this.take.joints.length; j++) top = Math.max(top, this.positions[3 * j + 1]);
    return this.root(out).setY(top + 0.32);
  }

  private updateLines(): void {
    const target = this.lines.geometry.getAttribute("position") as THREE.BufferAttribute;
    const p = this.positions;
    this.segments.forEach(([from, to], i) => {
      target.setXYZ(2 * i, p[3 * from], p[3 * from + 1], p[3 * from + 2]);
      if (typeof to === "number") this.v.fromArray(p, 3 * to);
      else this.v.copy(to).applyMatrix4(this.bones[from].matrixWorld).sub(this.group.position);
      target.setXYZ(2 * i + 1, this.v.x, this.v.y, this.v.z);
    });
    target.needsUpdate = true;
    this.dots.geometry.getAttribute("position").needsUpdate = true;
  }
}
