"""The pieces around the engine, against faster-whisper's own on a toy model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from holdfast_asr.adapters.whisper_features import log_mel, sound_of
from holdfast_asr.adapters.whisper_prompts import Prompts
from holdfast_asr.adapters.whisper_wire import Decode, Heard, Options, Sound
from holdfast_asr.adapters.whisper_worker import Engine
from holdfast_common.errors import EngineUnavailable

RATE_HZ = 16_000


def tone(seed: int, seconds: float, rate_hz: int = RATE_HZ) -> bytes:
    """A melody of its own for each seed: s16le."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    pitch = np.repeat(rng.uniform(150, 2_500, int(seconds * 4) + 1), rate_hz // 4)[: len(t)]
    return (9_000 * np.sin(2 * np.pi * pitch * t)).astype("<i2").tobytes()


@pytest.fixture(scope="module")
def engine(toy: Path) -> Engine:
    return Engine(Options(str(toy), device="cpu", compute_type="float32", threads=1))


def test_features_are_those_of_faster_whisper() -> None:
    from faster_whisper.feature_extractor import FeatureExtractor

    sound = sound_of(tone(1, 2.0), RATE_HZ)
    theirs = FeatureExtractor(feature_size=80)(sound)
    ours = log_mel(sound, 80, 600)

    assert ours.shape == (80, 600) and ours.dtype == np.float32
    assert np.abs(ours[:, : theirs.shape[1]] - theirs).max() < 2e-3


def test_behind_the_sound_is_silence() -> None:
    """The energy of padded zeros, as in training, not the number zero."""
    sound = sound_of(tone(1, 1.0), RATE_HZ)
    silent: npt.NDArray[np.float32] = np.concatenate([sound, np.zeros(5 * RATE_HZ, np.float32)])

    assert np.abs(log_mel(sound, 80, 600)[:, 102:] - log_mel(silent, 80, 600)[:, 102:]).max() < 1e-6
    assert log_mel(np.zeros(0, np.float32), 80, 200).shape == (80, 200)


def test_prompts_are_those_of_faster_whisper(toy: Path) -> None:
    """With and without hints, in another language, and cut where they are too many."""
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

    model = WhisperModel(str(toy), device="cpu", cpu_threads=1)
    prompts = Prompts(toy)
    for language, hints in (("en", ()), ("de", ("Dana Miller", "Tuesday")), ("en", ("PandaDoc",) * 100)):
        theirs = model.get_prompt(
            Tokenizer(model.hf_tokenizer, True, task="transcribe", language=language),
            [],
            without_timestamps=True,
            hotwords=", ".join(hints),
        )
        assert list(prompts.prompt(language, hints)) == theirs


def test_an_unknown_language_is_taken_for_english(toy: Path) -> None:
    prompts = Prompts(toy)

    assert prompts.language("pt-BR") == "pt"
    assert prompts.language("tlh") == "en"
    assert prompts.prompt("tlh") == prompts.prompt("en")


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"tokenizer\.json"):
        Prompts(tmp_path)


def order(toy: Path, *seeds: int, frames: int = 600, tokens: int = 12) -> Decode:
    prompts = Prompts(toy)
    return Decode(
        1, frames, [Sound(tone(s, 1.0 + s % 3), RATE_HZ, prompts.prompt("en", (f"w{s % 10}",)), tokens) for s in seeds]
    )


def test_together_gives_what_one_by_one_gives(engine: Engine, toy: Path) -> None:
    """Eight callers with prompts of their own, greedy: text and probabilities are the same."""
    together = engine.decode(order(toy, *range(8)))
    alone = [engine.decode(order(toy, seed))[0] for seed in range(8)]

    assert [h.text for h in together] == [h.text for h in alone]
    assert len({h.text for h in alone}) > 3, "different sounds give different words, or the test tells nothing"
    for a, b in zip(together, alone, strict=True):
        assert a.avg_logprob == pytest.approx(b.avg_logprob, abs=1e-3)
        assert a.no_speech == pytest.approx(b.no_speech, rel=0.02)


def test_one_by_one_is_what_faster_whisper_writes(engine: Engine, toy: Path) -> None:
    """The whole window: the same words as `WhisperModel.transcribe` with the same options."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(toy), device="cpu", compute_type="float32", cpu_threads=1)
    sound = tone(3, 30.0)
    options = {"beam_size": 1, "temperature": 0.0, "condition_on_previous_text": False, "without_timestamps": True}
    segments, _ = model.transcribe(
        sound_of(sound, RATE_HZ), language="en", no_speech_threshold=None, max_new_tokens=12, **options
    )
    # The toy looks to faster-whisper like a model for English alone, hence the prompt without a language.
    prompt = tuple(t for t in Prompts(toy).prompt("en") if t not in (50_259, 50_359))
    (heard,) = engine.decode(Decode(1, 3_000, [Sound(sound, RATE_HZ, prompt, 12)]))

    theirs = next(iter(segments)).text.split()

    assert len(theirs) >= 6  # CTranslate2 stops at half of the length that faster-whisper allows for
    assert heard.text.split()[: len(theirs)] == theirs


def test_a_decode_ends_where_no_speech_could_go_on(engine: Engine, toy: Path) -> None:
    (heard,) = engine.decode(order(toy, 1, tokens=5))

    assert isinstance(heard, Heard) and len(heard.text.split()) <= 5 and heard.cut


def test_for_measurements_the_length_can_be_forced(engine: Engine, toy: Path) -> None:
    plain = order(toy, 1, 2, tokens=20)
    heard = engine.decode(Decode(1, 600, plain.sounds, forced=True))

    assert [h.cut for h in heard] == [True, True]
