"""What people see on a terminal: progress, plans, lists, checks."""
