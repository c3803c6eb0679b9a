/** What the page gives away of a take: .glb (mannequin or character), .vrma. BVH is in bvh.ts. */
import * as THREE from "three";
import { bodyGeometry, restPositions } from "./body";
import type { Take } from "./data";
import type { Figure } from "./figure";
import { GlbWriter, type GltfDocument, type GltfNode, type Track } from "./glb";
import { VRM_BONES } from "./humanoid";

const GENERATOR = "farandole";
const [VERTEX, INDEX] = [34962, 34963];

/** The mannequin with the take as its animation. */
export function takeGlb(take: Take, palette: THREE.Color[]): Uint8Array<ArrayBuffer> {
  const joints = take.joints.length;
  const nodes: GltfNode[] = take.joints.map((name, j) => node(name, take.offsets.slice(3 * j, 3 * j + 3),
    take.parents.flatMap((parent, c) => (parent === j ? [c] : []))));
  nodes.push({ name: "Body", mesh: 0, skin: 0 });
  const document: GltfDocument = {
    asset: { version: "2.0", generator: GENERATOR }, scene: 0, scenes: [{ name: take.name, nodes: [0, joints] }], nodes,
    materials: [{ name: "Body", pbrMetallicRoughness: { metallicFactor: 0, roughnessFactor: 0.7 } }],
  };
  const writer = GlbWriter.empty(document);
  const geometry = bodyGeometry(take, palette);
  const array = (name: string) => geometry.getAttribute(name).array;
  const rest = restPositions(take);
  const inverse = new Float32Array(16 * joints);
  rest.forEach((place, j) => new THREE.Matrix4().makeTranslation(-place.x, -place.y, -place.z).toArray(inverse, 16 * j));
  const floats = (name: string, type: string, bounds = false) => writer.add(new Float32Array(array(name)), type, { bounds, target: VERTEX });
  document.meshes = [{ name: "Body", primitives: [{
    attributes: {
      POSITION: floats("position", "VEC3", true), NORMAL: floats("normal", "VEC3"), COLOR_0: floats("color", "VEC3"),
      JOINTS_0: writer.add(new Uint16Array(array("skinIndex")), "VEC4", { target: VERTEX }), WEIGHTS_0: floats("skinWeight", "VEC4"),
    },
    indices: writer.add(new Uint32Array(geometry.index!.array), "SCALAR", { target: INDEX }), material: 0,
  }] }];
  document.skins = [{ skeleton: 0, joints: nodes.slice(0, joints).map((_, j) => j), inverseBindMatrices: writer.add(inverse, "MAT4") }];
  const tracks: Track[] = take.joints.map((_, j) => ({ node: j, path: "rotation", values: column(take.quaternions, 4, joints, j, take.frames) }));
  tracks.push({ node: 0, path: "translation", values: take.rootPositions });
  if (take.translations)
    for (let j = 1; j < joints; j++) tracks.push({ node: j, path: "translation", values: column(take.translations, 3, joints, j, take.frames) });
  writer.animate(take.name, take.fps, tracks);
  return writer.pack();
}

/** The file of the character that a figure wears: as it is if it plays what is in it, else with the take added to it. */
export function characterGlb(figure: Figure): Uint8Array<ArrayBuffer> {
  const character = figure.character!;
  if (!character.driven) return character.bytes;
  const writer = GlbWriter.open(character.bytes);
  const { take } = figure;
  const moving = [...character.roles.values()];
  const travelling = character.travelling;
  const paths = travelling.map(() => new Float32Array(3 * take.frames));
  const values = moving.map(() => new Float32Array(4 * take.frames));
  const last = new THREE.Quaternion();
  for (let t = 0; t < take.frames; t++) {
    figure.pose(t / take.fps);
    moving.forEach((object, i) => {
      const q = object.quaternion;
      if (t) last.fromArray(values[i], 4 * (t - 1));
      const sign = t && last.dot(q) < 0 ? -1 : 1;
      values[i].set([sign * q.x, sign * q.y, sign * q.z, sign * q.w], 4 * t);
    });
    travelling.forEach((object, i) => object.position.toArray(paths[i], 3 * t));
  }
  const number = (object: THREE.Object3D) => character.nodeNumber.get(object)!;
  const tracks: Track[] = moving.map((object, i) => ({ node: number(object), path: "rotation", values: values[i] }));
  travelling.forEach((object, i) => tracks.push({ node: number(object), path: "translation", values: paths[i] }));
  const joined = new Set(moving);
  for (const [object, n] of character.nodeNumber) {
    const written = writer.document.nodes[n];
    if (written.matrix && joined.has(object)) { // only translation, rotation and scale can be animated
      delete written.matrix;
      Object.assign(written, { translation: object.position.toArray(), rotation: object.quaternion.toArray(), scale: object.scale.toArray() });
    }
    // Bones that rest elsewhere than they are bound are put where they are bound.
    if (object instanceof THREE.Bone && moved(written, object)) {
      if (!joined.has(object)) tracks.push({ node: n, path: "rotation", values: repeated(object.quaternion.toArray(), take.frames) });
      if (!travelling.includes(object)) tracks.push({ node: n, path: "translation", values: repeated(object.position.toArray(), take.frames) });
    }
  }
  writer.animate(take.name, take.fps, tracks);
  return writer.pack();
}

/** The take for any VRM character: rotations over an exact T-pose, and the path of the hips, m. */
export function takeVrma(figure: Figure): Uint8Array<ArrayBuffer> {
  const { take } = figure;
  const human = take.humanoid!;
  const boneOf = Object.fromEntries(Object.entries(VRM_BONES).map(([bone, role]) => [role, bone]));
  const parents: Record<string, string> = { Spine: "Hips", Spine1: "Spine", Neck: "Spine1", Head: "Neck" };
  for (const side of ["Left", "Right"])
    Object.assign(parents, {
      [`${side}Shoulder`]: "Spine1", [`${side}Arm`]: `${side}Shoulder`, [`${side}ForeArm`]: `${side}Arm`, [`${side}Hand`]: `${side}ForeArm`,
      [`${side}UpLeg`]: "Hips", [`${side}Leg`]: `${side}UpLeg`, [`${side}Foot`]: `${side}Leg`, [`${side}ToeBase`]: `${side}Foot`,
    });
  const roles = ["Hips", ...Object.keys(parents)].filter((role) => human.roles[role] !== undefined && boneOf[role]);
  const known = new Set(roles);
  const above = (role: string): string | null => {
    let up: string | undefined = parents[role];
    while (up !== undefined && !known.has(up)) up = parents[up];
    return up ?? null;
  };
  const nodes = roles.map((role) => {
    const up = above(role), place = human.rest[role];
    const offset = up ? place.map((v, k) => v - human.rest[up][k]) : place;
    return node(boneOf[role], offset, roles.flatMap((other, c) => (above(other) === role ? [c] : [])));
  });
  const humanBones = Object.fromEntries(roles.map((role, n) => [boneOf[role], { node: n }]));
  const writer = GlbWriter.empty({
    asset: { version: "2.0", generator: GENERATOR }, extensionsUsed: ["VRMC_vrm_animation"],
    extensions: { VRMC_vrm_animation: { specVersion: "1.0", humanoid: { humanBones } } },
    scene: 0, scenes: [{ name: take.name, nodes: [0] }], nodes,
  });
  const values = roles.map(() => new Float32Array(4 * take.frames));
  const path = new Float32Array(3 * take.frames);
  const turn = new THREE.Quaternion(), before = new THREE.Quaternion(), place = new THREE.Vector3();
  const turns = new Map(roles.map((role) => [role, new THREE.Quaternion()]));
  for (let t = 0; t < take.frames; t++) {
    figure.pose(t / take.fps);
    for (const role of roles) figure.partTurn(role, turns.get(role)!);
    roles.forEach((role, n) => {
      const up = above(role);
      turn.copy(turns.get(role)!);
      if (up) turn.premultiply(before.copy(turns.get(up)!).invert());
      if (t && before.fromArray(values[n], 4 * (t - 1)).dot(turn) < 0) turn.set(-turn.x, -turn.y, -turn.z, -turn.w);
      turn.toArray(values[n], 4 * t);
    });
    figure.partPlace("Hips", place).toArray(path, 3 * t);
  }
  const tracks: Track[] = roles.map((_, n) => ({ node: n, path: "rotation", values: values[n] }));
  writer.animate(take.name, take.fps, [...tracks, { node: 0, path: "translation", values: path }]);
  return writer.pack();
}

function node(name: string, translation: number[], children: number[]): GltfNode {
  return { name, translation, ...(children.length ? { children } : {}) };
}

function column(values: Float32Array, width: number, joints: number, joint: number, frames: number): Float32Array {
  const result = new Float32Array(width * frames);
  for (let t = 0; t < frames; t++) result.set(values.subarray(width * (t * joints + joint), width * (t * joints + joint + 1)), width * t);
  return result;
}

function repeated(values: number[], times: number): Float32Array {
  const result = new Float32Array(values.length * times);
  for (let t = 0; t < times; t++) result.set(values, values.length * t);
  return result;
}

function moved(written: GltfNode, object: THREE.Object3D): boolean {
  const [x, y, z, w] = written.rotation ?? [0, 0, 0, 1], q = object.quaternion;
  const place = written.translation ?? [0, 0, 0];
  const far = object.position.toArray().some((v, k) => Math.abs(v - place[k]) > 1e-3 * (1 + Math.abs(place[k])));
  return far || Math.abs(x * q.x + y * q.y + z * q.z + w * q.w) < 0.99999;
}
