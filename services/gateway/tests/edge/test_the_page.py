"""The page in a real browser: Chromium with its fake microphone, against an echoing desk."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from holdfast_gateway.adapters.echo_desk import EchoDesk
from holdfast_gateway.ports import HungUp, PositionMoved, Typed

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
WEB = Path(__file__).parents[4] / "web"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]

pytest.importorskip("playwright", reason="playwright is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (make system installs it)"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def visit(browser: Any, open_edge: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """Opens the page; fails afterwards on any error that the page logged."""
    complaints: list[str] = []

    async def go(script: str = "", **context: Any) -> Any:
        edge = await open_edge(web_dir=WEB)
        page = await (await browser.new_context(**context)).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        if script:
            await page.add_init_script(script)
        await page.goto(edge.url)
        return page

    yield go
    assert complaints == []


def in_state(*names: str) -> str:
    return ", ".join(f'.call[data-state="{name}"]' for name in names)


async def test_a_typed_conversation_needs_no_microphone(visit: Callable[..., Any], desk: EchoDesk) -> None:
    page = await visit()
    await page.fill("#line", "Is <b>there</b> a trial?")
    await page.press("#line", "Enter")
    await page.wait_for_selector(".captions .agent:has-text('You said: Is <b>there</b> a trial?')")

    assert desk.events == [Typed("Is <b>there</b> a trial?")]
    assert await page.locator(".captions .caller").all_inner_texts() == ["Is <b>there</b> a trial?"]
    assert await page.locator(".captions b").count() == 0, "a transcript is text, never markup"
    await page.fill("#line", "goodbye")
    await page.click(".send")
    await page.wait_for_selector(in_state("ended"))


async def test_a_spoken_call_is_heard_both_ways_and_hung_up(
    visit: Callable[..., Any], desk: EchoDesk, until: Callable[..., Any]
) -> None:
    """The fake microphone beeps; the desk plays it back; the page reports what it has played."""
    page = await visit(permissions=["microphone"])
    await page.click("#call")
    await page.wait_for_selector(in_state("speaking"))
    await until(lambda: desk.frames > 20 and any(isinstance(e, PositionMoved) for e in desk.events))
    await page.click("#mute")
    assert await page.get_attribute("#mute", "aria-pressed") == "true"
    await page.click("#call")
    await page.wait_for_selector(in_state("ended"))
    await until(lambda: any(isinstance(e, HungUp) for e in desk.events))

    assert await page.locator("#state").inner_text() == "You hung up"


async def test_a_lost_connection_is_taken_up_again(visit: Callable[..., Any], desk: EchoDesk) -> None:
    page = await visit(
        script="""
            const Plain = WebSocket;
            window.WebSocket = class extends Plain { constructor(url) { super(url); window.line = this; } };
        """
    )
    await page.fill("#line", "one")
    await page.press("#line", "Enter")
    await page.wait_for_selector(".captions .agent:has-text('You said: one')")
    await page.evaluate("() => line.close()")
    await page.fill("#line", "two")
    await page.press("#line", "Enter")
    await page.wait_for_selector(".captions .agent:has-text('You said: two')")

    assert [arrival.generation for arrival in desk.arrivals] == [1, 2]


def refusing(error: str) -> str:
    return f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('no', '{error}'); }};"


async def test_without_a_microphone_the_page_says_so_and_typing_works(visit: Callable[..., Any]) -> None:
    for script, says in (
        ("delete Navigator.prototype.mediaDevices;", "cannot send your voice"),
        (refusing("NotAllowedError"), "The microphone is blocked"),
        (refusing("NotFoundError"), "There is no microphone"),
    ):
        page = await visit(script=script)
        await page.click("#call")
        await page.wait_for_selector(f"#notice:has-text('{says}')")
        assert await page.evaluate("() => document.activeElement.id") == "line"
        await page.keyboard.type("hello")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".captions .agent:has-text('You said: hello')")


async def test_without_web_sockets_the_page_says_so(visit: Callable[..., Any]) -> None:
    page = await visit(script="delete window.WebSocket;")
    await page.fill("#line", "hello")
    await page.press("#line", "Enter")
    await page.wait_for_selector("#notice:has-text('WebSocket')")

    assert await page.input_value("#line") == "hello", "what was typed is not lost"


async def test_everything_can_be_reached_by_keyboard_and_has_a_name(visit: Callable[..., Any]) -> None:
    page = await visit()
    reached = []
    for _ in range(7):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("() => document.activeElement.id || document.activeElement.className"))

    assert reached == ["skip", "badge", "call", "captions", "line", "send", ""]
    assert await page.get_by_role("button", name="Start talking").count() == 1
    assert await page.get_by_role("textbox", name="Type instead of speaking").count() == 1
    await page.focus(".badge")
    await page.get_by_role("tooltip").wait_for(state="visible")
    await page.keyboard.press("Escape")
    await page.get_by_role("tooltip").wait_for(state="hidden")


async def test_nothing_runs_off_the_side_and_the_typed_line_is_there(visit: Callable[..., Any]) -> None:
    for width, height in ((1280, 800), (390, 844), (320, 568)):
        page = await visit(viewport={"width": width, "height": height})

        assert await page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert await page.locator("#line").is_visible()


async def test_the_resampler_keeps_a_tone_and_stops_what_would_alias(visit: Callable[..., Any]) -> None:
    """48 kHz to 16 kHz: 1 kHz passes at its level, 11 kHz (which would alias to 5 kHz) is gone."""
    page = await visit()
    levels = await page.evaluate(
        """async () => {
            Object.assign(globalThis, { AudioWorkletProcessor: class {}, registerProcessor() {}, sampleRate: 48000 });
            const { Resampler } = await import("/static/voice-worklet.js");
            const level = (hz) => {
                const resampler = new Resampler(48000, 16000), out = [];
                for (let block = 0; block < 200; block++) {
                    const tone = (_, i) => Math.sin(2 * Math.PI * hz * (block * 128 + i) / 48000);
                    out.push(...resampler.push(Float32Array.from({ length: 128 }, tone)));
                }
                const steady = out.slice(1000, 8000);
                return [out.length, Math.sqrt(2 * steady.reduce((sum, v) => sum + v * v, 0) / steady.length)];
            };
            return [level(1000), level(7000), level(11000)];
        }"""
    )
    (count, low), (_, high), (_, alias) = levels

    assert 8_480 <= count <= 8_534
    assert low == pytest.approx(1.0, abs=0.01)
    assert high == pytest.approx(1.0, abs=0.15)
    assert alias < 0.001
