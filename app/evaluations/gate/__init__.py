"""Whether a version may pass: what is asked, what came of it, and saying so to pipelines."""
