"""Painting what has changed on a screen, and no more."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class RowCompositor(Compositor):
    """Draws only rows in which something has changed; Textual draws the whole of each widget there.

    For a cursor that moves by one row this is most of the work.
    """

    _bands: Sequence[Region] = ()
    """The rows that are drawn, neighbours together."""

    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        bands: list[Region] = []
        for y in filter(is_rendered_line, crop.line_range):
            row = Region(0, y, self.size.width, 1)
            if bands and bands[-1].bottom == y:
                bands[-1] = bands[-1].union(row)
            else:
                bands.append(row)
        self._bands = bands
        return super()._render_chops(crop, is_rendered_line)

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        for widget, (region, clip) in self.visible_widgets.items():
            for band in self._bands:
                shown = clip.intersection(band)
                drawn = region.intersection(shown)
                if drawn and (crop is None or drawn.overlaps(crop)):
                    yield region, shown, widget.render_lines(drawn.translate(-region.offset))
