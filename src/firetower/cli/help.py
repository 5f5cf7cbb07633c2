"""The help of commands that are made from a table."""


def help_text(summary: str, *examples: str) -> str:
    """Return a command's help with its examples, given without the program's name."""
    lines = "".join(f"\n  firetower {example}" for example in examples)
    return f"{summary}\n\n\b\nExamples:{lines}"
