"""Reading the past that a backtest looks at: SQL decides what it can, Python the rest."""
