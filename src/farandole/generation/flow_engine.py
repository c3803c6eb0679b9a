"""Running a model of the flow family: with torch, or its exported sampling step with ONNX Runtime. Same noise, same motion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from farandole._memory import keep_freed_memory
from farandole.errors import CheckpointError, MissingExtraError
from farandole.generation.autoregressive import plan, slide
from farandole.generation.motion_checkpoint import InputWindow, MotionCheckpoint
from farandole.motion.rotations import Array

Progress = Callable[[int, int], None]
ENGINES = ("auto", "torch", "onnx")


class FlowEngine(Protocol):
    """Generates scaled motion features for a batch of sequences."""

    checkpoint: MotionCheckpoint

    def generate(
        self,
        sequences: Mapping[str, Array],
        *,
        frames: int,
        keep: int,
        noise: Array | None,
        temperature: float = 1.0,
        progress: Progress | None = None,
    ) -> Array:
        """Frames after the seed, [B, frames, D] float32.

        Args:
            sequences: Scaled features by modality, [B, T, D] float32, labels [B, 1] int64; of the motion the seed.
            frames: How many to make.
            keep: Frames kept of each predicted window.
            noise: Latents [steps, B, frames of a prediction, latent channels]; None for deterministic models.
            temperature: Factor on the latents.
            progress: Called with (frames done, frames in all).
        """
        ...


class TorchFlow:
    """The model itself, on the CPU or another device.

    Raises:
        MissingExtraError: If torch is not installed.
        CheckpointError: If there is no such device, or the weights do not fit.
    """

    def __init__(self, checkpoint: MotionCheckpoint, *, device: str = "auto") -> None:
        try:
            import safetensors
            import torch
        except ImportError as error:
            raise MissingExtraError("the torch engine", "train") from error
        from farandole.generation.prepared import prepared
        from farandole.models.moglow import MoGlow

        assert safetensors
        keep_freed_memory()
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self._device = torch.device(device)
            model = checkpoint.load().to(self._device)
            # MoGlow's sampler wants the weights as they are.
            self.model = model if isinstance(model, MoGlow) else prepared(model, consume=True)
        except (RuntimeError, AssertionError) as error:
            raise CheckpointError(f"device '{device}': {str(error).splitlines()[0]}") from error
        self._torch, self.checkpoint = torch, checkpoint

    def generate(
        self,
        sequences: Mapping[str, Array],
        *,
        frames: int,
        keep: int,
        noise: Array | None,
        temperature: float = 1.0,
        progress: Progress | None = None,
    ) -> Array:
        """See `FlowEngine.generate`."""
        from farandole.generation.autoregressive import generate

        tensor = lambda x: self._torch.from_numpy(np.array(x)).to(self._device)  # noqa: E731
        made = generate(
            self.model,
            {name: tensor(values) for name, values in sequences.items()},
            frames=frames,
            keep=keep,
            noise=None if noise is None else tensor(noise),
            temperature=temperature,
            progress=progress,
        )
        return made.cpu().numpy()


class OnnxFlow:
    """The sampling step in `model.onnx`, run by ONNX Runtime on the CPU; no torch. Samples as a `MotionModel` does.

    Its inputs are the windows by name, `noise`, and recurrent states `state_0`, `state_1` ... [layers, B, width]; its
    outputs the frames and the next states. States are zero at the start of a sequence.

    Args:
        checkpoint: The checkpoint.
        path: The file, if it is not the checkpoint's own.
        threads: Of ONNX Runtime.

    Raises:
        CheckpointError: If the model was not exported.
    """

    def __init__(self, checkpoint: MotionCheckpoint, *, path: Path | None = None, threads: int = 2) -> None:
        import onnxruntime

        path = path or checkpoint.step
        if not path.is_file():
            run = checkpoint.folder.parent if checkpoint.folder.name == "checkpoint" else checkpoint.folder
            raise CheckpointError(f"{checkpoint.folder} has no {path.name}: make it with farandole models export {run}")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own exception classes have no common base
            raise CheckpointError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
        self.checkpoint = checkpoint
        inputs = {node.name: node for node in self._session.get_inputs()}
        self._noise = inputs["noise"].shape[1:] if "noise" in inputs else None
        self._states = {name: node.shape for name, node in inputs.items() if name.startswith("state_")}

    @property
    def generation_inputs(self) -> tuple[InputWindow, ...]:
        """Windows that a step reads."""
        return self.checkpoint.generation_inputs

    @property
    def generation_frames(self) -> int:
        """Frames that a step predicts."""
        return self.checkpoint.generation_frames

    @property
    def target(self) -> InputWindow:
        """The predicted window."""
        return self.checkpoint.target

    def sample(
        self, windows: Mapping[str, Array], *, noise: Array | None, temperature: float = 1.0, state: Any = None
    ) -> tuple[Array, list[Array]]:
        """One step: frames [B, frames, D] and the next state; see `MotionModel.sample`."""
        feed = dict(windows)
        batch = len(next(iter(windows.values())))
        if self._noise is not None and noise is not None:
            feed["noise"] = noise * np.float32(temperature)
        for i, (name, shape) in enumerate(self._states.items()):
            feed[name] = state[i] if state else np.zeros((shape[0], batch, shape[2]), np.float32)
        drawn, *following = (np.asarray(array) for array in self._session.run(None, feed))
        return drawn, following

    def generate(
        self,
        sequences: Mapping[str, Array],
        *,
        frames: int,
        keep: int,
        noise: Array | None,
        temperature: float = 1.0,
        progress: Progress | None = None,
    ) -> Array:
        """See `FlowEngine.generate`."""
        past, total = plan(self, sequences, frames, keep)
        batch = len(sequences[self.generation_inputs[0].name])
        made = np.empty((batch, past + total, self.target.dim), np.float32)
        slide(self, sequences, made, keep=keep, noise=noise, temperature=temperature, progress=progress)
        return made[:, past:]


def make_flow_engine(checkpoint: MotionCheckpoint, name: str = "auto", *, device: str = "auto") -> FlowEngine:
    """An engine by name; "auto" is torch where it is installed.

    Raises:
        CheckpointError: If there is no engine of that name, or it cannot run the checkpoint.
    """
    if name not in ENGINES:
        raise CheckpointError(f"no engine '{name}': there are {', '.join(ENGINES)}")
    if name == "auto":
        name = "torch" if find_spec("torch") is not None else "onnx"
    return TorchFlow(checkpoint, device=device) if name == "torch" else OnnxFlow(checkpoint)
