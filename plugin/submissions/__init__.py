"""External certificates that learners submit as evidence."""
