"""Where the voice is, to the step of 4 ms: levels within what the detector called speech.

Silero says whether a window is speech, and says so 45-75 ms too long at a word's end. Its windows
are therefore only the frame: within them a step counts as voiced when it stands above the noise
floor and within 30 dB of the utterance's peak.

The noise floor is learnt from windows that are surely not speech, and believed as long as there are
some now and then. Otherwise (a caller who talks at once, voices behind the caller: the detector calls
them speech for ever) it is guessed from the quietest tenth of the last 1.5 s, and a step counts only
within 13 dB of the utterance's peak (up to 30 where the guess lies far below) and 25 dB of the
caller's usual one; the latter holds for everything under the agent's voice, so that its echo is not
the caller.

A weak word in loud noise stands out in no step, and silero hears it all the same. Where nobody but the
caller speaks (`surroundings`), what it calls speech is therefore voice, less its tail, whatever the levels say.
Where others may speak neither tells the caller from them: a network that heard the last second does (`foreground`).
What it takes for the caller is voice, and a step that stands out counts only where it does not deny it.

Pure: levels, probabilities and odds in, sample positions out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from holdfast_common.pcm import Floats

from holdfast_gateway.domain.surroundings import Surroundings

STEP_MS = 4
ONSET_STEPS = 24
"""An onset is looked for at most this far before the first window of speech (96 ms)."""
ONSET_GAP_STEPS = 4
"""... across holes of at most this (a stop consonant's closure is longer, but so is its silence)."""
RECENT_WINDOWS = 47
"""Windows (1.5 s) among which the quietest tenth is looked for when the noise floor is not known."""
HOLLOW_WINDOWS = 3
"""After so many windows of speech in which nothing stands out, such windows are noise."""
LAG_WINDOWS = 2
"""The foreground's odds are those of the window so many before: it hears what follows before it tells."""


def step_levels(windows: Floats, rate_hz: int) -> list[list[float]]:
    """Levels in dBFS of the steps of windows [B, samples] in [-1, 1), all lanes' at once."""
    step = rate_hz * STEP_MS // 1000
    steps = windows.reshape(len(windows), -1, step)
    return (10.0 * np.log10(np.vecdot(steps, steps) / step + 1e-12)).tolist()


@dataclass(frozen=True, slots=True)
class LevelRule:
    """Thresholds of the level rule; levels are dBFS of a 4 ms step."""

    speech: float = 0.5
    """A window this probable is speech."""
    still_speech: float = 0.35
    """... and this probable, after one that was. Voices behind a caller give 0.3 to 0.9 by themselves, so ..."""
    still_speech_in_voices: float = 0.9
    """... among them, where nothing else tells whose voice it is, only one this probable may still be the caller's."""
    surely: float = 0.9
    """A window this probable surely is speech."""
    surely_not: float = 0.15
    """A window under this teaches the noise floor."""
    above_noise_db: float = 7.0
    """A voiced step stands at least this far above the floor ..."""
    above_spread_db: float = 4.5
    """... and this far above the loudest steps of the noise: they swing by 2 dB (white) to 10 dB (voices)."""
    above_noise_at_most_db: float = 12.0
    below_peak_db: float = 30.0
    below_peak_in_voices_db: float = 13.0
    """... while the detector never says silence: other voices, or a caller who does not stop ..."""
    above_guess_db: float = 15.0
    """... or so far above the guessed floor, where that leaves more room: on a quiet line a weak word is no noise."""
    steady_spread_db: float = 3.0
    """Noise whose loudest steps stand out by less (white 2.2 to 2.7, voices over 3.4) is steady ..."""
    window_above_steady_db: float = 3.0
    """... and a window of speech that stands so far above it is voice, though no step of it stands out."""
    above_loudest_noise_db: float = 2.0
    """A voiced step stands this far above the loudest noise of late ..."""
    loudest_noise_below_peak_db: float = 18.0
    """... unless that is within this of the utterance's peak."""
    loudest_noise_above_db: float = 15.0
    """... nor more than this above the noise itself: on a quiet line the loudest "noise" is a word's own tail."""
    loudest_noise_fades_db: float = 0.1
    """The loudest noise counts for less by this with each window (3 dB a second)."""
    noise_memory: float = 0.05
    """Weight of a new window in the noise floor once there were twenty."""
    noise_creep: float = 0.03
    """... of a window that is called speech though nothing in it stands out (voices behind the caller)."""
    trust_per_window: int = 4
    """Each window that is surely not speech makes the floor trusted for so many others ..."""
    trust_at_most: int = 160
    """... up to this (5 s): longer than most utterances, which teach nothing of the noise."""
    sure_alone: float = 0.7
    """A window this probable is voice, where nobody else speaks ..."""
    tail_ms: int = 96
    """... up to this long before its end: silero goes on so long after a voice (p95 120 ms at 10 to 30 dB) ..."""
    unseen_windows: int = 40
    """... for as many windows without a step that stands out (1.3 s): somebody else may have begun to speak ..."""
    seen_counts: int = 2
    """... each window with one makes up for so many."""
    caller: float = -0.5
    """Log-odds from which a window among voices is the caller's, whatever its levels: missing a word of theirs is
    worse than waiting for one of somebody else ..."""
    others: float = -1.0
    """... and under which, three windows in a row, what stands out is somebody else ..."""
    never_others_db: float = 25.0
    """... unless it stands so far above the noise floor: no network may make a caller unheard ..."""
    may_be_caller: float = -3.0
    """... and from which the caller may go on."""
    foreground_from_trust: int = 60
    """Whose voice it is, is asked while the floor is not trusted, and already when trust for so few windows is left."""
    floor_rises_db: float = 6.0
    """Where nobody else speaks, the floor is believed until the quietest tenth of late lies so far above it."""
    agent_below_peak_db: float = 25.0
    """Under the agent's voice a step counts within this of the caller's usual peak: its echo does not."""
    usual_peak_db: float = -14.0
    """Of a caller not heard yet."""


@dataclass(frozen=True, slots=True)
class Voiced:
    """The voiced part of one window, in samples since the leg began."""

    start: int
    end: int


class Levels:
    """Levels of one leg."""

    def __init__(self, rate_hz: int, rule: LevelRule | None = None) -> None:
        self.rule = rule or LevelRule()
        self.step = rate_hz * STEP_MS // 1000
        self._foreground: deque[float] = deque(maxlen=LAG_WINDOWS + 1)
        """Odds of late that the voice is the caller's, of the window LAG_WINDOWS ago last."""
        self._denied_from: int | None = None
        """First sample of what has stood out since the foreground began to deny it."""
        self.may_go_on = False
        """The last window may hold the caller's voice, though nothing says that it does."""
        self._before: deque[float] = deque(maxlen=ONSET_STEPS)
        """Levels of the last steps before the window at hand."""
        self._noise_db = -60.0
        self._spread_db = 2.5
        """How far the loudest step of a window of noise stands above the window."""
        self._loudest_noise_db = -120.0
        self._noise_windows = 0
        self._trust = 0
        """Windows for which the noise floor is still believed."""
        self._recent: deque[float] = deque(maxlen=RECENT_WINDOWS)
        """Levels of the last windows, whatever they were."""
        self._hollow = 0
        """Windows in a row that were called speech though nothing stood out."""
        self._unseen = 0
        """... and such windows in the present stretch of speech, less those in which something did."""
        self._peak_db = -120.0
        self._usual_peak_db = self.rule.usual_peak_db
        self._was_speech = False
        self.surroundings = Surroundings()
        self._is_open = False
        """An utterance goes on."""
        self._voiced_to = 0

    @property
    def noise_db(self) -> float:
        """Noise floor, dBFS."""
        if self.is_trusted or not self._recent:
            return self._noise_db
        return max(self._guess(), self._noise_db)

    @property
    def is_trusted(self) -> bool:
        """The floor was confirmed lately by windows that were surely not speech, or no voice can hide it."""
        if self._trust > 0 or not self._is_alone:
            return self._trust > 0
        return self._guess() <= self._noise_db + self.rule.floor_rises_db

    @property
    def asks_foreground(self) -> bool:
        """Whose voice it is matters now, or may soon: others speak, or nothing has told of late that they do not."""
        return self._may_be_among_voices or self._trust < self.rule.foreground_from_trust

    @property
    def _may_be_among_voices(self) -> bool:
        return self.surroundings.is_among_voices or not self.is_trusted

    @property
    def _is_alone(self) -> bool:
        """Nobody but the caller was heard before, nor has anybody begun in this stretch of speech."""
        return self.surroundings.is_alone and self._unseen <= self.rule.unseen_windows

    def _guess(self) -> float:
        """The noise floor from the quietest tenth of the last windows, less what they may not have shown, dBFS."""
        return sorted(self._recent)[len(self._recent) // 10] - max(0.0, 20.0 - 0.4 * len(self._recent))

    def begin(self) -> None:
        """A new utterance: its peak is its own."""
        if self._peak_db > -120.0:
            self._usual_peak_db += 0.3 * (self._peak_db - self._usual_peak_db)
        self._peak_db = -120.0
        self._is_open = True

    def end(self) -> None:
        """The utterance is over: what is heard now is what is around the caller."""
        self._is_open = False

    def judge(
        self,
        probability: float,
        steps: list[float],
        start: int,
        *,
        over_agent: bool = False,
        foreground: float | None = None,
    ) -> Voiced | None:
        """The voiced part of the window that begins at sample `start`, which has just got its verdict.

        Windows come in order; `steps` are the levels of its steps, dBFS. `over_agent`: the agent's voice sounds.
        `foreground`: log-odds that the caller's voice was in the window `LAG_WINDOWS` before; None where nobody asked.
        """
        if foreground is None:
            self._foreground.clear()
        else:
            self._foreground.append(foreground)
        voiced = self._judge(probability, steps, start, over_agent=over_agent)
        self.may_go_on = self._may_go_on(probability)
        self._before.extend(steps)
        if not over_agent:
            self.surroundings.hear(probability, is_caller=self._is_open or voiced is not None)
        return voiced

    def _may_go_on(self, probability: float) -> bool:
        """The detector, or among voices the foreground, does not exclude that the caller still speaks."""
        if not self._may_be_among_voices:
            return probability >= self.rule.still_speech
        if self._knows_whose:
            return self._foreground[-1] >= self.rule.may_be_caller
        return probability >= self.rule.still_speech_in_voices

    @property
    def _knows_whose(self) -> bool:
        """Odds of windows that the network has heard are there."""
        return len(self._foreground) > LAG_WINDOWS

    def _judge(self, probability: float, steps: list[float], start: int, *, over_agent: bool) -> Voiced | None:
        rule = self.rule
        level, loudest = sum(steps) / len(steps), max(steps)
        self._recent.append(level)
        self._trust = max(0, self._trust - 1)
        is_speech = probability >= (rule.still_speech if self._was_speech else rule.speech)
        is_onset, self._was_speech = is_speech and not self._was_speech, is_speech
        self._loudest_noise_db -= rule.loudest_noise_fades_db
        ends = [] if over_agent or not self._is_caller() else [start + (1 - LAG_WINDOWS) * len(steps) * self.step]
        if not is_speech:
            self._hear_silence(probability, level, loudest)
            return self._voiced(start, ends)
        self._peak_db = max(self._peak_db, loudest)
        least = self._least(self.noise_db, over_agent)
        standing = self._standing(probability, steps, least, over_agent=over_agent)
        heard = [] if self._denies(standing, loudest, start) else standing
        if heard:
            self._hollow = 0
            if self._is_alone:
                self._unseen = max(0, self._unseen - rule.seen_counts)
        else:
            self._hollow += 1
            self._unseen += 1
        if not standing and not ends and self._hollow > HOLLOW_WINDOWS:
            self._learn(level, loudest, rule.noise_creep)
        if probability >= rule.sure_alone and not over_agent and self._hides_voice(least):
            ends.append(start + (len(steps) - rule.tail_ms // STEP_MS) * self.step)
        if not heard:
            return self._voiced(start, ends)
        begin = start + heard[0] * self.step
        if is_onset:
            begin -= self._earlier(steps[: heard[0]], least) * self.step
        if self._denied_from is not None:
            begin = max(self._denied_from, start - (LAG_WINDOWS + 1) * len(steps) * self.step)
            self._denied_from = None
        return self._voiced(begin, [*ends, start + (heard[-1] + 1) * self.step])

    def _voiced(self, begin: int, ends: list[int]) -> Voiced | None:
        """The voice up to the last of these ends, if it goes on beyond what is known of it."""
        end = max(ends, default=0)
        if end <= self._voiced_to:
            return None
        self._voiced_to = end
        return Voiced(min(begin, end - self.step), end)

    def _hear_silence(self, probability: float, level: float, loudest: float) -> None:
        rule = self.rule
        self._hollow = self._unseen = 0
        self._denied_from = None
        if probability < rule.surely_not:
            self._trust = min(rule.trust_at_most, self._trust + rule.trust_per_window)
            self._loudest_noise_db = max(self._loudest_noise_db, loudest)
            self._learn(level, loudest, rule.noise_memory)

    def _standing(self, probability: float, steps: list[float], least: float, *, over_agent: bool) -> list[int]:
        """The steps that stand out."""
        standing = [i for i, step in enumerate(steps) if step > least]
        if standing or over_agent or probability < self.rule.surely:
            return standing
        faint = self._faint(self.noise_db)
        return [i for i, step in enumerate(steps) if step > faint] if sum(steps) / len(steps) > faint else []

    def _is_caller(self) -> bool:
        """Among voices: the caller's is in front, whether or not anything stands out."""
        return not self.is_trusted and self._knows_whose and self._foreground[-1] > self.rule.caller

    def _denies(self, standing: list[int], loudest: float, start: int) -> bool:
        """What stands out is somebody behind the caller.

        Odds come late: where the next windows show that it was the caller's beginning, it counts from here.
        """
        if not standing:
            self._denied_from = None
        if not standing or self.is_trusted or not self._knows_whose:
            return False
        if loudest > self.noise_db + self.rule.never_others_db:
            return False
        is_denied = max(self._foreground) < self.rule.others
        if is_denied and self._denied_from is None:
            self._denied_from = start + standing[0] * self.step
        return is_denied

    def _hides_voice(self, least: float) -> bool:
        """Nobody else speaks, but the noise hides weak words: what the detector calls speech is the caller's voice."""
        rule = self.rule
        is_hidden = least > self._peak_db - rule.below_peak_db
        return is_hidden and self._is_alone

    def _least(self, noise_db: float, over_agent: bool) -> float:
        """What a step must stand above to be voice, dBFS."""
        rule = self.rule
        above = min(max(rule.above_noise_db, self._spread_db + rule.above_spread_db), rule.above_noise_at_most_db)
        if self.is_trusted:
            loudest = self._loudest_noise_db + rule.above_loudest_noise_db
            loudest = min(
                loudest, self._peak_db - rule.loudest_noise_below_peak_db, self._noise_db + rule.loudest_noise_above_db
            )
            least = max(self._noise_db + above, self._peak_db - rule.below_peak_db, loudest)
        else:
            below = min(
                max(rule.below_peak_in_voices_db, self._peak_db - noise_db - rule.above_guess_db), rule.below_peak_db
            )
            least = max(noise_db + above, self._peak_db - below)
            over_agent = True
        return max(least, self._usual_peak_db - rule.agent_below_peak_db) if over_agent else least

    def _faint(self, noise_db: float) -> float:
        """What a whole window of 32 ms must stand above to be voice in steady noise, where no step stands out, dBFS."""
        if self._spread_db >= self.rule.steady_spread_db:
            return 0.0
        return max(noise_db + self.rule.window_above_steady_db, self._peak_db - self.rule.below_peak_db)

    def _earlier(self, below: list[float], least: float) -> int:
        """Steps by which the voice began before the first that stands out in its window, `below` those before it there.

        Silero notices a voice a window or two late; what stood out right before belongs to it.
        """
        steps = [*self._before, *below]
        found = 0
        for count in range(1, min(ONSET_STEPS, len(steps)) + 1):
            if steps[-count] > least:
                found = count
            elif count - found > ONSET_GAP_STEPS:
                break
        return found

    def _learn(self, level: float, loudest: float, memory: float) -> None:
        self._noise_windows += 1
        weight = max(1 / self._noise_windows, memory)
        if self._noise_windows == 1:
            self._noise_db = level
        self._noise_db += weight * (level - self._noise_db)
        self._spread_db += 0.05 * (loudest - level - self._spread_db)
