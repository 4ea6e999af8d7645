"""What replicas share through the bus: a NATS key-value bucket whose entries live for a while.

Keys are hashes, so no words of callers stand in subjects. Nothing here retries: a bus that is away
means no cache and each replica for itself.
"""

from __future__ import annotations

import asyncio

import nats.errors
from nats.aio.client import Client
from nats.js.api import KeyValueConfig, StorageType
from nats.js.errors import APIError, BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from holdfast_tools.ports import SharedUnavailable

AWAY = (nats.errors.Error, OSError, TimeoutError)


class NatsShared:
    """A `Shared` in one bucket, in the servers' memory; made when it is first needed, and again when it is gone."""

    def __init__(
        self, control: Client, *, bucket: str = "tools", ttl_s: float = 300.0, timeout_s: float = 0.25
    ) -> None:
        self._js = control.jetstream(timeout=timeout_s)
        self._bucket = bucket
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._kv: KeyValue | None = None

    async def get(self, key: str) -> tuple[bytes, int] | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                entry = await (await self._opened()).get(key)
        except KeyNotFoundError:
            return None
        except AWAY as error:
            self._kv = None
            raise SharedUnavailable(f"shared store: {type(error).__name__}") from error
        return (entry.value, entry.revision or 0) if entry.value else None

    async def put(self, key: str, value: bytes, revision: int | None = None) -> bool:
        try:
            async with asyncio.timeout(self._timeout_s):
                kv = await self._opened()
                if revision is None:
                    await kv.put(key, value)
                elif revision == 0:
                    await kv.create(key, value)
                else:
                    await kv.update(key, value, last=revision)
        except KeyWrongLastSequenceError:
            return False
        except AWAY as error:
            self._kv = None
            raise SharedUnavailable(f"shared store: {type(error).__name__}") from error
        return True

    async def _opened(self) -> KeyValue:
        if self._kv is None:
            try:
                self._kv = await self._js.key_value(self._bucket)
            except BucketNotFoundError:
                config = KeyValueConfig(bucket=self._bucket, ttl=self._ttl_s, storage=StorageType.MEMORY, history=1)
                try:
                    self._kv = await self._js.create_key_value(config=config)
                except APIError:  # another replica was first
                    self._kv = await self._js.key_value(self._bucket)
        return self._kv
