"""`firetower serve`: W&B's API, so that scripts written for its SDK work unchanged."""
