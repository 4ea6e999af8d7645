"""Work that must not be cut comes to its end, and its owner can wait for it."""

from __future__ import annotations

import asyncio

import pytest
from holdfast_common.finishing import Finishing, to_the_end


class Owner:
    def __init__(self) -> None:
        self.finishing = Finishing()
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self.finished = 0

    @to_the_end
    async def work(self, result: int, *, fails: bool = False) -> int:
        self.begun.set()
        await self.go_on.wait()
        self.finished += 1
        if fails:
            raise ValueError("no")
        return result


async def test_the_result_and_the_error_reach_who_waits() -> None:
    owner = Owner()
    owner.go_on.set()

    assert await owner.work(7) == 7
    with pytest.raises(ValueError, match="no"):
        await owner.work(7, fails=True)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_waiter_goes_at_once_and_the_work_goes_on(fails: bool) -> None:
    owner = Owner()
    waiter = asyncio.create_task(owner.work(7, fails=fails))
    await owner.begun.wait()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter

    assert owner.finished == 0
    owner.go_on.set()
    await owner.finishing.done()
    assert owner.finished == 1
