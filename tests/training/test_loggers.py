"""What a run writes down for TensorBoard, as CSV and for Weights & Biases, and that none of it leaves the machine."""

from __future__ import annotations

import csv
import importlib
import json
import os
import struct
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="training needs the [train] extra")
pytest.importorskip("lightning", reason="training needs the [train] extra")

from training_toys import Losses, changed

from farandole.errors import DataError, MissingExtraError
from farandole.training.loggers import flat
from farandole.training.run import train

DANCES = {"every": 1, "songs": 1, "seconds": 1.0}
BLOCK, FULL, LAST = 32768, 1, 4


def written(run: Path) -> list[dict[str, str]]:
    """Rows of the newest CSV log."""
    newest = max((run / "logs" / "csv").iterdir())
    with (newest / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_holds_the_losses_of_every_step_and_of_the_dances(flow_folder: Path, tmp_path: Path) -> None:
    losses, run = Losses(), tmp_path / "run"
    values = changed(steps=4, validate_every=2, dances=DANCES, loggers=["csv"])
    train(values, flow_folder, run, callbacks=[losses])
    rows = written(run)
    found = {int(r["step"]) + 1: float(r["train/loss"]) for r in rows if r["train/loss"]}
    assert found == pytest.approx(losses.train)
    held_out = [float(r["held_out/loss"]) for r in rows if r.get("held_out/loss")]
    assert held_out == pytest.approx(list(losses.held_out.values()))
    assert [float(r["dances/lines"]) for r in rows if r.get("dances/lines")]
    assert {p.name for p in (run / "logs").iterdir()} == {"csv"}
    train({}, flow_folder, run, resume=True, changes=["training.steps=6"])
    assert [int(r["step"]) for r in written(run) if r["train/loss"]] == [4, 5]  # of what was added, beside the first


def test_tensorboard_compares_settings_and_results_of_runs(flow_folder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    losses = Losses()
    train(changed(steps=3, lr=2e-3), flow_folder, tmp_path / "run", callbacks=[losses])
    log = EventAccumulator(str(tmp_path / "run" / "logs" / "version_0")).Reload()
    content = log.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    settings = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert settings["training.lr"].number_value == 2e-3
    assert settings["model"].string_value == "moglow"
    assert settings["config.glow.steps"].number_value == 2
    content = log.SummaryMetadata("_hparams_/experiment").plugin_data.content
    compared = plugin_data_pb2.HParamsPluginData.FromString(content).experiment.metric_infos
    assert "held_out/loss" in {metric.name.tag for metric in compared}
    assert [e.value for e in log.Scalars("held_out/loss")] == pytest.approx(list(losses.held_out.values()))
    assert "hp_metric" not in log.Tags()["scalars"]


def test_loggers_go_together_or_not_at_all(flow_folder: Path, tmp_path: Path) -> None:
    both = changed(steps=1, loggers=["csv", "tensorboard", "csv"])
    assert train(both, flow_folder, tmp_path / "both")
    assert {p.name for p in (tmp_path / "both" / "logs").iterdir()} == {"csv", "version_0"}
    assert train(changed(steps=1, loggers=[], dances=DANCES), flow_folder, tmp_path / "none")
    assert not (tmp_path / "none" / "logs").exists()
    with pytest.raises(DataError, match=r"training.loggers\[0\]: 'mlflow' is not one of tensorboard, csv, wandb"):
        train(changed(loggers=["mlflow"]), flow_folder, tmp_path / "x")


def test_wandb_that_is_not_installed_is_one_line(
    flow_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"Weights & Biases needs .* pip install 'farandole\[wandb\]'"):
        train(changed(loggers=["wandb"]), flow_folder, tmp_path / "run")
    assert not (tmp_path / "run").exists()


WITHOUT_NETWORK = """
import socket, sys
from pathlib import Path
sys.path.insert(0, {here!r})
connect = socket.socket.connect
def only_here(self, address):
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(address, tuple) and host not in ("127.0.0.1", "::1", "localhost"):
        print("CALLED", address, flush=True)
        raise OSError("no network")
    return connect(self, address)
socket.socket.connect = only_here
from training_toys import changed
from farandole.training.run import train
values = changed(steps=3, loggers=["wandb"], dances={dances!r}, validate_every=2)
for name in ("one", "two"):
    train(values, Path({folder!r}), Path({place!r}) / name)
"""


@pytest.mark.slow
def test_wandb_stays_on_this_machine(flow_folder: Path, tmp_path: Path) -> None:
    """A process of its own, where no other machine can be reached and an address of the service would be called in vain."""
    pytest.importorskip("wandb", reason="needs the [wandb] extra")
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(WITHOUT_NETWORK).format(
            here=str(Path(__file__).parent), dances=DANCES, folder=str(flow_folder), place=str(tmp_path)
        )
    )
    own = {"WANDB_MODE": "online", "WANDB_BASE_URL": "http://127.0.0.1:9", "WANDB_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=200, env=os.environ | own, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "CALLED" not in done.stdout
    for name in ("one", "two"):
        (folder,) = (tmp_path / name / "logs" / "wandb").glob("offline-run-*")
        (record,) = folder.glob("*.wandb")
        logged = read_log(record)
        assert {"train/loss", "held_out/loss", "dances/lines"} <= logged.keys()
        assert len(logged["train/loss"]) == 3
        assert list((folder / "files" / "media" / "images").glob("dance_*.png"))
        assert b"training.batch_size" in record.read_bytes()
    assert not (tmp_path / "wandb").exists()


def read_log(path: Path) -> dict[str, list[Any]]:
    """What was logged, by name, from the file of an offline run: LevelDB's log format behind a head of seven bytes."""
    records = importlib.import_module("wandb.proto.wandb_internal_pb2")
    data, place, part = path.read_bytes(), 7, b""
    found: dict[str, list[Any]] = {}
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:  # what is left of a block is empty
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + 7])
        part += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (FULL, LAST):
            for item in records.Record.FromString(part).history.item:
                found.setdefault(item.key or ".".join(item.nested_key), []).append(json.loads(item.value_json))
            part = b""
    return found


def test_settings_are_told_by_dotted_name() -> None:
    values = {"a": {"b": 1, "c": [1, 2]}, "d": [{"e": "x"}, {"e": None}], "f": True, "g": {}, "h": []}
    assert dict(flat(values)) == {
        "a.b": 1, "a.c": "[1, 2]", "d.0.e": "x", "d.1.e": "None", "f": True, "g": "{}", "h": "[]",
    }  # fmt: skip
