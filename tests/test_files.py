"""What is read of the corpus folder, and what is told of the rest."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from index.articles.files import scan
from index.errors import CorpusError


def told(corpus: Path, max_bytes: int = 1000) -> dict[str, str]:
    return {file.path: file.trouble for file in scan(corpus, max_bytes)}


def test_files_come_by_path_with_the_digest_of_their_bytes(tmp_path: Path) -> None:
    for name in ("b.txt", "sub/a.md", "a-b.txt", "a/z.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    files = scan(tmp_path, 1000)
    assert [file.path for file in files] == ["a-b.txt", "a/z.txt", "b.txt", "sub/a.md"]
    assert {file.digest for file in files} == {hashlib.sha256(b"x").hexdigest()}


def test_what_is_not_read_is_told_once_with_its_reason(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    (corpus / "deep").mkdir(parents=True)
    (corpus / "deep" / "again").symlink_to(corpus)
    (corpus / "away").symlink_to(tmp_path)
    (corpus / "round.txt").symlink_to("round.txt")
    (corpus / "gone.txt").symlink_to("nowhere.txt")
    (corpus / "secret.txt").symlink_to("/etc/hostname")
    (corpus / ".git").mkdir()
    (corpus / ".git" / "config").write_text("x")
    (corpus / ".hidden.txt").write_text("x")
    for name in ("b.txt~", "#b.txt#", ".b.txt.swp", "4913", "b.txt.TMP", "c.part", "~$d.txt"):
        (corpus / name).write_text("x")  # an editor's: not even told
    (corpus / "huge.txt").write_text("x" * 1001)
    (corpus / "letter.pages").write_text("x")
    (corpus / "letter.xyz").write_text("x")
    os.mkfifo(corpus / "pipe.txt")
    Path(os.fsdecode(os.fsencode(corpus) + b"/caff\xe8.txt")).write_text("x")
    (corpus / "good.txt").write_text("x" * 1000)
    (corpus / "same.txt").symlink_to("good.txt")
    reasons = told(corpus)
    assert reasons.pop("letter.pages") == ".pages is not read: save it as .docx"
    assert reasons.pop("letter.xyz").startswith("only ")
    assert reasons == {
        ".git": "it is hidden: its name begins with a dot",
        ".hidden.txt": "it is hidden: its name begins with a dot",
        "away": "it is a link out of the corpus",
        "caff\\xe8.txt": "its name is not UTF-8",
        "deep/again": "it is a link to a folder",
        "gone.txt": "it cannot be read: No such file or directory",
        "good.txt": "",
        "huge.txt": "it is larger than 0.001 MB: VIRGOLETTE_MAX_FILE_MB sets the limit",
        "pipe.txt": "it is no regular file",
        "round.txt": "it cannot be read: Too many levels of symbolic links",
        "same.txt": "",
        "secret.txt": "it is a link out of the corpus",
    }


CONFLICTS = [
    "a.sync-conflict-20240101-101010-ABCDEFG.txt",
    "a_conflict-20240101-101010.md",
    "a (Anna's conflicted copy 2024-01-01).txt",
    "a (copia in conflitto di Anna 2024-01-01).txt",
    "a (SFConflict anna@example.org 2024-01-01-10-10-10).txt",
    "a.Conflict.txt",
    "a [conflicted].txt",
]


def test_files_of_other_programs_are_told_and_not_read(tmp_path: Path) -> None:
    others = ["@eaDir/a.txt/b.txt", "#recycle/a.txt", "Ponte_files/frame.html", ".a.txt.icloud"]
    others += ["Thumbs.db", "desktop.ini", ".DS_Store", "._a.txt"]
    own = ["a.txt", "a (1).txt", "Gaza (il conflitto).txt", "Ponte.html", "mie_files/a.txt"]
    for name in (*CONFLICTS, *others, *own, ".~lock.a.odt#", "~$a.docx"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("x")
    reasons = told(tmp_path)
    assert {path for path, reason in reasons.items() if not reason} == set(own)
    assert all(reasons[name].startswith("it is a copy from a sync") for name in CONFLICTS)
    assert reasons["Ponte_files"] == "it holds the parts of the saved page beside it"
    assert reasons["@eaDir"] == reasons["#recycle"] == "it is a folder of another program"
    assert reasons[".a.txt.icloud"].endswith("have iCloud download it")
    assert reasons.keys() >= {"Thumbs.db", "desktop.ini", ".DS_Store", "._a.txt"}
    assert len(reasons) == len(CONFLICTS) + len(others) + len(own)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everywhere")
def test_a_folder_that_may_not_be_read_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "shut").mkdir(mode=0)
    assert told(tmp_path) == {"a.txt": "", "shut": "it cannot be read: Permission denied"}
    tmp_path.chmod(0)
    with pytest.raises(CorpusError, match="cannot read the folder"):
        scan(tmp_path, 1000)
    tmp_path.chmod(0o700)


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"there is no corpus folder .*VIRGOLETTE_CORPUS_DIR"):
        scan(tmp_path / "none", 1000)


def test_a_corpus_that_is_a_link_is_read(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.txt").write_text("x")
    (tmp_path / "corpus").symlink_to("there")
    assert told(tmp_path / "corpus") == {"a.txt": ""}
