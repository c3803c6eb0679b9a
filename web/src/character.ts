/** A character of the user's own (.glb, .vrm 0.x or 1.0): plays an animation of its file, or follows a take. */
import * as THREE from "three";
import { GLTFLoader, type GLTF } from "three/examples/jsm/loaders/GLTFLoader.js";
import { MeshoptDecoder } from "three/examples/jsm/libs/meshopt_decoder.module.js";
import { VRMLoaderPlugin, VRMMetaLoaderPlugin, type VRM, type VRMHumanBoneName } from "@pixiv/three-vrm";
import { Drive } from "./drive";
import type { Figure } from "./figure";
import { VRM_BONES, recognise, type Roles } from "./humanoid";

/** Heights that are taken for a character's own, m; others are shown as tall as a person. */
const [LOW, HIGH, PERSON] = [0.4, 4, 1.7];

export interface CharacterOptions {
  /** Animation of the file that is played; null: its nodes follow the take; -1: it stands at rest. */
  animation: number | null;
  /** Number and name of the node of each part, where that is known. */
  roles?: Record<string, [number, string]>;
}

export class Character {
  /** What the stage shows. */
  readonly object = new THREE.Group();
  /** m, at rest, as it is shown. */
  readonly height: number;
  readonly roles: Roles;
  private readonly mixer: THREE.AnimationMixer | null = null;
  private readonly action: THREE.AnimationAction | null = null;
  private readonly drive: Drive | null = null;
  private readonly helper: THREE.SkeletonHelper | null;
  private readonly spot: THREE.Mesh;
  private last = -1;

  private constructor(
    readonly name: string,
    readonly bytes: Uint8Array<ArrayBuffer>,
    readonly gltf: GLTF,
    readonly nodeNumber: Map<THREE.Object3D, number>,
    roles: Roles,
    options: CharacterOptions,
  ) {
    const { scene } = gltf;
    this.roles = roles;
    if (options.animation === null) toBindPose(scene);
    scene.updateMatrixWorld(true);
    const box = skinnedBox(scene);
    if (options.animation === null) this.drive = new Drive(scene, roles);
    else if (options.animation >= 0 && gltf.animations[options.animation]) {
      this.mixer = new THREE.AnimationMixer(scene);
      this.action = this.mixer.clipAction(gltf.animations[options.animation]);
      this.action.play();
    }
    const tall = Math.max(box.max.y - Math.min(box.min.y, 0), 1e-6);
    const scale = tall < LOW || tall > HIGH ? PERSON / tall : 1;
    this.height = tall * scale;
    this.object.scale.setScalar(scale);
    this.object.rotation.y = -this.facing();
    this.object.add(scene);
    scene.traverse((object) => {
      object.frustumCulled = false; // its bounds are those of the rest pose
      if (!(object instanceof THREE.Mesh)) return;
      object.castShadow = object.receiveShadow = true;
    });
    const top = [...roles.values()].reduce<THREE.Object3D | null>((a, b) => (a && nodeDepth(a) <= nodeDepth(b) ? a : b), null);
    this.helper = top ? new THREE.SkeletonHelper(top) : null;
    this.spot = new THREE.Mesh(new THREE.SphereGeometry(0.028 * this.height, 16, 12),
      new THREE.MeshBasicMaterial({ color: 0xc4472b, depthTest: false, transparent: true, opacity: 0.9 }));
    this.spot.visible = false;
    this.spot.renderOrder = 9;
  }

  /** Throws an error that says what is wrong, without the file's name. */
  static async load(name: string, bytes: Uint8Array<ArrayBuffer>, options: CharacterOptions): Promise<Character> {
    const loader = new GLTFLoader();
    loader.setMeshoptDecoder(MeshoptDecoder);
    loader.register((parser) => {
      // Whatever licence a user's own file names is theirs to know.
      const url = (parser.json as { extensions?: { VRMC_vrm?: { meta?: { licenseUrl?: string } } } }).extensions?.VRMC_vrm?.meta?.licenseUrl;
      return new VRMLoaderPlugin(parser, {
        metaPlugin: new VRMMetaLoaderPlugin(parser, { acceptLicenseUrls: url === undefined ? [] : [url] }),
      });
    });
    let gltf: GLTF;
    try {
      gltf = await loader.parseAsync(bytes.buffer, "");
    } catch (error) {
      const text = String(error instanceof Error ? error.message : error);
      if (/draco/i.test(text)) throw new Error("its meshes are Draco-compressed; save it without that");
      if (/ktx2/i.test(text)) throw new Error("its textures are Basis-compressed; save it with PNG or JPEG");
      throw new Error(`it cannot be read as .glb or .vrm (${text})`);
    }
    const vrm = gltf.userData.vrm as VRM | undefined;
    if (vrm) vrm.humanoid.autoUpdateHumanBones = false; // its own nodes are moved
    const nodeNumber = new Map<THREE.Object3D, number>();
    const byNumber = new Map<number, THREE.Object3D>();
    for (const [object, place] of gltf.parser.associations) {
      const number = (place as { nodes?: number } | undefined)?.nodes;
      if (number === undefined || !(object instanceof THREE.Object3D)) continue;
      // A node with several primitives is a group whose parts name it, too: the highest one is the node.
      const other = byNumber.get(number);
      if (!other || nodeDepth(object) < nodeDepth(other)) byNumber.set(number, object);
    }
    for (const [number, object] of byNumber) nodeNumber.set(object, number);
    return new Character(name, bytes, gltf, nodeNumber, rolesOf(gltf, vrm, nodeNumber, byNumber, options), options);
  }

  get vrm(): VRM | undefined {
    return this.gltf.userData.vrm as VRM | undefined;
  }

  /** Whether it follows the take, and does not play what is in its file. */
  get driven(): boolean {
    return this.drive !== null;
  }

  /** Nodes whose place changes while it follows the take. */
  get travelling(): THREE.Object3D[] {
    return this.drive?.travelling ?? [];
  }

  pose(figure: Figure, time: number): void {
    const elapsed = time - this.last;
    this.last = time;
    if (this.action && this.mixer) {
      this.action.time = Math.min(Math.max(time, 0), this.action.getClip().duration - 1e-4);
      this.mixer.update(0);
    }
    this.drive?.pose(figure, time);
    this.object.updateMatrixWorld(true);
    if (!this.vrm) return;
    if (elapsed < 0 || elapsed > 0.3) this.vrm.springBoneManager?.reset();
    else {
      // Springs and constraints move; expressions, which would take over the meshes' own morphs, stay as the file has them.
      this.vrm.nodeConstraintManager?.update();
      this.vrm.springBoneManager?.update(elapsed);
      for (const material of this.vrm.materials ?? []) (material as { update?: (delta: number) => void }).update?.(elapsed);
    }
  }

  /** World position of its hips. */
  hips(out: THREE.Vector3): THREE.Vector3 {
    const node = this.roles.get("Hips");
    return node ? node.getWorldPosition(out) : this.object.getWorldPosition(out).setY(0.5 * this.height);
  }

  /** World positions of the parts of the body, m. */
  places(): Record<string, number[]> {
    this.object.updateWorldMatrix(true, true);
    return Object.fromEntries([...this.roles].map(([role, node]) => [role, node.getWorldPosition(new THREE.Vector3()).toArray()]));
  }

  showSkeleton(shown: boolean): void {
    const scene = this.object.parent?.parent;
    if (this.helper && shown && scene) scene.add(this.helper); // draws in world axes
    else this.helper?.removeFromParent();
    if (this.helper) {
      const material = this.helper.material as THREE.LineBasicMaterial;
      material.vertexColors = false;
      material.color.set(0x1b2126);
      material.depthTest = false;
      this.helper.renderOrder = 8;
    }
    this.object.traverse((object) => {
      if (!(object instanceof THREE.Mesh) || object === this.spot) return;
      for (const material of [object.material].flat() as THREE.Material[]) {
        material.userData.own ??= { transparent: material.transparent, opacity: material.opacity, depthWrite: material.depthWrite };
        Object.assign(material, shown ? { transparent: true, opacity: 0.35, depthWrite: false } : material.userData.own);
        material.needsUpdate = true;
      }
    });
  }

  /** Mark the joint that plays a part; null marks none. */
  mark(role: string | null): void {
    this.spot.visible = false;
    this.spot.removeFromParent();
    const node = role === null ? undefined : this.roles.get(role);
    const scene = this.object.parent;
    if (!node || !scene) return;
    scene.add(this.spot);
    node.getWorldPosition(this.spot.position);
    scene.worldToLocal(this.spot.position);
    this.spot.visible = true;
  }

  dispose(): void {
    this.helper?.removeFromParent();
    this.spot.removeFromParent();
    this.mixer?.stopAllAction();
    this.gltf.scene.traverse((object) => {
      if (!(object instanceof THREE.Mesh)) return;
      object.geometry.dispose();
      for (const material of [object.material].flat() as THREE.Material[]) material.dispose();
    });
  }

  /** Where it looks at rest, rad from +z towards +x. */
  private facing(): number {
    if (this.drive) return this.drive.facing;
    if (!this.roles.has("LeftUpLeg") || !this.roles.has("RightUpLeg")) return 0;
    if (this.vrm) return this.vrm.meta?.metaVersion === "0" ? Math.PI : 0;
    const [left, right] = ["LeftUpLeg", "RightUpLeg"].map((role) => this.roles.get(role)!.getWorldPosition(new THREE.Vector3()));
    const across = left.sub(right);
    const angle = Math.atan2(-across.z, across.x);
    return Math.round(angle / (Math.PI / 2)) * (Math.PI / 2);
  }
}

function rolesOf(
  gltf: GLTF, vrm: VRM | undefined, numbers: Map<THREE.Object3D, number>, objects: Map<number, THREE.Object3D>, options: CharacterOptions,
): Roles {
  if (options.roles)
    return new Map(Object.entries(options.roles).flatMap(([role, [number]]) => {
      const node = objects.get(number);
      return node ? [[role, node] as const] : [];
    }));
  if (vrm) {
    const roles: Roles = new Map();
    for (const [bone, role] of Object.entries(VRM_BONES)) {
      const node = vrm.humanoid.getRawBoneNode(bone as VRMHumanBoneName);
      if (node) roles.set(role, node);
    }
    const upper = vrm.humanoid.getRawBoneNode("upperChest");
    if (upper) roles.set("Spine1", upper);
    return roles;
  }
  const raw = gltf.parser.json.nodes as { name?: string }[];
  const name = (node: THREE.Object3D) => raw[numbers.get(node) ?? -1]?.name ?? node.name;
  const bones = new Set<THREE.Object3D>();
  gltf.scene.traverse((object) => {
    if (object instanceof THREE.SkinnedMesh) for (const bone of object.skeleton.bones) bones.add(bone);
  });
  return recognise(bones.size ? [...bones] : [...numbers.keys()], name);
}

/** Put the bones where the skins are bound, where they rest elsewhere: files may rest in the middle of a dance. */
function toBindPose(scene: THREE.Object3D): void {
  scene.updateMatrixWorld(true);
  const product = new THREE.Matrix4();
  scene.traverse((object) => {
    if (!(object instanceof THREE.SkinnedMesh)) return;
    const { bones, boneInverses } = object.skeleton;
    const products = bones.map((bone, i) => product.multiplyMatrices(bone.matrixWorld, boneInverses[i]).clone().elements);
    const size = Math.max(...products[0].map(Math.abs), 1e-6);
    const same = products.every((m) => m.every((value, k) => Math.abs(value - products[0][k]) < 0.02 * size));
    if (!same) object.skeleton.pose();
  });
}

/** The box of all vertices as the skins put them now. */
function skinnedBox(scene: THREE.Object3D): THREE.Box3 {
  const box = new THREE.Box3(), v = new THREE.Vector3();
  scene.traverse((object) => {
    if (!(object instanceof THREE.Mesh)) return;
    const count = object.geometry.getAttribute("position").count;
    for (let i = 0; i < count; i++) box.expandByPoint(object.getVertexPosition(i, v).applyMatrix4(object.matrixWorld));
  });
  if (box.isEmpty()) scene.traverse((object) => box.expandByPoint(object.getWorldPosition(v)));
  return box;
}

function nodeDepth(node: THREE.Object3D): number {
  let count = 0;
  for (let n = node.parent; n; n = n.parent) count++;
  return count;
}
