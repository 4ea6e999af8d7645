"""Addresses said in words, letters and code words, as recognisers write them down."""

import pytest

from holdfast_dialogue.domain.spoken import emails

SAID = [
    ("dana dot miller at northwind dot example", "dana.miller@northwind.example"),
    ("dana underscore miller at north wind dot example", "dana_miller@northwind.example"),
    ("sure it's dana dot miller at northwind dot example thank you", "dana.miller@northwind.example"),
    ("my email is d a n a dot m i l l e r at northwind dot com", "dana.miller@northwind.com"),
    (
        "s as in sam underscore m as in mary a double s e y eight eight at pinnell that's p i double n e double l dot example",
        "s_massey88@pinnell.example",
    ),
    ("rita dot gomez at example dot com", "rita.gomez@example.com"),
    ("ian dot marsh at example dot com i a n", "ian.marsh@example.com"),
    ("greg at example dot com", "greg@example.com"),
    (
        "sara lind here twelve of us hubspot proposals can i get a specialist tomorrow at three eastern my email is sara dot lind at example dot com",
        "sara.lind@example.com",
    ),
    ("tom at gmail dot com", "tom@gmail.com"),
    ("tom at g mail dot com", "tom@gmail.com"),
    ("j k r at x y z dot co dot u k", "jkr@xyz.co.uk"),
    ("bravo romeo india at acme dot org", "bri@acme.org"),
    ("mike at example dot com", "mike@example.com"),
    ("b for bob o b at example dot com", "bob@example.com"),
    ("tom eighty eight at example dot com", "tom88@example.com"),
    ("tom nineteen eighty eight at example dot com", "tom1988@example.com"),
    ("tom double oh seven at example dot com", "tom007@example.com"),
    ("dana dash miller plus sales at northwind dot example", "dana-miller+sales@northwind.example"),
    ("Dana.Miller@Northwind.example", "dana.miller@northwind.example"),
    ("it's dana.miller@northwind.example thanks", "dana.miller@northwind.example"),
    ("dana dot miller add northwind dot example", "dana.miller@northwind.example"),
    ("dana dot miller at northwind dart com", "dana.miller@northwind.com"),
    ("dana at northwind com", "dana@northwind.com"),
    ("info at larkfield dot example please", "info@larkfield.example"),
    ("it's me at dana dot com", "me@dana.com"),
    ("k dot brandt at example dot org", "k.brandt@example.org"),
    ("you can reach me at tom dot becker at larkfield dot example", "tom.becker@larkfield.example"),
    ("dana miller at northwind dot example", "danamiller@northwind.example"),
    ("dana at north dash wind dot example", "dana@north-wind.example"),
    ("dana at gmail", "dana@gmail.com"),
    ("well it's f as in frank t as in tom at example dot i o", "ft@example.io"),
    ("alpha bravo charlie one two three at delta echo dot com", "abc123@de.com"),
    ("dana miller all one word at northwind dot example", "danamiller@northwind.example"),
    ("m a x at example dot com", "max@example.com"),
    ("a dot b at c dot d e", "a.b@c.de"),
    ("walt at example dot com yes that's right", "walt@example.com"),
    ("p dot o brien at example dot com", "p.obrien@example.com"),
    ("victor at oscar dot com", "victor@oscar.com"),
    ("d as in delta a as in alpha n as in november a as in alpha at example dot com", "dana@example.com"),
]


@pytest.mark.parametrize(("said", "address"), SAID)
def test_an_address_said_aloud_is_written_down(said, address):
    assert emails.parse(said).address == address
