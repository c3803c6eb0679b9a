"""Running the networks of a checkpoint, with ONNX Runtime or with torch. Both give the same numbers, up to rounding."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from farandole._memory import keep_freed_memory
from farandole.errors import CheckpointError, FarandoleError, MissingExtraError
from farandole.motion.rotations import Array

if TYPE_CHECKING:
    from torch import nn

    from farandole.checkpoints.checkpoint import Checkpoint

ENGINES = ("auto", "onnx", "torch")


def load_runtime() -> Any:
    """The module onnxruntime, told not to report to its makers.

    Without the variable, set before it is loaded, newer releases number the machine, keep a record in the home folder and send it.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


class Session(Protocol):
    """The networks of a checkpoint, ready to run."""

    @property
    def engine(self) -> str:
        """What runs them: "onnx" or "torch"."""
        ...

    @property
    def threads(self) -> int:
        """How many threads there are for it; 1 where runs side by side would gain nothing."""
        ...

    @property
    def model(self) -> nn.Module | None:
        """The torch module; None with ONNX Runtime."""
        ...

    def open_ahead(self, *networks: str) -> None:
        """Begin to open networks that will be needed, beside other work; what is wrong with them is told when they run."""
        ...

    def run(self, network: str, inputs: Mapping[str, Array]) -> list[Array]:
        """Outputs of a network for inputs by name."""
        ...

    def inputs(self, network: str) -> dict[str, tuple[int | None, ...]]:
        """Shapes of a network's inputs by name; None for axes of any length."""
        ...


def open_session(checkpoint: Checkpoint, engine: str = "auto", *, device: str = "auto", threads: int = 2) -> Session:
    """A session of an engine; "auto" is ONNX Runtime where the model is exported, else torch.

    Args:
        checkpoint: The checkpoint.
        engine: One of ENGINES.
        device: Of torch; "auto" is a GPU where there is one.
        threads: Of ONNX Runtime; on small networks a third gains nothing.

    Raises:
        CheckpointError: If there is no such engine, or it cannot run the checkpoint.
        MissingExtraError: If torch is needed and not installed.
    """
    if engine not in ENGINES:
        raise CheckpointError(f"no engine '{engine}': there are {', '.join(ENGINES)}")
    if engine == "auto":
        engine = "onnx" if checkpoint.exported or find_spec("torch") is None else "torch"
    if engine == "onnx":
        return OnnxSession(checkpoint.folder, threads=threads)
    try:
        from farandole.checkpoints.torch_session import TorchSession
    except ImportError as error:
        raise MissingExtraError("the torch engine", "train") from error

    keep_freed_memory()
    return TorchSession(checkpoint, device=device)


SMALL = 10_000_000
"""Networks of fewer bytes than this are run by one thread."""


class OnnxSession:
    """Networks run by ONNX Runtime on the CPU, each opened when it is first needed; no torch.

    Args:
        folder: Where NETWORK.onnx lie.
        threads: CPU threads of networks beyond `SMALL`, as far as there are cores.

    Raises:
        CheckpointError: If there is none.
    """

    engine = "onnx"
    model = None

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        self.folder, self.threads = folder, min(threads, _cores())
        self._sessions: dict[str, Any] = {}
        self._opening = Lock()  # threads that need a network at once would each open it
        if not any(folder.glob("*.onnx")):
            run = folder.parent if folder.name == "checkpoint" else folder
            raise CheckpointError(
                f"{folder} has no ONNX files: make them with farandole models export {run}, or use --engine torch"
            )

    def open_ahead(self, *networks: str) -> None:
        """See `Session.open_ahead`; where there is one thread, they are opened when they run."""

        def open_all() -> None:
            with suppress(CheckpointError):
                for network in networks:
                    self._open(network)

        if self.threads > 1:
            Thread(target=open_all).start()

    def run(self, network: str, inputs: Mapping[str, Array]) -> list[Array]:
        """See `Session.run`."""
        session = self._open(network)
        try:
            return session.run(None, dict(inputs))
        except Exception as error:  # ONNX Runtime's own exception classes have no common base
            raise CheckpointError(
                f"{self._path(network)} does not fit config.json beside it: {_line(error)}"
            ) from error

    def inputs(self, network: str) -> dict[str, tuple[int | None, ...]]:
        """See `Session.inputs`."""
        fixed = lambda shape: tuple(n if isinstance(n, int) else None for n in shape)  # noqa: E731
        return {node.name: fixed(node.shape) for node in self._open(network).get_inputs()}

    def _path(self, network: str) -> Path:
        return self.folder / f"{network}.onnx"

    def _open(self, network: str) -> Any:
        with self._opening:
            if network not in self._sessions:
                self._sessions[network] = self._new_session(network)
        return self._sessions[network]

    def _new_session(self, network: str) -> Any:
        onnxruntime = load_runtime()
        path = self._path(network)
        if not path.is_file():
            raise CheckpointError(f"{self.folder} has no {path.name}: make it with farandole models export")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Threads share out a small network's sums by what each happens to be doing: one keeps the same bytes each time.
        options.intra_op_num_threads = self.threads if path.stat().st_size > SMALL else 1
        # Threads that wait in a loop burn as much time as the work takes, and hold it up where there are other processes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise CheckpointError(f"{path} cannot be read: {_line(error)}") from error


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_finite(arrays: list[Array], checkpoint: Checkpoint) -> list[Array]:
    """The arrays. Raises CheckpointError if they hold numbers that are none, which only damaged weights make."""
    if not all(np.isfinite(a).all() for a in arrays):
        raise CheckpointError(
            f"{checkpoint.folder}: the model's output is not finite: its weights or scales are damaged"
        )
    return arrays


def _line(error: BaseException) -> str:
    if isinstance(error, FarandoleError):
        return str(error)
    return " ".join(str(error).split())[:300]
