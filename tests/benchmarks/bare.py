"""What the app is measured beside: Textual with one DataTable."""

from textual.app import App, ComposeResult
from textual.widgets import DataTable


class Bare(App[None]):
    """A hundred rows of five columns."""

    def compose(self) -> ComposeResult:
        table: DataTable[str] = DataTable()
        table.cursor_type = "row"
        table.add_columns("name", "scope", "event", "when", "fired")
        for number in range(100):
            table.add_row(f"auto-{number:05d}", "registry", "alias added", "any", "now")
        yield table


if __name__ == "__main__":
    Bare().run()
