"""Small documents of office programs, e-books and mails, written by hand."""

from __future__ import annotations

import io
import zipfile

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def zipped(parts: dict[str, str | bytes]) -> bytes:
    """A ZIP file with these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return out.getvalue()


def docx(body: str, footnote: str = "", title: str = "") -> bytes:
    """A Word document with this content of its body, in WordprocessingML."""
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r" '
            f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="f" Type="{_OFFICE}/footnotes" Target="footnotes.xml"/>'
            "</Relationships>",
            "word/document.xml": f'<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>',
            "word/footnotes.xml": f'<w:footnotes xmlns:w="{_W}"><w:footnote w:id="1">'
            f"{paragraph(footnote)}</w:footnote></w:footnotes>",
            "docProps/core.xml": f'<c xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{title}</dc:title></c>",
        }
    )


def paragraph(*runs: str) -> str:
    """A paragraph of a Word document; runs that begin with "<" are markup."""
    return f"<w:p>{''.join(run if run[:1] == '<' else word_run(run) for run in runs)}</w:p>"


def word_run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def table(*rows: tuple[str, ...]) -> str:
    """A table of a Word document."""
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def odt(body: str, title: str = "") -> bytes:
    """An OpenDocument text with this content."""
    names = " ".join(
        f'xmlns:{name}="{_ODF}:{name}:1.0"' for name in ("office", "text", "table", "drawing")
    )
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {names}><office:body><office:text>{body}"
            "</office:text></office:body></office:document-content>",
            "meta.xml": f'<m xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}'
            "</dc:title></m>",
        }
    )


def epub(*chapters: str, metadata: str = "") -> bytes:
    """An e-book with these chapters, each the content of a body; the first is its navigation."""
    names = [f"c{number}.xhtml" for number in range(len(chapters))]
    items = "".join(
        f'<item id="{name}" href="{name}" properties="{"" if number else "nav"}"/>'
        for number, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="OPS/book.opf"/></container>',
            "OPS/book.opf": '<package xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<metadata>{metadata}</metadata><manifest>{items}</manifest><spine>{spine}</spine>"
            "</package>",
            **{f"OPS/{n}": page.format(c) for n, c in zip(names, chapters, strict=True)},
        }
    )


def mail(
    plain: str = "", markup: str = "", subject: str = "Il ponte", sender: str = "Il Taro <a@b.it>"
) -> bytes:
    """A newsletter with these parts, in UTF-8."""
    parts = [("plain", plain), ("html", markup)]
    body = "".join(
        f"--b\nContent-Type: text/{kind}; charset=utf-8\n\n{text}\n" for kind, text in parts if text
    )
    return (
        f"From: {sender}\nSubject: {subject}\nDate: Mon, 11 Sep 2023 00:30:00 +0200\n"
        f'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="b"\n\n{body}--b--\n'
    ).encode()
