"""Ask one address whether it is well: exit status 0 for an answer of 200, else 1.

    python -m holdfast_common.probe http://127.0.0.1:9000/ready

For health checks of containers: the images have neither curl nor wget.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 2.0


def probe(url: str) -> bool:
    """Whether the address answers with 200 in time. Only http addresses are asked."""
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(0 if len(sys.argv) == 2 and probe(sys.argv[1]) else 1)
