"""An archive gives out the files it says it has, or is refused with the reason; it never chooses what happens."""

import asyncio
import io
import os
import struct
import threading
import tracemalloc
import zipfile
import zlib
from collections.abc import AsyncIterator
from hashlib import sha256, shake_256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.datasets import paths
from services.catalog.intake.spool import EncryptedSpool
from services.catalog.intake.unpack import TEXTS, Archive, Limits, UnpackRefused, unpack
from tests.catalog.unpack.archives import UTF8, Part, build, deflated, unicode_path, wide

MIB = 1024 * 1024
NOISE = shake_256(b"noise").digest(3 * MIB + 17)
A = Part(b"a.txt", b"the first file")
B = Part(b"b/c.txt", b"the second file")


async def unpacked(data: bytes, limits: Limits | None = None) -> dict[str, bytes]:
    """Return all files, read the way ingest reads them; their sizes and digests are checked on the way."""
    found: dict[str, bytes] = {}
    async for file in unpack(io.BytesIO(data), limits):
        content = b"".join([chunk async for chunk in file.chunks()])
        assert (len(content), sha256(content).hexdigest()) == (file.size, file.sha256)
        found[file.path] = content
    return found


async def refusal(data: bytes, limits: Limits | None = None) -> UnpackRefused:
    with pytest.raises(UnpackRefused) as refused:
        await unpacked(data, limits)
    assert refused.value.code in TEXTS or refused.value.code in paths.TEXTS
    return refused.value


# --- what comes out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_ordinary_archive_comes_out_as_it_went_in(method: int, streamed: bool) -> None:
    """`streamed`: made without seeking back, sizes follow the data."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    files = {"å/ä.txt": b"hej", "empty": b"", "large.bin": NOISE, "zeros": bytes(300_000), "b/small": b"x" * 1000}
    target = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.mkdir("folder")
        for name, content in files.items():
            archive.writestr(name, content)
        with archive.open("forced64", "w", force_zip64=True) as file:
            file.write(b"wide")
    assert await unpacked(target.getvalue()) == files | {"forced64": b"wide"}


async def test_an_archive_without_files_gives_none() -> None:
    assert await unpacked(build([])) == {}
    assert await unpacked(build([Part(b"only/", method=0, attributes=0o40755 << 16 | 0x10)])) == {}


async def test_an_archive_of_zip64_and_one_with_a_comment_and_one_behind_a_program_are_read() -> None:
    expected = {"a.txt": A.data, "b/c.txt": B.data}
    assert await unpacked(build([A, B], zip64=True)) == expected
    assert await unpacked(build([A, B], comment=b"made on a Monday")) == expected
    assert await unpacked(build([A, B], prefix=b"#!/bin/sh\n")) == expected
    big = A.but(packed=0xFFFFFFFF, size=0xFFFFFFFF, extra=wide(14, 14), local_extra=wide(14, 14))
    assert len(deflated(A.data)) == 14
    assert await unpacked(build([big, B])) == expected


@pytest.mark.parametrize("form", ["<4s3I", "<3I", "<4sI2Q", "<I2Q"])
async def test_every_form_of_the_data_descriptor_is_understood(form: str) -> None:
    values = (zlib.crc32(A.data), len(deflated(A.data)), len(A.data))
    descriptor = struct.pack(form, *((b"PK\x07\x08",) if "s" in form else ()), *values)
    late = A.but(flags=UTF8 | 8, descriptor=descriptor, local={"crc": 0, "packed": 0, "size": 0})
    assert await unpacked(build([late, B])) == {"a.txt": A.data, "b/c.txt": B.data}


async def test_archives_inside_are_files_and_stay_closed() -> None:
    bomb = build([Part(b"bomb", bytes(20 * MIB))])
    for _ in range(3):
        bomb = build([Part(b"inner.zip", bomb)])
    assert await unpacked(bomb) == {
        "inner.zip": Archive(io.BytesIO(bomb)).read(Archive(io.BytesIO(bomb)).files[0]).__next__()
    }


@pytest.mark.parametrize(
    ("raw", "flags", "extra", "name"),
    [
        ("räksmörgås".encode(), UTF8, b"", "räksmörgås"),
        ("räksmörgås".encode(), 0, b"", "räksmörgås"),
        ("räksmörgås".encode("cp437"), 0, b"", "räksmörgås"),
        ("ÅÄÖ".encode("cp850"), 0, b"", "ÅÄÖ"),
        (b"?.txt", 0, unicode_path(b"?.txt", "日本.txt"), "日本.txt"),
        (b"plain", 0, unicode_path(b"plain", "other", crc=1), "plain"),
        ("e\u0301".encode(), UTF8, b"", "\u00e9"),
    ],
)
async def test_names_are_read_in_the_encoding_they_were_written_in(
    raw: bytes, flags: int, extra: bytes, name: str
) -> None:
    assert await unpacked(build([Part(raw, b"x", flags=flags, extra=extra)])) == {name: b"x"}


# --- what does not ----------------------------------------------------------------------------------------------------

NAMES = {
    b"/etc/passwd": "path-absolute",
    b"C:/windows": "path-absolute",
    b"c:evil": "path-absolute",
    b"../evil": "path-dot-segment",
    b"a/../../evil": "path-dot-segment",
    b"./a": "path-dot-segment",
    b"..\\evil": "path-backslash",
    b"a\\..\\b": "path-backslash",
    b"\\\\server\\share": "path-backslash",
    b"a//b": "path-empty-segment",
    b"": "path-empty",
    b"a\x00.txt": "path-control-character",
    b"a\nb": "path-control-character",
    "txt.\u202eexe".encode(): "path-control-character",
    b"a" * 256: "path-segment-too-long",
    b"/".join([b"a" * 200] * 6): "path-too-long",
    b"\xff\xfe": "archive-name-undecodable",
    b"../": "path-dot-segment",
    b"/": "path-empty",
}


@pytest.mark.parametrize(("name", "code"), NAMES.items())
async def test_a_name_that_leads_elsewhere_is_refused(name: bytes, code: str) -> None:
    found = await refusal(build([A, Part(name, b"" if name.endswith(b"/") else b"x", attributes=0)]))
    assert found.code == code and found.entry.isprintable()


@pytest.mark.parametrize(
    ("one", "two", "code"),
    [
        (b"A.txt", b"a.TXT", "path-duplicate"),
        (b"a", b"a", "path-duplicate"),
        ("\u00e9".encode(), "E\u0301".encode(), "path-duplicate"),
        ("\u00e9".encode("cp437"), "\u00e9".encode(), "path-duplicate"),
        (b"a. ", b"a", "path-duplicate"),
        (b"x", b"X/y", "path-file-and-folder"),
        (b"x/y", b"x", "path-file-and-folder"),
        (b"x/", b"x", "path-file-and-folder"),
    ],
)
async def test_names_that_a_file_system_takes_for_one_are_refused(one: bytes, two: bytes, code: str) -> None:
    parts = [Part(name, b"", flags=0 if name == b"\x82" else UTF8, attributes=0) for name in (one, two)]
    assert (await refusal(build(parts))).code == code


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        (0o120777 << 16, "archive-link"),
        (0x400, "archive-link"),
        (0o060600 << 16, "archive-special-entry"),
        (0o020666 << 16, "archive-special-entry"),
        (0o010644 << 16, "archive-special-entry"),
        (0o140755 << 16, "archive-special-entry"),
        (0o040755 << 16, "archive-special-entry"),
        (0x10, "archive-special-entry"),
        (0x08, "archive-special-entry"),
    ],
)
@pytest.mark.parametrize("made_by", [3 << 8 | 20, 20, 19 << 8])
async def test_links_devices_and_disguised_folders_are_refused(attributes: int, code: str, made_by: int) -> None:
    found = await refusal(build([A, Part(b"b", b"/etc/passwd", attributes=attributes, made_by=made_by)]))
    assert (found.code, found.entry) == (code, "b")


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (A.but(flags=UTF8 | 1), "archive-encrypted"),
        (A.but(flags=UTF8 | 0x41), "archive-encrypted"),
        (A.but(flags=UTF8 | 0x2000), "archive-encrypted"),
        (A.but(method=99, packed_data=b"aes"), "archive-method-unsupported"),
        (A.but(method=12, packed_data=b"bz2"), "archive-method-unsupported"),
        (A.but(method=9, packed_data=b"deflate64"), "archive-method-unsupported"),
        (A.but(flags=UTF8 | 0x20), "archive-method-unsupported"),
        (Part(b"folder/", b"with bytes in it", attributes=0), "archive-special-entry"),
        (Part(b"folder/", attributes=0o100644 << 16), "archive-special-entry"),
    ],
)
async def test_what_cannot_be_looked_into_is_refused(part: Part, code: str) -> None:
    assert (await refusal(build([part]))).code == code


DISAGREEMENTS: dict[str, dict[str, object]] = {
    "name": {"local": {"name": b"b.txt"}},
    "name length": {"local": {"name": b"a.txt.exe"}},
    "crc": {"local": {"crc": 1}},
    "size": {"local": {"size": 1}},
    "packed size": {"local": {"packed": 1}},
    "method": {"local": {"method": 0}},
    "encrypted only there": {"local": {"flags": UTF8 | 1}},
    "encoding": {"local": {"flags": 0}},
    "streamed only there": {"local": {"flags": UTF8 | 8}},
    "zeros without being streamed": {"local": {"crc": 0, "size": 0, "packed": 0}},
    "no descriptor": {"flags": UTF8 | 8, "descriptor": b""},
    "a lying descriptor": {"flags": UTF8 | 8, "descriptor": struct.pack("<4s3I", b"PK\x07\x08", 1, 2, 3)},
}


@pytest.mark.parametrize("how", DISAGREEMENTS)
async def test_a_file_that_says_other_than_the_table_of_contents_is_refused(how: str) -> None:
    assert (await refusal(build([A.but(**DISAGREEMENTS[how]), B]))).code == "archive-headers-disagree"


async def test_overlapping_entries_are_refused() -> None:
    """Fifield's bomb: many entries share one kernel of packed zeros, by pointing at it or by quoting each other."""
    kernel = Part(b"0", bytes(100_000))
    again = [kernel.but(name=f"{n}".encode(), offset=0, local={}) for n in range(1, 50)]
    assert (await refusal(build([kernel, *again]))).code == "archive-entries-overlap"
    # Quoted: the first file's data are a stored block that holds the second one's header and data.
    inner_zip = build([Part(b"inner", bytes(5000))])
    inner = inner_zip[: inner_zip.index(b"PK\x01\x02")]
    outer = Part(b"outer", inner, method=0)
    start = 30 + len(b"outer")
    quoted = Part(b"inner", bytes(5000), offset=start)
    assert (await refusal(build([outer, quoted]))).code == "archive-entries-overlap"
    reaching = A.but(packed=10_000, local={"packed": 10_000})
    assert (await refusal(build([reaching]))).code == "archive-entries-overlap"
    assert (await refusal(build([A, B.but(offset=10_000_000)]))).code == "archive-entries-overlap"


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (A.but(size=5), "archive-size-mismatch"),
        (A.but(size=500), "archive-size-mismatch"),
        (A.but(crc=7), "archive-crc-mismatch"),
        (A.but(method=0, size=5), "archive-size-mismatch"),
        (A.but(packed_data=b"\xff\xff\xff"), "archive-damaged"),
        (A.but(packed_data=deflated(A.data)[:-3]), "archive-damaged"),
        (A.but(packed_data=deflated(A.data) + b"more"), "archive-damaged"),
        (A.but(packed_data=b"", size=14), "archive-size-mismatch"),
        (A.but(data=NOISE, size=MIB), "archive-size-mismatch"),
    ],
)
async def test_a_file_that_is_not_what_was_declared_is_refused(part: Part, code: str) -> None:
    found = await refusal(build([part]))
    assert (found.code, found.entry) == (code, "a.txt")


async def test_a_lie_about_the_size_stops_after_one_chunk_of_a_bomb() -> None:
    """A quarter of a gigabyte of zeros that calls itself 250 kB: what it would unpack to is never held."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(bytes(MIB)) for _ in range(256)) + packer.flush()
    data = build([Part(b"bomb", packed_data=packed, size=250_000, crc=0)])
    del packed
    tracemalloc.start()
    try:
        assert (await refusal(data)).code == "archive-size-mismatch"
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


SMALL = Limits(entries=3, total_bytes=1000, entry_bytes=600, ratio=20, ratio_from_bytes=500, entry_ratio=10)


@pytest.mark.parametrize(
    ("parts", "limits", "code", "limit"),
    [
        ([Part(b"%d" % n) for n in range(4)], SMALL, "archive-too-many-entries", 3),
        ([Part(b"%d" % n, NOISE[:400]) for n in range(3)], SMALL, "archive-too-large", 1000),
        ([Part(b"a", NOISE[:601])], SMALL, "archive-entry-too-large", 600),
        ([Part(b"a", bytes(MIB))], Limits(entry_ratio_from_bytes=1000), "archive-ratio", 250),
        ([Part(b"a", bytes(MIB))], Limits(ratio_from_bytes=1000), "archive-ratio", 100),
        ([Part(b"a", bytes(11 * MIB))], None, "archive-ratio", 250),
        ([Part(b"%d" % n, bytes(9 * MIB)) for n in range(12)], None, "archive-ratio", 100),
    ],
)
async def test_what_would_exhaust_is_refused_before_anything_comes_out(
    parts: list[Part], limits: Limits | None, code: str, limit: int
) -> None:
    data = build(parts)
    with pytest.raises(UnpackRefused) as refused:
        Archive(io.BytesIO(data), limits)
    assert (refused.value.code, refused.value.params) == (code, {"limit": limit})


async def test_a_declared_size_of_exabytes_is_refused_at_once() -> None:
    vast = A.but(size=0xFFFFFFFF, packed=0xFFFFFFFF, extra=wide(2**62, 14), local_extra=wide(2**62, 14))
    assert (await refusal(build([vast]))).code == "archive-entry-too-large"


GOOD = build([A, B])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "archive-not-zip"),
        (b"PK", "archive-not-zip"),
        (NOISE[:1000], "archive-not-zip"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(100), "archive-not-zip"),
        (GOOD[:-1], "archive-not-zip"),
        (GOOD + b"\n", "archive-not-zip"),
        (GOOD[10:], "archive-damaged"),
        (b"prefix" + GOOD, "archive-ambiguous"),
        (build([A, B], table_shift=1), "archive-damaged"),
        (build([A, B], table_shift=-1), "archive-ambiguous"),
        (build([A, B], after_table=b"hidden"), "archive-ambiguous"),
        (build([A, B], count=1), "archive-damaged"),
        (build([A, B], count=3), "archive-damaged"),
        (build([A, B], disk=1), "archive-multi-volume"),
        (build([A], comment=build([B])), "archive-ambiguous"),
        (build([A.but(extra=b"\x01\x00\xff\x00")]), "archive-damaged"),
        (build([A.but(extra=wide(1) + wide(2))]), "archive-damaged"),
        (build([A.but(size=0xFFFFFFFF)]), "archive-damaged"),
        (build([A.but(size=0xFFFFFFFF, extra=b"\x01\x00\x04\x00abcd")]), "archive-damaged"),
        (build([Part(b"a" * 5000)]), "archive-damaged"),
    ],
)
async def test_what_is_no_archive_or_could_be_two_is_refused(data: bytes, code: str) -> None:
    assert (await refusal(data)).code == code


async def test_a_zip64_record_that_contradicts_the_short_one_is_refused() -> None:
    data = bytearray(build([A, B], zip64=True))
    data[-22 + 8 : -22 + 12] = struct.pack("<2H", 1, 1)
    assert (await refusal(bytes(data))).code == "archive-ambiguous"
    data = bytearray(build([A, B], zip64=True))
    data[-22 - 20 + 16 : -22] = struct.pack("<I", 3)
    assert (await refusal(bytes(data))).code == "archive-multi-volume"
    data = bytearray(build([A, B], zip64=True))
    data[-22 - 20 + 8 : -22 - 4] = struct.pack("<Q", 2**63)
    assert (await refusal(bytes(data))).code == "archive-damaged"


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255), cut=st.integers(0, 20))
def test_no_changed_byte_makes_it_crash_or_change_a_file_unseen(position: int, value: int, cut: int) -> None:
    data = bytearray(GOOD)
    data[position] = value
    try:
        archive = Archive(io.BytesIO(bytes(data[: len(data) - cut]) if value % 7 == 0 else bytes(data)))
        contents = {file.path: b"".join(archive.read(file)) for file in archive.files}
    except UnpackRefused:
        return
    assert sorted(contents.values()) == sorted([A.data, B.data])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_it_crash(tail: bytes) -> None:
    for data in (tail, GOOD[:60] + tail, tail + GOOD[-22:], GOOD[: -22 - len(tail)] + tail + GOOD[-22:]):
        try:
            archive = Archive(io.BytesIO(data), Limits(entries=10))
            for file in archive.files:
                for _ in archive.read(file):
                    pass
        except UnpackRefused:
            continue


# --- how it is done ---------------------------------------------------------------------------------------------------


async def test_thousands_of_small_files_take_few_visits_to_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    visits = 0
    to_thread = asyncio.to_thread

    async def counted(*args: object, **kwargs: object) -> object:
        nonlocal visits
        visits += 1
        return await to_thread(*args, **kwargs)  # pyright: ignore[reportCallIssue, reportArgumentType] - passed on as is

    data = build([Part(b"files/%d.png" % n, NOISE[n : n + 600]) for n in range(2000)])
    monkeypatch.setattr(asyncio, "to_thread", counted)
    assert len(await unpacked(data)) == 2000
    assert visits <= 8


async def test_all_work_is_done_in_other_threads_and_memory_stays_bounded() -> None:
    threads: set[int] = set()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            threads.add(threading.get_ident())
            return super().read(size)

    content = NOISE * 20
    reader = Watched(build([Part(b"large", content), A]))
    tracemalloc.start()
    try:
        async for file in unpack(reader):
            seen = sha256()
            async for chunk in file.chunks():
                assert len(chunk) <= MIB
                seen.update(chunk)
            assert file.sha256 == seen.hexdigest()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert threading.get_ident() not in threads and threads and peak < 12 * MIB


async def test_a_large_file_can_be_read_twice_and_late_and_its_digest_comes_after() -> None:
    files = [file async for file in unpack(io.BytesIO(build([Part(b"one", NOISE), Part(b"two", NOISE[::-1])])))]
    with pytest.raises(ValueError, match="read to its end"):
        _ = files[0].sha256
    for _ in range(2):
        both = await asyncio.gather(*(_content(file.chunks()) for file in files))
        assert both == [NOISE, NOISE[::-1]]


async def _content(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def test_an_archive_is_unpacked_straight_out_of_the_encrypted_spool(tmp_path: Path) -> None:
    async def key_of(uid: str) -> bytes:
        return b"k" * 32

    spool, uid, data = EncryptedSpool(tmp_path, key_of), "0192a7f0-0000", build([A, Part(b"large", NOISE)])
    await spool.begin(uid, len(data))
    async with spool.lock(uid):
        await spool.append(uid, data)
    with await spool.open_plain(uid) as reader:
        found = {f.path: await _content(f.chunks()) async for f in unpack(reader)}
    assert found == {"a.txt": A.data, "large": NOISE}
    assert {Path(name).suffix for name in os.listdir(tmp_path)} == {".data", ".info"}


def test_every_code_speaks_both_languages_and_an_error_is_fit_for_a_log() -> None:
    assert all(text.keys() == {"sv", "en"} for text in TEXTS.values())
    refused = UnpackRefused("archive-link", "secret-name")
    assert "secret-name" not in f"{refused} {refused!r}"
