"""Reads Word documents."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from index.articles.document import Document
from index.articles.office.archive import Archive
from index.articles.office.markup import markup_text
from index.errors import ArticleError
from index.text.clean import one_line

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_BODY = "word/document.xml"
_NOT_READ = ("word/media/", "word/embeddings/", "word/vbaProject", "word/fonts/")


def read_docx(data: bytes) -> Document:
    """The text of a .docx: as it stands with all its changes accepted, notes at the end.

    Headers, footers, comments and hidden text are left out. Its dates say when it was written,
    not when it was published. Raises ArticleError.
    """
    import mammoth

    archive = Archive(data)
    root = archive.xml(_BODY)
    if root is None:
        raise ArticleError("it is no Word document: save it as .docx again")
    _drop_hidden(root)
    result = mammoth.convert_to_html(
        _copy(archive, root),
        ignore_empty_paragraphs=True,
        external_file_access=False,
        convert_image=lambda _: [],
    )
    core = archive.xml("docProps/core.xml")
    title = one_line(core.findtext(_TITLE) or "") if core is not None else ""
    text = markup_text(result.value.replace("↑</a>", "</a>"))  # mammoth's link back from a note
    return Document(text, {"title": title} if title else {})


def _drop_hidden(root: Any) -> None:
    """Remove the runs that the document hides."""
    for mark in list(root.iter(f"{_W}vanish")):
        run = mark.getparent().getparent()
        if run is not None and run.tag == f"{_W}r" and mark.get(f"{_W}val") not in ("0", "false"):
            run.getparent().remove(run)


def _copy(archive: Archive, root: Any) -> io.BytesIO:
    """The parts that hold text, as an archive of checked sizes, with this body."""
    from lxml import etree

    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as target:
        for name in dict.fromkeys(archive.names):
            if name == _BODY:
                target.writestr(name, etree.tostring(root))
            elif name.endswith((".xml", ".rels")) and not name.startswith(_NOT_READ):
                part = archive.xml(name)
                target.writestr(name, etree.tostring(part) if part is not None else b"")
    copy.seek(0)
    return copy
