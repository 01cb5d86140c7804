"""Which service a file belongs to, from its path.

What the configuration says; else the directory below the watched PATH, or the stem.
Paths of containers name their workload: Kubernetes writes
`/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log` and links
`/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log` to it, Docker writes
`/var/lib/docker/containers/ID/ID-json.log`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from collector.names import base_name, unpacked_name
from tocsin.config.pathpattern import SERVICE, compile_path_pattern

_POD = re.compile(r"/pods/([^/_]+)_([^/_]+)_[^/_]+/([^/]+)/[^/]+$")
_CONTAINER = re.compile(r"/containers/([^/_]+)_([^/_]+)_([^/]+)-[0-9a-f]{64}\.log$")
_DOCKER = re.compile(r"/containers/([0-9a-f]{12})[0-9a-f]{52}/[^/]+$")

_MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Origin:
    """The service of a file, and what else its path tells."""

    service: str
    labels: dict[str, str] = field(default_factory=dict)


def origin_of(path: str, base: str, patterns: Sequence[str] = ()) -> Origin:
    """The origin of `path`, found below the directory `base`.

    The first of the configured `patterns` that matches decides; what else it names are
    labels.
    """
    for pattern in patterns:
        named = compile_path_pattern(pattern).match(path)
        if named:
            labels = named.groupdict()
            return Origin(labels.pop(SERVICE)[:_MAX_NAME], labels)
    found = _POD.search(path)
    if found:
        return _kubernetes(found[1], found[2], found[3])
    found = _CONTAINER.search(path)
    if found:
        return _kubernetes(found[2], found[1], found[3])
    found = _DOCKER.search(path)
    if found:
        return Origin(found[1], {"container_id": found[1]})
    below = path.removeprefix(base.rstrip("/") + "/")
    first, slash, _ = below.partition("/")
    if below == path or not slash:
        first = _stem(path)
    return Origin(first[:_MAX_NAME])


def _kubernetes(namespace: str, pod: str, container: str) -> Origin:
    labels = {"namespace": namespace, "pod": pod, "container": container}
    return Origin(container[:_MAX_NAME], labels)


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    name = base_name(unpacked_name(name) or name)
    return name.partition(".")[0] or name
