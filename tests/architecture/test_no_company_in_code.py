"""The dialogue knows no company: the shipped profile's names and articles stand in its folder alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from holdfast_common.profile import load_articles, load_profile

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "profiles" / "trial_success"
SOURCES = sorted((ROOT / "services/dialogue/holdfast_dialogue").rglob("*.py"))
profile = load_profile(PROFILE)
NAMES = [
    re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower().split()
    for name in {profile.product, profile.company, *profile.competitors}
]
ARTICLES = [article.id for article in load_articles(PROFILE) if "-" in article.id]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_of_the_dialogue_names_the_company_or_its_articles(source: Path) -> None:
    text = source.read_text("utf-8")
    named = [" ".join(parts) for parts in NAMES if re.search(rf"\b{r'[ ?]*'.join(parts)}\b", text, re.IGNORECASE)]
    articles = [article for article in ARTICLES if f'"{article}"' in text]

    assert named + articles == []
