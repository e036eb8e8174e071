"""The files that say whose a folder is (reference sections 4.1 and 4.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ottla.log.meta_properties import (
    MetaProperties,
    encode_partition_metadata,
    parse_properties,
    read_clean_shutdown,
    read_meta_properties,
    read_partition_metadata,
    remove_clean_shutdown,
    write_clean_shutdown,
    write_meta_properties,
)
from ottla.model.errors import CorruptData
from ottla.model.ids import uuid_from_text
from ottla.runtime.files.memory import MemoryFiles


def disk() -> MemoryFiles:
    files = MemoryFiles()
    files.make_dir("/d")
    return files


DIRECTORY_ID = uuid_from_text("J2nti_LlRf-XBeH89DFi1A")


def test_meta_properties_are_javas_text() -> None:
    files = disk()
    properties = MetaProperties(cluster_id="a=b:c", node_id=3, directory_id=DIRECTORY_ID)
    write_meta_properties(files, "/d", properties, now_ms=1_700_000_000_000)
    text = files.read_bytes("/d/meta.properties").decode()
    assert text.startswith("#\n#Tue Nov 14 22:13:20 UTC 2023\n")
    assert set(text.splitlines()[2:]) == {
        "version=1", "cluster.id=a\\=b\\:c", "node.id=3", "directory.id=J2nti_LlRf-XBeH89DFi1A"
    }  # fmt: skip
    assert read_meta_properties(files, "/d") == properties


def test_what_kafka_wrote_is_read_and_the_unknown_kept() -> None:
    files = disk()
    files.write_bytes("/d/meta.properties", b"#\r\n! x\nversion = 0\nbroker.id: 7\n\n  extra\\ key  value\n")
    properties = read_meta_properties(files, "/d")
    assert properties == MetaProperties(node_id=7, others={"extra key": "value"})
    write_meta_properties(files, "/d", properties, now_ms=0)
    assert b"extra\\ key=value\n" in files.read_bytes("/d/meta.properties")


def test_no_or_damaged_meta_properties() -> None:
    files = disk()
    assert read_meta_properties(files, "/d") is None
    for data in (b"", b"version=2\n", b"version=1\nnode.id=x\n", b"version=1\ndirectory.id=short\n"):
        files.write_bytes("/d/meta.properties", data)
        with pytest.raises(CorruptData):
            read_meta_properties(files, "/d")


@given(st.dictionaries(st.text("ab=:# \\!.", min_size=1), st.text("xy=:# \\!.").map(str.strip)))
def test_properties_come_back(values: dict[str, str]) -> None:
    files = disk()
    write_meta_properties(files, "/d", MetaProperties(others=values), now_ms=0)
    told = parse_properties(files.read_bytes("/d/meta.properties"))
    del told["version"]
    assert told == values


def test_the_marker_of_a_clean_stop() -> None:
    files = disk()
    assert read_clean_shutdown(files, "/d") is None
    write_clean_shutdown(files, "/d", 12)
    assert files.read_bytes("/d/.kafka_cleanshutdown") == b'{"version":0,"brokerEpoch":12}'
    assert read_clean_shutdown(files, "/d") == 12
    files.write_bytes("/d/.kafka_cleanshutdown", b"")
    assert read_clean_shutdown(files, "/d") == -1, "its presence is what counts"
    remove_clean_shutdown(files, "/d")
    assert read_clean_shutdown(files, "/d") is None


def test_partition_metadata_has_no_newline_at_its_end() -> None:
    files = disk()
    assert read_partition_metadata(files, "/d") is None
    files.write_bytes("/d/partition.metadata", encode_partition_metadata(DIRECTORY_ID))
    assert files.read_bytes("/d/partition.metadata") == b"version: 0\ntopic_id: J2nti_LlRf-XBeH89DFi1A"
    assert read_partition_metadata(files, "/d") == DIRECTORY_ID
    files.write_bytes("/d/partition.metadata", b"\0" * 43)
    assert read_partition_metadata(files, "/d") is None, "what a power cut leaves"
    for data in (b"version: 1\ntopic_id: J2nti_LlRf-XBeH89DFi1A", b"version: 0\ntopic_id: x"):
        files.write_bytes("/d/partition.metadata", data)
        with pytest.raises(CorruptData):
            read_partition_metadata(files, "/d")
