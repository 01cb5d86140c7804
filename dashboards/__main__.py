"""Write the dashboards' JSON files anew: `python -m dashboards`."""

from __future__ import annotations

import sys

from dashboards.files import FILES


def main() -> None:
    """Write every file, and name those that changed."""
    for path, text in FILES.items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stderr.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
