"""The demo: real data, and what a team would have made of them; run by the real engine."""
