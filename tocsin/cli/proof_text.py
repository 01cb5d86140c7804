"""A proof as text for people and as flat objects for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tocsin.app.verify.account import Finding, Kind
from tocsin.app.verify.proof import FileProof, Proof
from tocsin.cli.lines import visible

_SHOWN = 20


def story(proof: Proof) -> Iterator[str]:
    """What is wrong first, file by file, then what holds in one line."""
    for file in proof.files:
        if file.findings:
            yield from _wrong(file)
    for key in proof.unreadable_keys:
        yield f"not a key of raw-logs: {visible(key.decode('utf-8', 'replace'))}"
    yield from _remarks(proof)
    yield _verdict(proof)


def objects(proof: Proof) -> Iterator[str]:
    """One JSON object a file; then one with the sums, whose `file_id` is null."""
    for file in proof.files:
        shown: dict[str, Any] = {
            "path": file.path,
            "file_id": file.file_id or None,
            "service": file.service,
            "host": file.host,
            "proof": file.evidence.name.lower(),
            "records": file.records,
            "bytes": file.covered,
            "begins_at": file.begins_at,
            "expired": file.expired,
            "unfinished": file.unfinished,
            "left_out": file.left_out,
            "dead": file.dead,
            "findings": [
                {"kind": each.kind.name.lower(), "start": each.start, "end": each.end}
                for each in file.findings
            ],
            "more_findings": file.more,
        }
        yield msgspec.json.encode(shown).decode()
    sums = {
        "path": None,
        "file_id": None,
        "holds": proof.holds,
        "files": len(proof.files),
        "records": proof.records,
        "unreadable_keys": proof.unreadable,
    }
    yield msgspec.json.encode(sums).decode()


def _wrong(file: FileProof) -> Iterator[str]:
    known = f" ({file.file_id})" if file.file_id else ""
    yield f"{visible(file.path) or 'a file that is not known'}{known}"
    for finding in file.findings[:_SHOWN]:
        yield f"  {_finding(finding)}"
    more = len(file.findings) - _SHOWN + file.more
    if more > 0:
        yield f"  and {more:,} more; --json has them"
    if any(finding.kind is Kind.DIFFERENCE for finding in file.findings):
        yield "  if it was truncated or replaced while the collector was away: start it"


def _finding(finding: Finding) -> str:
    size = finding.end - finding.start
    where = f"bytes {finding.start:,} to {finding.end:,}"
    return f"{finding.kind.value:<13} {where} ({size:,})  {_MEANING[finding.kind]}"


_MEANING = {
    Kind.HOLE: "in no record",
    Kind.OVERLAP: "in more than one record",
    Kind.DIFFERENCE: "the record is not what the file has",
    Kind.ORDER: "behind later bytes of the same file",
}


def _remarks(proof: Proof) -> Iterator[str]:
    """What is no mistake, but should be known."""
    files = proof.files
    by_evidence = {file.evidence: 0 for file in files}
    for file in files:
        by_evidence[file.evidence] += 1
    for evidence, count in by_evidence.items():
        yield f"{count:,} × {evidence.value}"
    sums = {
        "of unfinished last lines are not shipped yet": sum(
            file.unfinished for file in files
        ),
        "are in no record because lines were cut, or NUL bytes were skipped": sum(
            file.left_out for file in files
        ),
        "were too large for the bus and are dead letters": sum(
            file.dead for file in files
        ),
        "are before the first record that was to be shipped": sum(
            file.begins_at for file in files
        ),
    }
    for text, size in sums.items():
        if size:
            yield f"{size:,} bytes {text}"


def _verdict(proof: Proof) -> str:
    size = sum(file.covered for file in proof.files)
    extent = f"{proof.records:,} records, {size:,} bytes of {len(proof.files):,} files"
    if proof.holds:
        return f"{extent}: every byte exactly once"
    wrong = sum(bool(file.findings) for file in proof.files)
    return f"{extent}: {wrong:,} files are not whole"
