"""Talking to models: sessions, the window that keeps an engine full, and the back ends."""
