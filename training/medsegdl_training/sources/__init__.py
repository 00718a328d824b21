"""Where training samples come from: one module a task, and what they share."""
