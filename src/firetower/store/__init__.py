"""The database: tables, queries, and the only maker of transactions; it returns core models."""
