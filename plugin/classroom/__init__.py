"""Classroom and practical sessions: dates, seats, attendance."""
