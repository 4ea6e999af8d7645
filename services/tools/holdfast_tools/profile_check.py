"""What is wrong with a profile's articles, as its author can mend it. `holdfast profile check` finds this by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from holdfast_common.profile import Article, load_articles

from holdfast_tools.adapters.knowledge_contents import load_not_covered, ways
from holdfast_tools.domain.fitting import held_out_questions
from holdfast_tools.domain.weights import BY_WORDS

MOST_ANSWER_WORDS = 62
FEWEST_WAYS = 4
"""Questions and phrasings of an article; each further one up to ten makes it easier to find."""
WEAK_SHARE = 0.6
"""Share of an article's own ways to ask that land elsewhere, from which on it is told."""
_UNSPEAKABLE = (
    ("a link", re.compile(r"https?://|www\.|\b\w+\.(?:com|org|net|io)\b")),
    ("a digit", re.compile(r"\d")),
    ("markup", re.compile(r"[*_`#|<>\[\]{}~]")),
)


@dataclass(frozen=True, slots=True)
class Finding:
    where: str
    what: str
    is_error: bool = False


def findings(folder: Path) -> list[Finding]:
    """Of the articles, errors first. Raises SettingsError where the folder cannot be read at all."""
    articles = load_articles(folder)
    if not articles:
        return [Finding("knowledge", "no articles (knowledge/*.md)", is_error=True)]
    found = [*_of_ids(folder, articles), *(f for article in articles for f in _of_article(article))]
    found += _landing_elsewhere(folder, articles)
    return sorted(found, key=lambda f: (not f.is_error, f.where))


def _of_ids(folder: Path, articles: list[Article]) -> Iterator[Finding]:
    for id_, times in Counter(article.id for article in articles).items():
        if times > 1:
            yield Finding(id_, f"{times} articles have this id", is_error=True)
    ids = {article.id for article in articles}
    path = folder / "phrasings.txt"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    for line in lines:
        id_ = line.partition(":")[0].strip()
        if line.strip() and not line.startswith("#") and id_ not in ids:
            yield Finding(id_[:40], "phrasings.txt names an article that there is not", is_error=True)


def _of_article(article: Article) -> Iterator[Finding]:
    words = len(article.answer.split())
    if words > MOST_ANSWER_WORDS:
        yield Finding(article.id, f"the spoken answer has {words} words (at most {MOST_ANSWER_WORDS})", is_error=True)
    for what, pattern in _UNSPEAKABLE:
        if match := pattern.search(article.answer):
            yield Finding(article.id, f"the spoken answer holds {what}: {match[0]!r}", is_error=True)
    for name in ("tags", "questions", "source_url"):
        if not getattr(article, name):
            yield Finding(article.id, f"has no {name}")
    if (asked := len(article.questions) + len(article.phrasings)) < FEWEST_WAYS:
        yield Finding(article.id, f"only {asked} ways to ask for it (questions and phrasings)")


def _landing_elsewhere(folder: Path, articles: list[Article]) -> Iterator[Finding]:
    """Each way to ask is left out and asked: where most of an article's land elsewhere, two articles overlap."""
    fusion = np.array(BY_WORDS.fusion)
    asked: Counter[int] = Counter()
    lost: dict[int, list[tuple[str, str]]] = {}
    for held in held_out_questions([ways(a) for a in articles], load_not_covered(folder), None):
        if held.article is None:
            continue
        asked[held.article] += 1
        first = int((fusion @ held.seen.rows).argmax())
        if first != held.article:
            lost.setdefault(held.article, []).append((held.asked, articles[first].id))
    for at, elsewhere in sorted(lost.items()):
        if len(elsewhere) >= max(2, WEAK_SHARE * asked[at]):
            text, other = elsewhere[0]
            what = f"{len(elsewhere)} of {asked[at]} ways to ask land elsewhere, such as {text!r} on {other}"
            yield Finding(articles[at].id, what)
