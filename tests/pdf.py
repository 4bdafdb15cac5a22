"""Small PDFs, written by hand."""

from __future__ import annotations

from collections.abc import Iterable

Line = tuple[float, float, float, str]  # x, y, size of the letters, text


def pdf(*pages: Iterable[Line], title: str = "", trailer: str = "") -> bytes:
    """A PDF with these lines of text on its pages, in Helvetica."""
    return assemble([_content(page) for page in pages], title, trailer)


def assemble(contents: list[bytes], title: str = "", trailer: str = "", form: bytes = b"") -> bytes:
    """A PDF whose pages have these content streams, which may draw the form as /Fm."""
    first = 5  # 1 catalogue, 2 pages, 3 font, 4 information, then page and content in turn
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title (" + _escaped(title) + b") /CreationDate (D:20200101000000Z) >>",
    ]
    for number, content in enumerate(contents):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources "
            b"<< /Font << /F1 3 0 R >> /XObject << /Fm %d 0 R >> >> /Contents %d 0 R >>"
            % (first + 2 * len(contents), first + 2 * number + 1)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    objects.append(
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources "
        b"<< /Font << /F1 3 0 R >> >> /Length %d >>\nstream\n%s\nendstream" % (len(form), form)
    )
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
        + b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R %s >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, trailer.encode(), len(out))
    )  # fmt: skip


def lines(*texts: str, top: float = 780, size: float = 11, leading: float = 14) -> list[Line]:
    """Lines below one another."""
    return [(60, top - leading * number, size, text) for number, text in enumerate(texts)]


def _content(page: Iterable[Line]) -> bytes:
    return b"\n".join(
        b"BT /F1 %g Tf %g %g Td (%s) Tj ET" % (size, x, y, _escaped(text))
        for x, y, size, text in page
    )


def _escaped(text: str) -> bytes:
    for mark in "\\()":
        text = text.replace(mark, f"\\{mark}")
    return text.encode("cp1252")
