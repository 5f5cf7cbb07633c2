"""What the database remembers. The only maker of transactions; it hands out core models."""
