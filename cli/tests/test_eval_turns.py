"""The turn-taking set: the same from the same seed, labelled from clean audio, and scored as its labels say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from holdfast_cli.eval.turn_score import disturbances, heard, percentile, replied_to, score
from holdfast_cli.eval.turn_set import Item, Maker, build, edges, goes_on_to, labelled, load, loud_frames, spoken
from holdfast_cli.eval.turns import read_set, replayed

SPEECH = Path("bench/turns/speech.jsonl")


def item(task: str = "turn", **labels) -> Item:
    return Item("x", task, "report", "someone", "sentence", "open", 30.0, "white", **labels)


@pytest.mark.parametrize(
    ("overs", "was_cut", "delay_ms"),
    [
        ([(3_000, 3_400)], False, 400),
        ([(1_500, 2_000), (3_000, 3_400)], True, None),
        ([(400, 900), (3_000, 3_500)], False, 500),  # noise before the caller's first word is nobody's turn
        ([(2_950, 2_990)], True, None),
        ([], False, None),
    ],
)
def test_a_turn_declared_over_before_the_true_end_cuts_the_caller_off(overs, was_cut, delay_ms):
    """Only what lies behind the caller's first sound counts."""
    one = item(voiced=[(1_000, 1_600), (2_200, 3_000)])
    found = heard(one, [("turnover", position, at) for position, at in overs])
    assert (found.was_cut, found.delay_ms) == (was_cut, delay_ms)


@pytest.mark.parametrize(
    ("after", "over_ms"),
    [
        ([("turnover", 3_000, 3_470), ("reply", 3_620, 3_620)], None),  # both parts were one turn
        ([("reply", 2_150, 2_150), ("hold", 2_420, 2_420)], 220),
        ([("reply", 2_300, 2_300), ("hold", 2_420, 2_420)], 120),
        ([("reply", 2_150, 2_150)], 800),  # never held: they talked to the end
    ],
)
def test_a_reply_over_a_caller_counts_from_when_both_sound_until_it_is_held(after, over_ms):
    """Cut off at 2 s; the caller goes on at 2.2 s."""
    one = item(voiced=[(1_000, 1_600), (2_200, 3_000)])
    assert replied_to(one, [("turnover", 1_600, 2_000), *after]) == over_ms


def test_a_hold_without_words_is_false_and_its_length_is_told():
    """A noise that held the voice for 700 ms and one that ended the reply."""
    held = item("noise", agent=(0, 6_000)), [("hold", 1_200, 1_200), ("resume", 1_900, 1_900)]
    taken = item("back_channel", agent=(0, 6_000)), [("hold", 1_200, 1_200), ("interrupt", 1_500, 1_500)]
    figures = disturbances([held, taken])["all"]
    assert figures["false_holds_percent"] == 100.0
    assert figures["false_interrupts_percent"] == 50.0
    assert figures["resumed_ms_p95"] == 700


def test_percentiles_are_nearest_ranks():
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([], 0.5) is None


def test_edges_come_from_the_clean_voice():
    """To the frame of 10 ms, whatever the level."""
    tone = 0.01 * np.sin(np.arange(4_000) * 0.3)
    assert edges(np.concatenate([np.zeros(1_600), tone, np.zeros(2_400)])) == (1_600, 5_600)


def test_the_set_is_the_same_from_the_same_seed_and_no_speaker_is_in_both_halves():
    """Scenes are audio and labels; each voiced stretch lies within the audio."""
    recordings = load(SPEECH)
    first, again = (Maker(recordings, "report").scenes(0.03) for _ in range(2))
    assert [i for i, _ in first] == [i for i, _ in again]
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, again, strict=True))
    speakers = {split: {r.speaker for r in recordings if r.split == split} for split in ("tune", "report")}
    assert not speakers["tune"] & speakers["report"]
    assert all(0 <= begin < end <= len(pcm) // 8 for i, pcm in first for begin, end in i.voiced)
    assert set(score([i for i, _ in first], {i.id: [] for i, _ in first})) >= {"turns", "barge_ins"}


def test_a_word_ends_with_its_voice_not_with_the_silence_after_it():
    """An aligner gives the gap between two words to the first."""
    tone = 0.3 * np.sin(np.arange(2_400) * 0.3)
    clean = np.concatenate([tone, np.zeros(4_000), tone])
    assert spoken([("one", 0, 800), ("two", 800, 1_100)], clean) == [("one", 0, 300), ("two", 800, 1_100)]


def test_a_voice_goes_on_beyond_its_label_only_without_a_hole():
    """The aligner was early by 100 ms; the breath 60 ms later is not the word's."""
    tone = 0.3 * np.sin(np.arange(2_400) * 0.3)
    clean = np.concatenate([tone, np.zeros(480), 0.1 * tone[:800], np.zeros(2_400)])
    assert goes_on_to(loud_frames(clean) * 10, 200) == 300


@pytest.mark.parametrize(("gap_ms", "kept_ms"), [(120, 420), (240, 640)])
def test_a_recording_that_goes_on_is_cut_before_the_word_that_has_no_label(gap_ms, kept_ms):
    """What comes later than the room that is kept is not heard in any scene."""
    tone = 0.3 * np.sin(np.arange(2_400) * 0.3)
    clean = np.concatenate([tone, np.zeros(gap_ms * 8), tone[:800]])
    assert len(labelled(clean, 300)) == kept_ms * 8


def test_digits_are_said_in_each_noise():
    """Every kind of utterance has all three ratios of signal to noise."""
    made = Maker(load(SPEECH), "report").scenes(0.25)
    assert {i.snr_db for i, _ in made if i.task == "turn" and i.kind == "digits"} == {30.0, 15.0, 5.0}


def test_a_third_of_the_set_passes_its_floors(tmp_path: Path):
    """144 scenes of speakers that nothing was tuned on, through the gateway's own ear and floor, in media time."""
    build(SPEECH, tmp_path, ("report",), 0.3)
    events = replayed(tmp_path, Path("profiles/trial_success"), tmp_path / "models", misheard=False)
    found = score(read_set(tmp_path, "report"), events)
    assert found["turns"]["cut_off_percent"] <= 25 and found["turns"]["not_heard_percent"] <= 7
    assert found["turns"]["delay_ms_p50"] <= 950
    assert found["barge_ins"]["missed_percent"] <= 20
    assert found["disturbances"]["all"]["false_interrupts_percent"] <= 10
    assert found["disturbances"]["all"]["resumed_ms_p95"] <= 900
    assert abs(found["ends_at_200_ms_of_silence"]["30"]["delay_ms_p50"]) <= 80  # of twelve scenes
