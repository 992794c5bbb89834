"""A letter as HTML: one file, no remote content, readable without its styles."""

from html import escape
from typing import Final, assert_never

from authz.mail.letter import Block, Code, Facts, Heading, Letter, Paragraph, Points, Secret

_STYLE: Final = """\
body { margin: 0; padding: 24px 12px; background: #f3f4f6; color: #1f2937;
  font: 16px/1.55 -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 600px; margin: 0 auto; padding: 32px; background: #ffffff;
  border: 1px solid #e5e7eb; border-radius: 12px; }
.product { margin: 0 0 24px; color: #4338ca; font-weight: 700; letter-spacing: .04em; }
h1 { margin: 0 0 16px; font-size: 24px; line-height: 1.3; }
h2 { margin: 32px 0 8px; font-size: 18px; }
h3 { margin: 20px 0 6px; font-size: 14px; color: #4b5563; }
pre { margin: 0; padding: 14px 16px; overflow-x: auto; border-radius: 8px;
  background: #f3f4f6; color: #111827; font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre.secret { border: 1px solid #4338ca; background: #eef2ff; font-size: 14px; font-weight: 600;
  white-space: pre-wrap; word-break: break-all; }
table { border-collapse: collapse; margin: 20px 0; }
th, td { padding: 5px 20px 5px 0; text-align: left; vertical-align: top; }
th { color: #4b5563; font-weight: 500; white-space: nowrap; }
td { overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) {
  body { background: #0b0f19; color: #e5e7eb; }
  main { background: #111827; border-color: #374151; }
  .product { color: #a5b4fc; }
  h3, th { color: #d1d5db; }
  pre { background: #1f2937; color: #f9fafb; }
  pre.secret { background: #1e1b4b; border-color: #a5b4fc; }
}"""

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
<p class="product">Tessera</p>
<h1>{title}</h1>
{blocks}
</main>
</body>
</html>
"""


def write_markup(letter: Letter) -> str:
    """Return the letter as a page; all that it says is escaped."""
    blocks = "\n".join(map(_write_block, letter.blocks))
    return _PAGE.format(title=escape(letter.subject), style=_STYLE, blocks=blocks)


def _write_block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Heading(text):
            return f"<h2>{escape(text)}</h2>"
        case Secret(text):
            return f'<pre class="secret">{escape(text)}</pre>'
        case Facts(rows):
            return _write_facts(rows)
        case Code(title, lines):
            return f"<h3>{escape(title)}</h3>\n<pre>{escape(lines)}</pre>"
        case Points(items):
            return "<ul>\n" + "\n".join(f"<li>{escape(item)}</li>" for item in items) + "\n</ul>"
        case _:
            assert_never(block)


def _write_facts(rows: tuple[tuple[str, str], ...]) -> str:
    lines = (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return "<table>\n" + "\n".join(lines) + "\n</table>"
