"""The call log on JetStream: one stream a partition, expected-last-sequence as the fencing.

File storage, bounded age; reads of the last entry go through the stream's leader
(`$JS.API.STREAM.MSG.GET`), because a follower may be behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from holdfast_common import subjects
from holdfast_common.call_log import LogEntry
from holdfast_common.errors import LogUnavailable, WrongLastSequence

log = structlog.get_logger()

WRONG_LAST_SEQUENCE = 10_071
"""JetStream's error code for a refused expected-last-sequence."""


class JetStreamLog:
    """A `CallLog`. `timeout_s` bounds every request; nothing here retries."""

    def __init__(
        self,
        control: Client,
        *,
        partitions: int = 1,
        max_age_h: float = 24.0,
        replicas: int = 1,
        timeout_s: float = 0.8,
    ) -> None:
        self._js: JetStreamContext = control.jetstream(timeout=timeout_s)
        self._partitions = partitions
        self._max_age_s = max_age_h * 3600
        self._replicas = replicas
        self._timeout_s = timeout_s

    async def prepare(self) -> None:
        """Create the streams, or bring their settings up to date. Raises LogUnavailable."""
        for p in range(self._partitions):
            config = StreamConfig(
                name=subjects.log_stream(p),
                subjects=[subjects.log_partition(p)],
                retention=RetentionPolicy.LIMITS,
                storage=StorageType.FILE,
                max_age=self._max_age_s,
                num_replicas=self._replicas,
                allow_direct=False,
            )
            try:
                try:
                    await self._js.add_stream(config)
                except APIError:
                    await self._js.update_stream(config)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                raise LogUnavailable(f"call log stream {config.name}: {type(error).__name__}") from error

    async def append_turn(self, call: str, data: bytes, *, expected_last: int) -> int:
        subject = subjects.log_turns(call, self._partitions)
        headers = {"Nats-Expected-Last-Subject-Sequence": str(expected_last)}
        try:
            ack = await self._js.publish(subject, data, headers=headers, timeout=self._timeout_s)
        except APIError as error:
            if error.err_code == WRONG_LAST_SEQUENCE:
                raise WrongLastSequence(subject, expected_last, None) from error
            raise LogUnavailable(f"call log: {error.description}") from error
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise LogUnavailable(f"call log: {type(error).__name__}") from error
        return ack.seq

    async def append_media(self, call: str, data: bytes) -> None:
        try:
            await self._js.publish(subjects.log_media(call, self._partitions), data, timeout=self._timeout_s)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise LogUnavailable(f"call log: {type(error).__name__}") from error

    async def last_turn(self, call: str) -> LogEntry | None:
        subject = subjects.log_turns(call, self._partitions)
        stream = subjects.log_stream(subjects.partition(call, self._partitions))
        try:
            message = await self._js.get_last_msg(stream, subject)
        except NotFoundError:
            return None
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise LogUnavailable(f"call log: {type(error).__name__}") from error
        return LogEntry(message.seq or 0, subject, message.data or b"")

    async def follow(self, durable: str) -> AsyncIterator[LogEntry]:
        async for messages in self._fetched(durable, 100):
            for message in messages:
                yield _entry(message)
                await self._ack(message)

    async def follow_batches(self, durable: str, most: int) -> AsyncIterator[list[LogEntry]]:
        async for messages in self._fetched(durable, most):
            yield [_entry(message) for message in messages]
            for message in messages:
                await self._ack(message)

    async def _fetched(self, durable: str, most: int) -> AsyncIterator[list[Msg]]:
        """All partitions in turn. Waits for the bus to come back where it is away."""
        readers: dict[int, JetStreamContext.PullSubscription] = {}
        patience_s = 5.0 if self._partitions == 1 else 0.25
        while True:
            for p in range(self._partitions):
                try:
                    if p not in readers:
                        readers[p] = await self._reader(p, durable)
                    messages = await readers[p].fetch(batch=most, timeout=patience_s)
                except TimeoutError:
                    continue  # nothing new
                except (nats.errors.Error, OSError, LogUnavailable) as error:
                    log.warning("log_reader_waiting", partition=p, error=type(error).__name__)
                    readers.pop(p, None)
                    await asyncio.sleep(0.5)
                    continue
                yield messages

    @staticmethod
    async def _ack(message: Msg) -> None:
        try:
            await message.ack()
        except (nats.errors.Error, OSError):
            # It will come again; readers take repeats.
            log.warning("log_ack_failed", subject=message.subject)

    async def _reader(self, p: int, durable: str) -> JetStreamContext.PullSubscription:
        await self.prepare()
        return await self._js.pull_subscribe(
            subjects.log_partition(p),
            durable=durable,
            stream=subjects.log_stream(p),
            config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_wait=30),
        )


def _entry(message: Msg) -> LogEntry:
    return LogEntry(message.metadata.sequence.stream, message.subject, message.data)
