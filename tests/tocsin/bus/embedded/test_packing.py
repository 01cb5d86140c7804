"""Batches as blobs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.bus.embedded.packing import Packer
from tocsin.bus.embedded.partitions import CHUNK_BYTES, CHUNK_RECORDS, pack
from tocsin.errors import BusError
from tocsin.ports.bus import Records


@given(
    st.lists(
        st.tuples(
            st.binary(),
            st.binary(),
            st.integers(min_value=-(2**63), max_value=2**63 - 1),
        ),
        min_size=1,
    )
)
def test_what_is_packed_comes_back(rows: list[tuple[bytes, bytes, int]]) -> None:
    keys, values, times = map(list, zip(*rows, strict=True))
    packer = Packer()

    back = packer.unpack(packer.pack(Records(keys, values, times)))

    assert back == Records(keys, values, times)


def test_any_sequence_is_a_column() -> None:
    packer = Packer()

    back = packer.unpack(packer.pack(Records((b"k",), (b"v",), range(7, 8))))

    assert back == Records([b"k"], [b"v"], [7])


@pytest.mark.parametrize("position", [5, 40, -1])
def test_a_damaged_blob_is_told(position: int) -> None:
    packer = Packer()
    blob = bytearray(packer.pack(Records([b"key"] * 9, [b"value"] * 9, list(range(9)))))
    blob[position] ^= 0x55

    with pytest.raises(BusError, match="damaged") as caught:
        packer.unpack(bytes(blob))

    assert "move the file" in caught.value.hint


@pytest.mark.parametrize("count", [1, CHUNK_RECORDS, CHUNK_RECORDS + 1, 12_345])
def test_a_large_send_becomes_several_batches(count: int) -> None:
    records = Records([b""] * count, [b"%d" % n for n in range(count)], [1] * count)
    packer = Packer()

    packed = pack(packer, records, largest=5)

    assert sum(batch.count for batch in packed) == count
    assert max(batch.count for batch in packed) <= CHUNK_RECORDS
    back = [v for batch in packed for v in packer.unpack(batch.blob).values]
    assert back == records.values


def test_large_records_become_batches_of_bounded_size() -> None:
    records = Records([b""] * 9, [b"x" * 1_000_000] * 9, [1] * 9)

    packed = pack(Packer(), records, largest=1_000_000)

    assert sum(batch.count for batch in packed) == 9
    assert max(batch.count for batch in packed) * 1_000_000 <= CHUNK_BYTES
