"""The process that evaluates events and performs actions."""
