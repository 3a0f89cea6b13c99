"""What must survive a power cut: one SQLite file behind one class per group of tables. The only place with SQL."""
