"""Small pieces of self-contained HTML: no script, no network; all that comes from data is escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

STYLE = """
:root { --ink: #1d2327; --soft: #5b656d; --line: #d9dee2; --tint: #f4f6f7; --mark: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 2.2rem 1.6rem 4rem; background: #fff; color: var(--ink);
  font: 15px/1.5 "Source Sans 3", "Segoe UI", "Noto Sans", "DejaVu Sans", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.75rem; margin: 0; line-height: 1.2; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .7rem; padding-bottom: .25rem;
  border-bottom: 2px solid var(--mark); }
p { max-width: 75ch; margin: .5rem 0; }
.lead { color: var(--soft); margin: .35rem 0 1.4rem; overflow-wrap: anywhere; }
.cards { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.card { flex: 1 1 150px; border: 1px solid var(--line); border-top: 3px solid var(--mark);
  background: var(--tint); padding: .6rem .9rem; }
.card .name { color: var(--soft); font-size: .82rem; }
.card .value { font-size: 1.35rem; font-weight: 600; white-space: nowrap; }
.card .note { color: var(--soft); font-size: .82rem; }
.wide { overflow-x: auto; }
.wide + .wide { margin-top: 1.4rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .35rem; font-size: .85rem; }
th { text-align: left; background: var(--tint); font-weight: 600; }
th, td { padding: .3rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number, td:first-child { white-space: nowrap; }
td.digits { overflow-wrap: anywhere; min-width: 18ch;
  font: .78rem/1.4 "DejaVu Sans Mono", Consolas, monospace; }
figure { margin: 1.1rem 0; break-inside: avoid; }
figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; }
figcaption { color: var(--soft); font-size: .87rem; max-width: 95ch; margin: .4rem auto 0; }
.notice { border-left: 4px solid #d55e00; background: #fdf3ec; padding: .6rem .9rem; max-width: none; }
footer { margin-top: 3rem; color: var(--soft); font-size: .82rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  h2 { break-after: avoid; } tr, .card { break-inside: avoid; } .wide { overflow: visible; }
  @page { margin: 16mm 14mm; }
}
"""

NOTHING_FROM_OUTSIDE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Section:
    """A titled part of a page; `body` is HTML made by this module's functions."""

    title: str
    body: str


def page(title: str, sections: Iterable[Section], lead: str = "", footer: str = "") -> str:
    """A whole document. `title`, `lead` and `footer` are plain text."""
    parts = [f"<h2>{escape(part.title)}</h2>\n{part.body}" for part in sections]
    lead = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    footer = f"<footer>{escape(footer)}</footer>" if footer else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{NOTHING_FROM_OUTSIDE}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{lead}\n" + "\n".join(parts) + f"\n{footer}\n</body>\n</html>\n"
    )


def paragraph(text: str) -> str:
    """Plain text as a paragraph."""
    return f"<p>{escape(text)}</p>"


def notice(text: str) -> str:
    """Plain text as a paragraph that must not be overlooked."""
    return f'<p class="notice">{escape(text)}</p>'


def table(head: Sequence[str], rows: Iterable[Sequence], numbers: Sequence[int] = (), caption: str = "",
          digits: Sequence[int] = ()) -> str:
    """A table of plain texts; the columns `numbers` are set to the right, those of `digits` may break."""
    kinds = {**dict.fromkeys(digits, ' class="digits"'), **dict.fromkeys(numbers, ' class="number"')}

    def cells(row, tag):
        return "".join(f"<{tag}{kinds.get(index, '')}>{escape(str(cell))}</{tag}>"
                       for index, cell in enumerate(row))

    caption = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>\n" for row in rows)
    return (f'<div class="wide"><table>{caption}<thead><tr>{cells(head, "th")}</tr></thead>\n'
            f"<tbody>\n{body}</tbody></table></div>")


def cards(entries: Iterable[tuple]) -> str:
    """The figures that matter most: `(name, value, note)` each."""
    made = (f'<div class="card"><div class="name">{escape(name)}</div>'
            f'<div class="value">{escape(value)}</div><div class="note">{escape(note)}</div></div>'
            for name, value, note in entries)
    return f'<div class="cards">{"".join(made)}</div>'


def picture(png: bytes, alternative: str, caption: str = "", width: int = 0) -> str:
    """A PNG inside the page, `width` CSS pixels wide (0: as it is), with the text that stands for it."""
    data = base64.b64encode(png).decode("ascii")
    caption = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    size = f' width="{width}"' if width else ""
    image = f'<img src="data:image/png;base64,{data}" alt="{escape(alternative)}"{size}>'
    return f"<figure>{image}{caption}</figure>"
