"""Who is told of an incident: a tree of routes by labels. Pure.

The first route that matches takes the incident, and then the first of its own routes
that does, and so on; `goes_on` lets the routes after it take it too. Around all of them
stands one with every receiver. Where no route matches, every receiver is told: a gap in
the tree must not lose a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alerting.matchers import Matcher, from_patterns, match_all
from tocsin.config.alerting import RouteConfig

_MAX_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Route:
    """One node; what it does not say itself is as in the route around it.

    `mute` names the intervals in which it is quiet.
    """

    matchers: tuple[Matcher, ...] = ()
    receivers: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()
    goes_on: bool = False
    routes: tuple[Route, ...] = ()


class Routing:
    """The tree, and the receivers that there are."""

    def __init__(self, routes: Sequence[Route], receivers: Sequence[str]) -> None:
        self._routes = tuple(routes)
        self._all = tuple(receivers)
        self._known: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {}

    def receivers(self, labels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """Who is told of an incident, and in which intervals not."""
        # Each open incident asks each second; its labels hardly ever change.
        key = (*labels, *labels.values())
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            known = self._known[key] = self._found(labels)
        return known

    def _found(self, labels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        around = Route(receivers=self._all)
        for receiver, mute in _taken(self._routes, labels, around):
            kept = found.get(receiver, mute)
            found[receiver] = tuple(x for x in kept if x in mute)
        return found or dict.fromkeys(self._all, ())


def _taken(
    routes: Sequence[Route], labels: Mapping[str, str], above: Route
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for route in routes:
        if not match_all(route.matchers, labels):
            continue
        own = replace(
            route,
            receivers=route.receivers or above.receivers,
            mute=(*above.mute, *route.mute),
        )
        below = list(_taken(route.routes, labels, own))
        yield from below or ((x, own.mute) for x in own.receivers)
        if not route.goes_on:
            return


def tree(routes: Sequence[RouteConfig]) -> tuple[Route, ...]:
    """The routes as they are configured."""
    return tuple(
        Route(
            matchers=from_patterns(x.match),
            receivers=tuple(x.receivers),
            mute=tuple(x.mute),
            goes_on=x.go_on,
            routes=tree(x.routes),
        )
        for x in routes
    )
