"""The wizard `setup`: from an empty board to a registered phone and a test call, question by question."""
