"""`farandole live`: dances to what plays now."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from farandole.cli import console
from farandole.cli.options import Force, Json, Quiet

if TYPE_CHECKING:
    from farandole.live.session import Options


def live(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[INPUT]", help="Same as --input; - reads PCM from standard input.", show_default=False),
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", metavar="INPUT", help="mic, loopback (what the computer plays), a sound file, or -."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Number, or part of the name, of a sound device; see --devices.")
    ] = None,
    devices: Annotated[bool, typer.Option("--devices", help="List sound devices and end.")] = False,
    vmc: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[HOST:]PORT", help="Send VMC to a character program; the usual port is 39539. Repeatable."
        ),
    ] = None,
    avatar: Annotated[
        Path | None,
        typer.Option(metavar="FILE.vrm", help="The character behind --vmc: its bones' lengths and rest pose."),
    ] = None,
    bundle: Annotated[
        bool, typer.Option("--bundle/--no-bundle", help="VMC messages in bundles, or one by one.")
    ] = True,
    osc: Annotated[
        list[str] | None, typer.Option(metavar="[HOST:]PORT", help="Send plain OSC (see the docs). Repeatable.")
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="Show the dancer on a web page.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = 8137,
    host: Annotated[
        str, typer.Option(help="Address of the page. Others than this computer's need the token that is printed.")
    ] = "127.0.0.1",
    character: Annotated[
        Path | None, typer.Option(metavar="FILE.vrm", help="Character that the page shows instead of a plain figure.")
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Record: .bvh .glb .vrma .npz, .html or .mp4 with sound. Repeatable."
        ),
    ] = None,
    fps: Annotated[float, typer.Option(min=10, max=120, help="Frames per second.")] = 30.0,
    seed: Annotated[int, typer.Option(min=0, help="Another number, another dance.")] = 0,
    style: Annotated[str, typer.Option(help="A style of the model, or auto: what suits the music.")] = "auto",
    energy: Annotated[float, typer.Option(min=0.25, max=2, help="How big the dance is; 1 follows the music.")] = 1.0,
    temperature: Annotated[
        float, typer.Option(min=0, max=2, help="0 the most typical moves, above 1 bolder ones.")
    ] = 1.0,
    latency: Annotated[
        float, typer.Option(min=0, max=2000, help="ms by which the dance is ahead, for slow sound and screens.")
    ] = 0.0,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Play clicks, listen to them, tell the latency, and end.")
    ] = False,
    rate: Annotated[int, typer.Option(min=4000, max=384000, help="Sample rate of PCM on standard input, Hz.")] = 44100,
    channels: Annotated[int, typer.Option(min=1, max=32, help="Channels of PCM on standard input.")] = 2,
    pcm: Annotated[str, typer.Option(help="Format of PCM on standard input: s16le or f32le.")] = "s16le",
    play: Annotated[bool, typer.Option("--play/--mute", help="Whether a sound file is heard.")] = True,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Real time, or a file on a simulated clock as fast as it goes.")
    ] = True,
    seconds: Annotated[float | None, typer.Option(min=1, help="End after so long, s.")] = None,
    stats: Annotated[Path | None, typer.Option(metavar="FILE", help="Write cost and punctuality as JSON.")] = None,
    model: Annotated[str, typer.Option(help="Name of a model, or a checkpoint folder.")] = "starter",
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Dance to what plays now: microphone, system sound, a file, or a stream.

    \b
    farandole live --page                                     hear the microphone, dance on a page
    farandole live --input loopback --vmc 39539               dance in VSeeFace, Warudo, VNyan ... to what the computer plays
    farandole live --input song.mp3 --page -o take.bvh
    farandole live --input song.mp3 --no-wait --seed 1 -o take.bvh --stats stats.json
    ffmpeg -i URL -f s16le -ar 44100 -ac 2 - | farandole live - --vmc 39539
    """
    from farandole.errors import MotionError
    from farandole.live.session import Options, run_session

    if devices:
        from farandole.live.sources.devices import device_table

        console.result(device_table())
        return
    if calibrate:
        from farandole.live.calibration import calibrate as measure

        found = measure(device)
        console.result(f"{1e3 * found:.0f} ms: use --latency {1e3 * found:.0f}")
        return
    if source is not None and input_ is not None:
        raise MotionError("the input is given twice: leave out INPUT or --input")
    options: Options = Options(
        source=source or input_ or "mic", device=device, vmc=tuple(vmc or ()), avatar=avatar, bundle=bundle,
        osc=tuple(osc or ()), page=page, host=host, port=port, character=character, out=tuple(out or ()), fps=fps,
        seed=seed, style=style, energy=energy, temperature=temperature, latency=latency / 1e3, rate=rate,
        channels=channels, pcm=pcm, play=play, wait=wait, seconds=seconds, stats=stats, model=model, force=force,
    )  # fmt: skip
    result = run_session(options, lambda text: console.note(text, quiet=quiet), sys.stdin.buffer)
    if json:
        console.result_json(result)
        return
    for path in options.out:
        console.result(path)
    console.note(
        f"{result['frames']} frames at {result['fps'] or 0:.1f} per second, {result['late_frames']} late; "
        f"{result['cpu_ms_mean'] or 0:.2f} ms of CPU each (99 %: {result['cpu_ms_p99'] or 0:.1f})",
        quiet=quiet,
    )
