"""What Firetower decides, without a database, a network or a screen."""
