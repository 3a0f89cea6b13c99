"""How offhook and what it needs are built here for boards: roots, wheels, SQLite, and their checks."""
