"""The form of an automation: a draft, what it means, and the fields to write it in."""
