"""Human review: people judge outputs one at a time, blind; how far they agree, and who settles what they dispute."""
