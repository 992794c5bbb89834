"""A local CA for the admin API: for those who have no other."""
