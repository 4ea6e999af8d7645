"""PCM helpers: exact G.711, floats that clip, levels in dBFS."""

import numpy as np
import pytest
from holdfast_common import pcm
from holdfast_common.pcm import (
    SILENCE_DBFS,
    ULAW_SILENCE,
    from_float,
    rms_dbfs,
    samples_of,
    silence,
    to_float,
    ulaw_decode,
    ulaw_encode,
)

EVERY_SAMPLE = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)


def reference_encode(sample: int) -> int:
    """One sample by the segment search of G.711, straight from its definition (14-bit magnitudes)."""
    value = sample >> 2
    mask = 0x7F if value < 0 else 0xFF
    value = min(abs(value), 8159) + 33
    ends = (0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF)
    segment = next((i for i, end in enumerate(ends) if value <= end), 8)
    return (0x7F if segment == 8 else (segment << 4) | ((value >> (segment + 1)) & 0x0F)) ^ mask


def test_every_sample_is_encoded_as_g711_says():
    assert list(ulaw_encode(EVERY_SAMPLE)) == [reference_encode(int(s)) for s in EVERY_SAMPLE]


def test_tables_say_what_the_interpreters_own_module_says(monkeypatch: pytest.MonkeyPatch):
    """`audioop` left Python with 3.13: without it the tables give the same for every byte and sample."""
    if pcm.audioop is None:
        pytest.skip("this interpreter has no audioop")
    by_module = ulaw_decode(bytes(range(256))), ulaw_encode(EVERY_SAMPLE), ulaw_encode(EVERY_SAMPLE.tobytes())
    monkeypatch.setattr(pcm, "audioop", None)

    assert (ulaw_decode(bytes(range(256))), ulaw_encode(EVERY_SAMPLE), ulaw_encode(EVERY_SAMPLE.tobytes())) == by_module


def test_every_byte_comes_back_from_its_sample():
    """Except negative zero, which G.711 has and PCM has not."""
    again = ulaw_encode(ulaw_decode(bytes(range(256))))

    assert [b for b in range(256) if again[b] != b] == [0x7F]
    assert again[0x7F] == ULAW_SILENCE


def test_decoding_knows_silence_and_the_loudest_samples():
    assert list(samples_of(ulaw_decode(bytes([0xFF, 0x80, 0x00])))) == [0, 32_124, -32_124]


def test_companding_error_stays_within_half_a_step():
    """Half a step is at most 1/32 of the biased magnitude; two bits of the sample are cut off before."""
    sample = EVERY_SAMPLE.astype(int)
    decoded = samples_of(ulaw_decode(ulaw_encode(EVERY_SAMPLE))).astype(int)
    error = np.abs(decoded - sample)[np.abs(sample) <= 32_124]
    bound = ((np.abs(sample) + 132) / 32 + 4)[np.abs(sample) <= 32_124]

    assert np.all(error <= bound)


def test_bytes_and_arrays_are_the_same_sound():
    pcm = EVERY_SAMPLE[::97]

    assert ulaw_encode(pcm) == ulaw_encode(pcm.tobytes())


def test_half_a_sample_is_refused():
    with pytest.raises(ValueError, match="3 bytes"):
        samples_of(b"abc")


def test_another_dtype_is_refused():
    with pytest.raises(ValueError, match="float32"):
        ulaw_encode(np.zeros(4, dtype=np.float32))  # type: ignore[arg-type]


def test_floats_clip_and_never_wrap():
    assert list(samples_of(from_float(np.array([2.0, 1.0, -1.0, -3.0])))) == [32_767, 32_767, -32_768, -32_768]


def test_floats_there_and_back_change_nothing():
    assert from_float(to_float(EVERY_SAMPLE)) == EVERY_SAMPLE.tobytes()


def test_levels_are_relative_to_full_scale():
    sine = np.sin(np.arange(8_000) * 2 * np.pi / 80)

    assert rms_dbfs(from_float(0.1 * sine)) == pytest.approx(-23.01, abs=0.02)
    assert rms_dbfs((0.1 * sine).astype(np.float32)) == pytest.approx(-23.01, abs=0.01)
    assert rms_dbfs(np.full(100, -32_768, dtype=np.int16)) == pytest.approx(0.0)


def test_silence_and_nothing_have_a_finite_level():
    assert rms_dbfs(silence(160)) == SILENCE_DBFS
    assert rms_dbfs(b"") == SILENCE_DBFS
