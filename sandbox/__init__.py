"""An LMS in miniature and a mail inbox, for the demo and the tests; never in production."""
