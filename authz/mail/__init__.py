"""Mails to customers: written, and handed to a mail server or a folder."""
