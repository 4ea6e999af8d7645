"""The audio cache: bounded by bytes, the least recently used go first."""

from holdfast_tts.domain.cache import AudioCache, Key, Said


def key(text: str, **other: object) -> Key:
    return Key(
        **{"text": text, "voice": "v", "language": "en", "rate_hz": 8_000, "speed": 1.0, "engine": "e 1", **other}
    )


def said(size: int) -> Said:
    return Said(pcm=bytes(size), words=(), estimated=False, engine="e")


def test_what_was_said_is_found_again():
    cache = AudioCache(100_000)
    cache.put(key("one"), said(1_000))

    assert cache.get(key("one")) == said(1_000)


def test_anything_that_changes_the_sound_is_another_entry():
    cache = AudioCache(100_000)
    cache.put(key("one"), said(1_000))

    others = [{"voice": "w"}, {"rate_hz": 16_000}, {"speed": 1.1}, {"engine": "e 2"}, {"language": "de"}]
    assert [cache.get(key("one", **other)) for other in others] == [None] * 5


def test_the_least_recently_used_goes_when_memory_is_full():
    cache = AudioCache(20_000)
    for text in ("one", "two", "three", "four"):
        cache.put(key(text), said(4_000))
    cache.get(key("one"))
    cache.put(key("five"), said(4_000))

    assert [text for text in ("one", "two", "three", "four", "five") if cache.get(key(text))] == [
        "one", "three", "four", "five",
    ]  # fmt: skip
    assert cache.bytes <= 20_000


def test_a_sentence_larger_than_a_quarter_of_the_bound_is_not_kept():
    cache = AudioCache(20_000)
    cache.put(key("one"), said(6_000))

    assert len(cache) == 0


def test_replacing_an_entry_does_not_count_it_twice():
    cache = AudioCache(20_000)
    for _ in range(100):
        cache.put(key("one"), said(4_000))

    assert (len(cache), cache.bytes) == (1, 4_500)


def test_a_bound_of_nothing_keeps_nothing():
    cache = AudioCache(0)
    cache.put(key("one"), said(0))

    assert cache.get(key("one")) is None
