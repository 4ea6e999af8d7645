"""The stream machine in virtual time: what it does when replicas die, hang, lose messages or the bus goes."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from holdfast_common.contracts.stream import ErrorCode
from holdfast_common.stream.actions import Action, AskPlacement, AskProbe, Fail, Finish, SendCancel, SendInput, SendOpen
from holdfast_common.stream.machine import Kept, Phase, StreamMachine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def machine(choose: Callable[[frozenset[str]], str | None] = lambda _: "a", **kwargs: object) -> StreamMachine:
    return StreamMachine(0.0, choose, **{"deadline_s": 60.0, **kwargs})  # type: ignore[arg-type]


def streaming(**kwargs: object) -> StreamMachine:
    m = machine(**kwargs)  # type: ignore[arg-type]
    m.place(0.0)
    m.accepted(0.0)
    return m


def test_opening_sends_open_and_waits_for_the_answer() -> None:
    """The first input travels with the open; inputs wait until it is accepted."""
    m = machine()

    assert m.place(0.0) == [SendOpen("a", 1)]
    assert m.add_input(Kept(0.02, 8000), 0.01) == []
    assert m.accepted(0.02) == [SendInput("a", 1, 0, 0, 1, True)]


def test_no_answer_in_250_ms_tries_the_next_replica() -> None:
    """A replica that hangs costs a quarter of a second and one cancel."""
    m = machine(lambda excluded: next((r for r in "ab" if r not in excluded), None))
    m.place(0.0)

    assert m.tick(0.2) == []
    assert m.tick(0.26) == [SendCancel("a", 1), SendOpen("b", 2)]


def test_busy_tries_the_next_at_once_and_then_again_after_200_ms() -> None:
    """With everybody busy the stream keeps asking."""
    m = machine(lambda excluded: next((r for r in "ab" if r not in excluded), None))
    m.place(0.0)

    assert m.refused(0.01) == [SendOpen("b", 2)]
    assert m.refused(0.02) == []
    assert m.phase is Phase.PLACING
    assert m.tick(0.23) == [AskPlacement()]
    assert m.place(0.23) == [SendOpen("a", 3)]


def test_silence_is_probed_and_then_is_death() -> None:
    """Silent 500 ms: ask the bus; the bus is there and 800 ms are over: another replica."""
    m = streaming()

    assert m.tick(0.4) == []
    assert m.tick(0.51) == [AskProbe()]
    assert m.probed(True, 0.52) == []
    assert m.tick(0.81) == [AskProbe()]
    assert m.probed(True, 0.82) == [SendCancel("a", 1), AskPlacement()]


def test_a_dead_bus_freezes_the_clocks() -> None:
    """While the bus is down nobody is declared dead and nothing is opened."""
    m = streaming()
    m.tick(0.51)
    m.probed(False, 0.8)

    assert m.tick(30.0) == []
    assert m.phase is Phase.FROZEN
    assert m.probed(True, 30.1) == []
    assert m.tick(30.5) == []
    assert m.tick(30.7) == [AskProbe()]


def test_an_input_that_ends_while_the_bus_is_down_is_waited_for_when_it_is_back() -> None:
    """A decoder that hangs is found then, too, however the bus's return is noticed."""
    for back_by_result in (False, True):
        m = streaming(result_deadline_s=lambda: 1.5)
        m.tick(0.51)
        m.probed(False, 0.8)
        m.add_input(Kept(), 1.0, ends_input=True)
        if back_by_result:
            m.output(0, 30.0, is_result=False)
        else:
            m.probed(True, 30.0)
        for i in range(1, 16):
            assert m.output(i - (not back_by_result), 30.0 + i / 10, is_result=False) == (True, [])

        assert m.tick(31.51) == [SendCancel("a", 1), AskPlacement()]


def test_replay_is_rationed_and_joined() -> None:
    """A new epoch gets the kept audio in messages of up to a second, at most two unacknowledged."""
    m = streaming()
    for i in range(125):  # 2.5 s in 20 ms frames
        m.add_input(Kept(0.02, 8000), i * 0.02)
    m.replica_gone(2.5)

    assert m.place(2.5) == [SendOpen("a", 2)]
    assert m.accepted(2.5) == [SendInput("a", 2, 0, 0, 50, True), SendInput("a", 2, 1, 50, 100, True)]
    assert m.acknowledged(1, 2.51) == [SendInput("a", 2, 2, 100, 125, True)]
    assert m.add_input(Kept(0.02, 8000), 2.52) == [SendInput("a", 2, 3, 125, 126, False)]


def test_signals_are_never_joined_with_audio() -> None:
    """`end` stays in sequence behind the audio that it ends."""
    m = machine()
    m.place(0.0)
    m.add_input(Kept(0.02, 8000), 0.0)
    m.add_input(Kept(), 0.0, ends_input=True)

    assert m.accepted(0.0) == [SendInput("a", 1, 0, 0, 1, True), SendInput("a", 1, 1, 1, 2, True)]


def test_a_hole_in_the_results_reopens() -> None:
    """Results of an epoch are numbered; a missing one means another epoch, not a guess."""
    m = streaming()

    assert m.output(0, 0.1, is_result=True) == (True, [])
    assert m.output(2, 0.2, is_result=True) == (False, [SendCancel("a", 1), AskPlacement()])
    assert m.output(0, 0.2, is_result=True) == (False, [])


def test_a_hung_decoder_is_found_behind_a_lively_loop() -> None:
    """Alive is not a result: late counts as dead, once, then as an error."""
    m = streaming(
        choose=lambda excluded: next((r for r in "ab" if r not in excluded), None), result_deadline_s=lambda: 1.5
    )
    m.add_input(Kept(), 0.0, ends_input=True)
    m.acknowledged(1, 0.1)
    for sequence in range(6):
        m.output(sequence, 0.1 + sequence * 0.25, is_result=False)

    assert m.tick(1.51) == [SendCancel("a", 1), AskPlacement()]
    m.place(1.51)
    m.accepted(1.52)
    m.acknowledged(1, 1.6)
    for sequence in range(8):
        m.output(sequence, 1.6 + sequence * 0.2, is_result=False)
    assert m.tick(3.03)[-1] == Fail(ErrorCode.DEADLINE, "no result in time, twice")


def test_slow_work_is_not_taken_for_hung() -> None:
    """While the work goes on the result may take longer than its deadline, but not for ever."""
    m = streaming(result_deadline_s=lambda: 1.0)
    m.add_input(Kept(), 0.0, ends_input=True)
    for i in range(1, 20):
        now = i * 0.2
        assert m.tick(now) == []
        m.output(i - 1, now, is_result=False)
        m.acknowledged(1, now, done_to=i)

    m.output(19, 3.95, is_result=False)
    assert m.tick(4.01) == [SendCancel("a", 1), AskPlacement()]


def test_who_takes_over_from_a_dead_replica_gets_twice_the_time() -> None:
    """It begins with nothing, maybe on a machine busy starting the dead one anew; after one that hung, it does not."""
    m = streaming(result_deadline_s=lambda: 1.0, choose=lambda excluded: "b" if "a" in excluded else "a")
    m.add_input(Kept(), 0.0, ends_input=True)
    assert m.replica_gone(0.1) == [AskPlacement()]
    m.place(0.1)
    m.accepted(0.2)
    for i, at in enumerate((0.5, 0.9, 1.3, 1.7, 2.1)):
        assert m.tick(at) == []
        m.output(i, at, is_result=False)
        m.acknowledged(1, at)
    [_, asked] = m.tick(2.21)
    assert asked == AskPlacement()

    m.place(2.3)
    m.accepted(2.3)
    m.output(0, 2.9, is_result=False)
    m.acknowledged(1, 2.9)
    assert m.tick(3.31)[-1] == Fail(ErrorCode.DEADLINE, "no result in time, twice")


def test_an_unacknowledged_input_was_lost() -> None:
    """Core NATS may lose the last message, which no gap would show."""
    m = streaming()
    m.add_input(Kept(), 0.0)
    for i in range(7):
        m.output(i, i * 0.19, is_result=False)

    assert m.tick(1.25) == [SendCancel("a", 1), AskPlacement()]


@pytest.mark.parametrize("code", [ErrorCode.BAD_INPUT, ErrorCode.SUPERSEDED, ErrorCode.DEADLINE])
def test_final_errors_are_not_tried_again(code: ErrorCode) -> None:
    """Repeating cannot help."""
    assert streaming().failed(code, "no", 0.1) == [Fail(code, "no")]


def test_engine_failures_are_tried_again_at_once_and_then_with_patience() -> None:
    """One broken replica is passed by; when the next one fails too, what they share gets a moment."""
    m = streaming()

    assert m.failed(ErrorCode.ENGINE, "broke", 0.1) == [AskPlacement()]
    m.place(0.1)
    m.place(0.3)
    m.accepted(0.3)
    assert m.failed(ErrorCode.ENGINE, "broke", 0.4) == []
    assert m.tick(0.5) == []
    assert m.tick(0.61) == [AskPlacement()]


def test_a_stream_that_breaks_every_replica_fails() -> None:
    """Four engines in a row: it is the stream."""
    m = streaming()
    for i in range(1, 4):
        m.failed(ErrorCode.ENGINE, "broke", i)
        m.place(i)
        m.place(i + 0.5)
        m.accepted(i + 0.5)

    assert m.failed(ErrorCode.ENGINE, "broke", 5) == [Fail(ErrorCode.ENGINE, "broke (4 replicas)")]


@dataclass
class World:
    """Two replicas, a network that loses and delays, a bus that goes away; events in virtual time.

    A replica echoes each input unit it has taken, in order, and ends when the last one came. What
    the owner has collected in the epoch that ended must be all inputs, in order, once.
    """

    lost: frozenset[int]
    """Numbers of the messages that vanish."""
    faults: list[tuple[float, str]]
    inputs: int
    now: float = 0.0
    queue: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    count: int = 0
    messages: int = 0
    dead_until: dict[str, float] = field(default_factory=lambda: {"a": 0.0, "b": 0.0})
    state: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)
    bus_down_until: float = 0.0
    collected: dict[int, list[int]] = field(default_factory=dict)
    outcome: Action | None = None

    def run(self) -> None:
        self.machine = StreamMachine(0.0, self._choose, deadline_s=120.0, result_deadline_s=lambda: 3.0)
        self._later(0.0, lambda: self._act(self.machine.place(self.now)))
        for i in range(self.inputs):
            last = i == self.inputs - 1
            kept = Kept() if last else Kept(0.02, 8000)
            self._later(i * 0.02, lambda k=kept, e=last: self._act(self.machine.add_input(k, self.now, ends_input=e)))
        for at, fault in self.faults:
            self._later(at, lambda f=fault: self._fault(f))
        self._later(0.0, self._tick)
        while self.queue and self.outcome is None and self.now < 130:
            self.now, _, event = heapq.heappop(self.queue)
            event()

    def _choose(self, excluded: frozenset[str]) -> str | None:
        live = [r for r in "ab" if self.dead_until[r] <= self.now]
        return next((r for r in live if r not in excluded), live[0] if live else None)

    def _later(self, delay: float, event: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.queue, (self.now + delay, self.count, event))

    def _send(self, event: Callable[[], None]) -> None:
        """Order holds on a connection; a lost message is lost."""
        self.messages += 1
        if self.now >= self.bus_down_until and self.messages not in self.lost:
            self._later(0.001, event)

    def _fault(self, fault: str) -> None:
        if fault == "bus":
            self.bus_down_until = self.now + 2.0
        else:
            self.dead_until[fault] = self.now + 1.5
            for key in [k for k in self.state if k[0] == fault]:
                del self.state[key]

    def _tick(self) -> None:
        self._act(self.machine.tick(self.now))
        for (replica, epoch), s in list(self.state.items()):
            if self.count % 4 == 0:
                self._say(replica, epoch, "alive", s["in"])
        self._later(0.05, self._tick)

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SendOpen(replica, epoch):
                    self._send(lambda r=replica, e=epoch: self._on_open(r, e))
                case SendInput(replica, epoch, sequence, start, end, _):
                    self._send(lambda r=replica, e=epoch, s=sequence, a=start, b=end: self._on_input(r, e, s, a, b))
                case AskPlacement():
                    self._later(0.01, lambda: self._act(self.machine.place(self.now)))
                case AskProbe():
                    ok = self.now >= self.bus_down_until
                    self._later(0.005, lambda o=ok: self._probed(o))
                case SendCancel(replica, epoch):
                    self.state.pop((replica, epoch), None)
                case Finish() | Fail():
                    self.outcome = action

    def _probed(self, ok: bool) -> None:
        self._act(self.machine.probed(ok, self.now))
        if not ok:
            self._later(0.2, lambda: self._probed(self.now >= self.bus_down_until))

    def _on_open(self, replica: str, epoch: int) -> None:
        if self.dead_until[replica] <= self.now:
            self.state[replica, epoch] = {"in": 0, "out": 0}
            self._send(lambda: self._act(self.machine.accepted(self.now)) if epoch == self.machine.epoch else None)

    def _on_input(self, replica: str, epoch: int, sequence: int, start: int, end: int) -> None:
        s = self.state.get((replica, epoch))
        if s is None or sequence < s["in"]:
            return
        if sequence > s["in"]:
            self._say(replica, epoch, "gap", 0)
            del self.state[replica, epoch]
            return
        s["in"] += 1
        for unit in range(start, end):
            self._say(replica, epoch, "result", unit)
        self._say(replica, epoch, "alive", s["in"])
        if end == self.inputs:
            self._say(replica, epoch, "end", 0)

    def _say(self, replica: str, epoch: int, what: str, value: int) -> None:
        s = self.state.get((replica, epoch))
        if s is not None:
            sequence, s["out"] = s["out"], s["out"] + 1
            self._send(lambda: self._heard(epoch, sequence, what, value))

    def _heard(self, epoch: int, sequence: int, what: str, value: int) -> None:
        m = self.machine
        if epoch != m.epoch:
            return
        deliver, actions = m.output(sequence, self.now, is_result=what == "result")
        self._act(actions)
        if not deliver:
            return
        if what == "result":
            self.collected.setdefault(epoch, []).append(value)
        elif what == "alive":
            self._act(m.acknowledged(value, self.now))
        elif what == "gap":
            self._act(m.failed(ErrorCode.GAP, "gap", self.now))
        else:
            self._act(m.ended())


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lost=st.frozensets(st.integers(1, 1500), max_size=4),
    inputs=st.integers(1, 300),
    faults=st.lists(st.tuples(st.floats(0, 8), st.sampled_from(["a", "b", "bus"])), max_size=5),
)
def test_whatever_breaks_all_inputs_are_served_once_in_order(
    lost: frozenset[int], inputs: int, faults: list[tuple[float, str]]
) -> None:
    """Kills, losses and a bus that goes away: the epoch that ends has seen every input, in order, once."""
    world = World(lost, faults, inputs)
    world.run()

    assert world.outcome == Finish()
    assert world.collected[world.machine.epoch] == list(range(inputs))
