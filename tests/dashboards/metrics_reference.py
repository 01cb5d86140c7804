"""Writes docs/metrics.md from what the components export.

`python -m tests.dashboards.metrics_reference` writes it anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from tests.dashboards.scene import Scene
from tests.dashboards.stack import ROOT
from tocsin.telemetry.http import add_process_metrics
from tocsin.telemetry.metrics import MAX_LABELS, OTHER, new_registry

PATH = ROOT / "docs" / "metrics.md"

_INTRODUCTION = f"""\
# Metrics

What each component serves at `/metrics`, where `--http HOST:PORT` says. Written by
`python -m tests.dashboards.metrics_reference` from the code; a test compares.

Labels are closed sets, but for `service`: the first {MAX_LABELS} services have series
of their own, further ones share `{OTHER}` and count in `tocsin_label_overflow_total`.
A label is never text of a log line.
"""


class Exported(NamedTuple):
    """One metric as it is served."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def exported(registry: CollectorRegistry) -> list[Exported]:
    """The metrics of a registry, by name; labels are read from the samples."""
    found = []
    for family in registry.collect():
        labels = dict.fromkeys(
            label for sample in family.samples for label in sample.labels
        )
        labels.pop("le", None)
        name = family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")
        kind = "gauge" if family.type == "info" else family.type
        found.append(Exported(name, kind, tuple(labels), family.documentation))
    return sorted(found)


def by_component() -> dict[str, list[Exported]]:
    """The metrics of each component, and those that all of them have."""
    scene = Scene()
    scene.tick(1_000_000.0)
    process = new_registry()
    add_process_metrics(process)
    found = {name: exported(registry) for name, registry in scene.registries.items()}
    return found | {"every component": exported(process)}


def render() -> str:
    """The document."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for component, metrics in by_component().items():
        yield f"## {component.capitalize()}\n"
        yield "| metric | type | labels | meaning |\n|---|---|---|---|"
        for name, kind, labels, text in metrics:
            ticked = ", ".join(f"`{label}`" for label in labels)
            yield f"| `{name}` | {kind} | {ticked} | {text} |"
        yield ""


if __name__ == "__main__":
    logging.disable()  # the scene is full of trouble
    PATH.write_text(render())
