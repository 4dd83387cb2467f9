"""Training assigned to the right people, kept valid, and provable: an LTI 1.3 tool."""
