from __future__ import annotations

from typing import Any

import pytest

from backend.contracts.errors import Invalid, ToolError
from backend.tools.builtin import files
from tests.tools.conftest import Bench, Use


async def test_what_is_written_can_be_read_and_listed(use: Use) -> None:
    written = await use("file.write", path="notes/a.md", content="Grüße\n")
    assert written.output == {"path": "notes/a.md", "size": 8}
    read = await use("file.read", path="notes/a.md")
    assert read.output == {"path": "notes/a.md", "content": "Grüße\n", "json": None, "size": 8}
    listed = (await use("file.list", folder="notes")).output
    assert [(file["path"], file["size"]) for file in listed["files"]] == [("notes/a.md", 8)]
    assert listed["count"] == 1


async def test_writing_again_replaces_and_appending_adds(use: Use) -> None:
    for content in ("one", "two"):
        await use("file.write", path="a.txt", content=content)
    for content in ("three", "four\n"):
        await use("file.append", path="a.txt", content=content)
    assert (await use("file.read", path="a.txt")).output["content"] == "twothree\nfour\n"


@pytest.mark.parametrize(
    ("path", "content", "text"),
    [
        ("a.json", {"b": [1]}, '{\n  "b": [\n    1\n  ]\n}\n'),
        ("a.JSON", [1], "[\n  1\n]\n"),
        ("a.csv", [{"a": 1, "b": "x,y"}, {"b": None, "c": [1]}], 'a,b,c\n1,"x,y",\n,,• 1\n'),
        ("a.csv", [["a", 2], 3], "a,2\n3\n"),
        ("a.csv", [{"a": "=1+1"}, {"a": "@x"}, {"a": -3}], "a\n'=1+1\n'@x\n-3\n"),
        ("a.md", [{"title": "T", "link": "l"}], "• T\n  l\n"),
        ("a.md", {"k": "v"}, "k: v\n"),
    ],
)
async def test_data_is_written_in_the_form_of_the_file(
    use: Use, path: str, content: Any, text: str
) -> None:
    await use("file.write", path=path, content=content)
    assert (await use("file.read", path=path)).output["content"] == text


async def test_a_json_file_is_read_as_data_too(use: Use) -> None:
    await use("file.write", path="a.json", content={"b": [1, 2]})
    assert (await use("file.read", path="a.json")).output["json"] == {"b": [1, 2]}
    await use("file.write", path="a.json", content="{")
    with pytest.raises(ToolError) as caught:
        await use("file.read", path="a.json")
    assert caught.value.code == "EXEC_FILE_INVALID"


async def test_lines_of_json_are_appended_to_a_jsonl_file(use: Use) -> None:
    await use("file.append", path="log.jsonl", content={"n": 1})
    await use("file.append", path="log.jsonl", content=[2])
    assert (await use("file.read", path="log.jsonl")).output["content"] == '{"n":1}\n[2]\n'


async def test_nobody_reads_another_s_files(bench: Bench) -> None:
    await bench.use("file.write", path="mine.txt", content="secret")
    bench.user_id = "eve"
    with pytest.raises(ToolError) as caught:
        await bench.use("file.read", path="mine.txt")
    assert caught.value.code == "EXEC_NOT_FOUND"
    assert (await bench.use("file.list")).output["files"] == []


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "..", "a\x00b"])
async def test_a_path_out_of_the_person_s_space_is_refused(use: Use, path: str) -> None:
    for tool, args in (("file.read", {}), ("file.write", {"content": ""})):
        with pytest.raises((ToolError, Invalid)) as caught:
            await use(tool, path=path, **args)
        assert caught.value.code.startswith("EXEC_")


async def test_what_is_no_text_or_too_large_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = bench.registry()
    call = bench.call("file.read", {"path": "a.bin"})
    await registry._files.write(bench.user_id, "a.bin", b"\xff\xfe")
    with pytest.raises(ToolError) as caught:
        await registry.call(call)
    assert caught.value.code == "EXEC_FILE_NOT_TEXT"
    monkeypatch.setattr(files, "MAX_BYTES", 1)
    for tool, args in (("file.read", {}), ("file.write", {"content": "xx"})):
        with pytest.raises(ToolError) as caught:
            await registry.call(bench.call(tool, {"path": "a.bin", **args}))
        assert caught.value.code == "EXEC_TOO_LARGE"
