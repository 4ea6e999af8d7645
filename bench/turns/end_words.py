"""Make the gateway's table of sentence ends: python bench/turns/end_words.py [--also TEXT ...] > domain/end_words.py.

Words are the commonest of the dictionary in the pocketsphinx package and those of the texts named (what callers
say); how often each ends a sentence comes from that package's trigram model of English. Put into classes, so that
the gateway needs no model. The thresholds between the classes follow the distribution over whole sentences.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import textwrap
from pathlib import Path

import pocketsphinx

COMMON_WORDS = 2_200
SELDOM_HEARD = -6.5
"""log10: words of the texts that are rarer than this are left out."""
LOG_BASE = 1.0001
CLASSES = {
    "NEVER": (-99.0, -1.5, "under -1.5"),
    "SELDOM": (-1.5, -1.12, "-1.5 to -1.12"),
    "OFTEN": (-0.82, -0.6, "-0.82 to -0.6"),
    "MOSTLY": (-0.6, 99.0, "over -0.6"),
}
HEAD = '''"""How often common words end a sentence, from a trigram model of general English.

The sentence-end probabilities are those of the language model in the pocketsphinx package (BSD, CMU), put into five
classes of their base-10 logarithm; words not listed are of the middle one. Data only.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())
'''


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] if __doc__ else None)
    parser.add_argument("--also", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    root = Path(pocketsphinx.get_model_path())
    model = pocketsphinx.NGramModel(
        pocketsphinx.Config(lm=None), pocketsphinx.LogMath(LOG_BASE), str(next(root.rglob("*.lm.bin")))
    )
    per_unit = math.log10(LOG_BASE)
    lines = next(root.rglob("cmudict*.dict")).read_text("utf-8").splitlines()
    known = {word for line in lines if re.fullmatch(r"[a-z][a-z']*", word := line.split(maxsplit=1)[0])}
    commonness = {word: model.prob([word]) * per_unit for word in known}
    said = set(re.findall(r"[a-z']+", " ".join(path.read_text("utf-8").lower() for path in options.also)))
    common = sorted(commonness, key=lambda word: commonness[word], reverse=True)[:COMMON_WORDS]
    words = sorted(set(common) | {word for word in said & known if commonness[word] > SELDOM_HEARD})
    ends = {word: model.prob(["</s>", word]) * per_unit for word in words if len(word) > 1 or word in "ai"}
    sys.stdout.write(HEAD)
    for name, (low, high, told) in CLASSES.items():
        listed = " ".join(word for word, end in ends.items() if low <= end < high)
        body = textwrap.indent(textwrap.fill(listed, 112, break_on_hyphens=False), "    ")
        sys.stdout.write(f'\n\n{name} = _words(\n    """\n{body}\n    """\n)\n"""{told}."""\n')


if __name__ == "__main__":
    main()
