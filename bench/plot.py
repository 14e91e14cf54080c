"""The one figure that survives a noisy machine, as bars: CPU µs per request."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from bench.figures import Result

_WIDTH: Final = 720
_BAR: Final = 28
_LEFT: Final = 220


def bars(results: Sequence[Result]) -> str:
    """An SVG picture, one bar for each result."""
    most = max(result.unary.cpu_us for result in results)
    height = 40 + len(results) * (_BAR + 12)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        ' font-family="sans-serif" font-size="14">',
        '<rect width="100%" height="100%" fill="white"/>',
        '<text x="10" y="22">CPU µs per unary request, one core (less is better)</text>',
    ]
    for place, result in enumerate(results):
        top = 36 + place * (_BAR + 12)
        length = result.unary.cpu_us / most * (_WIDTH - _LEFT - 80)
        lines += [
            f'<text x="10" y="{top + 19}">{escape(result.name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_BAR}" fill="#3367d6"/>',
            f'<text x="{_LEFT + length + 8:.1f}" y="{top + 19}">{result.unary.cpu_us:,.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
