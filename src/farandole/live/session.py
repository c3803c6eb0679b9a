"""One run of `farandole live`: opens what is asked for, dances, closes it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from farandole.errors import AudioError, OutputError
from farandole.live.live import Live
from farandole.live.outputs.recorder import Recorder
from farandole.live.runner import Runner
from farandole.live.simulation import simulate
from farandole.live.stats import LiveStats

if TYPE_CHECKING:
    from farandole.live.outputs.output import Output
    from farandole.live.outputs.page_server import PageServer
    from farandole.live.sources.sound_file import SoundFile
    from farandole.live.sources.source import Source
    from farandole.live.sources.standard_input import PcmStream

MIC, LOOPBACK, STDIN = "mic", "loopback", "-"


@dataclass(frozen=True)
class Options:
    """What the command line asks for; see `farandole live --help`. Times are in s."""

    source: str = MIC
    device: str | None = None
    vmc: tuple[str, ...] = ()
    avatar: Path | None = None
    bundle: bool = True
    osc: tuple[str, ...] = ()
    page: bool = False
    host: str = "127.0.0.1"
    port: int = 8137
    character: Path | None = None
    out: tuple[Path, ...] = ()
    fps: float = 30.0
    seed: int = 0
    style: str = "auto"
    energy: float = 1.0
    temperature: float = 1.0
    latency: float = 0.0
    rate: int = 44100
    channels: int = 2
    pcm: str = "s16le"
    play: bool = True
    wait: bool = True
    seconds: float | None = None
    stats: Path | None = None
    model: str = "starter"
    force: bool = False


def run_session(options: Options, note: Callable[[str], None], stdin: BinaryIO) -> dict[str, Any]:
    """Dance until the sound ends, the time is over or Ctrl-C; the statistics.

    Args:
        options: What is asked for.
        note: Says a line to a person.
        stdin: Where PCM comes from if the source is "-".

    Raises:
        FarandoleError: If something asked for cannot be used.
    """
    from farandole._io import check_output

    if options.stats is not None:
        check_output(options.stats, force=options.force)
    if not (options.vmc or options.osc or options.page or options.out or options.stats):
        raise OutputError("the dance goes nowhere: give --page, --vmc 39539, --osc PORT or -o FILE")
    if not options.wait and options.source in (MIC, LOOPBACK):
        raise AudioError(f"--no-wait needs a sound file or -, not {options.source}: a device cannot be hurried")
    source = open_source(options, note, stdin)
    with ExitStack() as closing:
        closing.callback(source.close)
        live = Live(
            source.sample_rate, fps=options.fps, style=options.style, energy=options.energy, seed=options.seed,
            temperature=options.temperature, latency=options.latency, model=options.model,
        )  # fmt: skip
        stats = LiveStats(options.fps)
        outputs, recorder, page = _open_outputs(options, live, note)
        for output in outputs:
            closing.callback(output.close)
        try:
            if options.wait:
                runner = Runner(
                    live, source, outputs, stats, sound=None if recorder is None else recorder.sound,
                    tick=None if page is None else lambda: page.obey(live),
                )  # fmt: skip
                runner.run(options.seconds)
            else:
                hurried = cast("PcmStream | SoundFile", source)  # no device, as was made sure above
                simulate(live, hurried.blocks(), outputs, stats, seconds=options.seconds)
        except KeyboardInterrupt:
            note("stopped")
        result = stats.as_dict(seed=options.seed)
        if options.stats is not None:
            stats.write(options.stats, force=options.force, seed=options.seed)
    return result


def open_source(options: Options, note: Callable[[str], None], stdin: BinaryIO) -> Source:
    """The sound that is asked for.

    Raises:
        AudioError: If there is no such file or device.
        MissingExtraError: If a device is asked for and sounddevice is not installed.
    """
    if options.source in (MIC, LOOPBACK):
        from farandole.live.sources.devices import DeviceSource

        return DeviceSource(options.device, loopback=options.source == LOOPBACK, note=note)
    if options.source == STDIN:
        from farandole.live.sources.standard_input import PcmStream

        return PcmStream(stdin, options.rate, options.channels, options.pcm)
    from farandole.live.sources.sound_file import SoundFile

    if options.wait and options.play:
        from farandole.live.sources.played_file import open_player

        player = open_player(Path(options.source), options.device, note)
        if player is not None:
            return player
    return SoundFile(Path(options.source))


def _open_outputs(
    options: Options, live: Live, note: Callable[[str], None]
) -> tuple[list[Output], Recorder | None, PageServer | None]:
    outputs: list[Output] = []
    recorder = page = None
    song = None if options.source in (MIC, LOOPBACK, STDIN) else Path(options.source)
    if options.out:
        recorder = Recorder(options.out, live.skeleton, options.fps, song=song, force=options.force)
        outputs.append(recorder)
    if options.vmc or options.avatar is not None:
        from farandole.live.outputs.vmc import VmcSender
        from farandole.live.outputs.vrm_pose import VrmPoser

        poser = VrmPoser(live.skeleton, options.avatar)
        outputs += [VmcSender(where, poser, bundle=options.bundle) for where in options.vmc]
    if options.osc:
        from farandole.live.outputs.plain_osc import OscSender

        outputs += [OscSender(where, live.skeleton) for where in options.osc]
    if options.page:
        from farandole.live.outputs.page_server import PageServer

        page = PageServer(live, host=options.host, port=options.port, character=options.character)
        outputs.append(page)
        note(f"open {page.url}")
    return outputs, recorder, page
