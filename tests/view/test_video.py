import io

import av
import numpy as np
import pytest
from made_motions import step_in_place

from farandole.errors import MotionError, OutputError
from farandole.music.song import Song
from farandole.view.drawing import as_is, draw
from farandole.view.sound import RATE, encode_m4a, for_browser, stereo_frames
from farandole.view.video import make_scene, write_video


def test_a_video_has_the_frames_and_the_sound_of_the_dance(clicks, tmp_path):
    dance, told = step_in_place(1.5), []
    path = write_video(
        dance, tmp_path / "clip.mp4", song=clicks, size=(160, 90), fps=20, workers=1, progress=lambda *n: told.append(n)
    )
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt, audio.codec_context.name) == ("h264", "yuv420p", "aac")
        assert float(video.average_rate) == 20
        pictures = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(pictures) == 30
    assert told[-1] == (30, 30)
    assert pictures[0].shape == (90, 160, 3)
    assert (np.abs(pictures[0] - pictures[5]).max(-1) > 40).mean() > 0.003
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert sound.shape[1] / RATE == pytest.approx(1.5, abs=0.05)
    # The first click is heard when it was played: 0.5 s after the first picture.
    loud = np.abs(sound).max(0) > 0.3
    assert np.flatnonzero(loud)[0] / RATE == pytest.approx(0.5, abs=0.01)
    head = path.read_bytes()[:4096]
    assert b"moov" in head  # plays while it loads


def test_several_dancers_and_processes_draw_the_same(tmp_path):
    scene = make_scene([step_in_place(0.5), step_in_place(1.0)], size=(96, 54), fps=30)
    assert len(scene) == 30
    alone, shared = (list(draw(scene, as_is, workers)) for workers in (1, 2))
    np.testing.assert_array_equal(alone, shared)
    path = write_video([step_in_place(0.5), step_in_place(1.0)], tmp_path / "two.mp4", size=(96, 54), workers=2)
    with av.open(str(path)) as container:
        assert not container.streams.audio
        assert sum(1 for _ in container.decode(video=0)) == 30


def test_what_cannot_be_a_video_is_refused(steps, tmp_path):
    with pytest.raises(MotionError, match="even"):
        write_video(steps, tmp_path / "odd.mp4", size=(161, 90))
    with pytest.raises(MotionError, match="at least one"):
        write_video([], tmp_path / "none.mp4")
    (tmp_path / "there.mp4").write_text("mine")
    with pytest.raises(OutputError):
        write_video(steps, tmp_path / "there.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["there.mp4"]


def test_sound_from_files_and_from_memory(clicks, tmp_path):
    pieces, kind = for_browser(clicks, seconds=2.0)
    data = b"".join(pieces)
    assert kind == "audio/mp4"
    file = tmp_path / "clicks.m4a"
    file.write_bytes(encode_m4a(clicks))
    with av.open(str(file)) as container:
        assert float(container.duration / av.time_base) == pytest.approx(clicks.seconds, abs=0.05)
    from farandole.music import load_song

    again = load_song(file)
    pieces, kind = for_browser(again)
    assert (b"".join(pieces), kind) == (file.read_bytes(), "audio/mp4")
    assert len(data) < file.stat().st_size
    frames = list(stereo_frames(again, seconds=1.0))
    assert sum(f.samples for f in frames) == RATE
    assert [f.pts for f in frames] == list(range(0, RATE, 1024))


def test_a_large_wave_file_is_not_carried_as_it_is(tmp_path):
    import soundfile

    path = tmp_path / "long.wav"
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (44100 * 16, 2))
    soundfile.write(path, noise, 44100)
    song = Song.from_samples(noise[:, 0], 44100)
    song.path = path
    pieces, kind = for_browser(song)
    data = b"".join(pieces)
    assert kind == "audio/mp4"
    assert len(data) < path.stat().st_size / 4


def written(path, codec, clicks, **options):
    """The clicks in a file of some codec."""
    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream(codec, rate=22050)
        stream.layout = "mono"
        samples = (np.asarray(clicks.samples) * 32767).astype(np.int16)[None]
        for at in range(0, samples.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, at : at + 1024]), "s16", "mono")
            frame.sample_rate, frame.pts = 22050, at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("name", "codec"), [("song.m4a", "alac"), ("song.wav", "adpcm_ms"), ("song.mp3", "pcm_s16le")])
def test_what_browsers_cannot_play_is_known_by_its_codec(name, codec, clicks, tmp_path):
    from farandole.music import load_song

    options = {"format": "wav"} if name == "song.mp3" else {}  # a wrong name does not matter
    song = load_song(written(tmp_path / name, codec, clicks, **options))
    pieces, kind = for_browser(song)
    data = b"".join(pieces)
    if codec == "pcm_s16le":
        assert (data, kind) == (song.path.read_bytes(), "audio/wav")
        return
    assert kind == "audio/mp4"
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


def test_only_what_is_danced_of_a_song_is_carried(clicks, tmp_path):
    from farandole.music import load_song

    song = load_song(written(tmp_path / "song.flac", "flac", clicks))
    pieces, _ = for_browser(song, seconds=20.0)
    whole = b"".join(pieces)
    assert whole == song.path.read_bytes()
    pieces, kind = for_browser(song, seconds=4.0)
    part = b"".join(pieces)
    assert kind == "audio/mp4"
    with av.open(io.BytesIO(part)) as container:
        assert container.duration / av.time_base == pytest.approx(4.0, abs=0.06)
