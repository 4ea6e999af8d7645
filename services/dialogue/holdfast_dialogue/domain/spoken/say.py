"""Say things the way people do: values in words, and any written text shaped for speech."""

from holdfast_dialogue.domain.spoken.say_text import shape
from holdfast_dialogue.domain.spoken.say_values import (
    date,
    link,
    number,
    opening,
    openings,
    ordinal,
    short_date,
    time,
    url,
    year,
    zone,
)

__all__ = [
    "date",
    "link",
    "number",
    "opening",
    "openings",
    "ordinal",
    "shape",
    "short_date",
    "time",
    "url",
    "year",
    "zone",
]
