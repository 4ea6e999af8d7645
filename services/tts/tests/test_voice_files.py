"""Names, addresses and checksums of voices."""

import pytest
from holdfast_tts.domain.voice_files import MODEL, Wish, address, read_checksums, wrong_sum

VOICE = "en_US-lessac-medium"
SUM = "ab" * 32


@pytest.mark.parametrize(
    ("text", "wish"),
    [(VOICE, Wish(VOICE)), (f"{VOICE}#12", Wish(VOICE, 12)), ("de_DE-thorsten", Wish("de_DE-thorsten"))],
)
def test_a_voice_may_name_its_speaker(text: str, wish: Wish):
    assert Wish.read(text) == wish


@pytest.mark.parametrize("text", ["", "../etc/passwd", "a/b", ".hidden", f"{VOICE}#a", f"{VOICE}#-1", "a b", "x" * 101])
def test_what_could_be_a_path_is_no_voice(text: str):
    with pytest.raises(ValueError, match="no name of a Piper voice"):
        Wish.read(text)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("https://h/v", f"https://h/v/{VOICE}.onnx"),
        ("https://h/v/", f"https://h/v/{VOICE}.onnx"),
        ("https://h/{family}/{code}/{name}/{quality}", f"https://h/en/en_US/lessac/medium/{VOICE}.onnx"),
        ("https://h/get?file={voice}", f"https://h/get?file={VOICE}.onnx"),
    ],
)
def test_mirrors_are_flat_or_in_folders(template: str, expected: str):
    assert address(template, VOICE, MODEL) == expected


@pytest.mark.parametrize("template", ["https://h/{quality}", "https://h/{", "https://h/{}"])
def test_an_address_that_the_name_does_not_fill_is_refused(template: str):
    with pytest.raises(ValueError, match="does not tell"):
        address(template, "plain", MODEL)


def test_checksums_are_pairs():
    assert read_checksums(f" a.onnx={SUM.upper()} , b.onnx.json = {SUM},") == {"a.onnx": SUM, "b.onnx.json": SUM}
    assert read_checksums("") == {}


@pytest.mark.parametrize("text", ["a.onnx", "a.onnx=12", f"={SUM}"])
def test_half_a_checksum_is_refused(text: str):
    with pytest.raises(ValueError, match="FILE=SHA256"):
        read_checksums(text)


def test_only_files_that_are_known_are_checked():
    assert wrong_sum("a", SUM, {"a": SUM}) is None
    assert wrong_sum("b", "cd" * 32, {"a": SUM}) is None
    assert "a has SHA-256 cdcd" in (wrong_sum("a", "cd" * 32, {"a": SUM}) or "")
